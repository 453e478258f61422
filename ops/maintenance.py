"""`saferoute partitions maintain`: what has to be done every day, for every set."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import psycopg

from ops import adoption, detaching, quarantine, regions, retention, risk, upkeep
from ops.errors import OperatorError
from ops.upkeep import PartitionSet


@dataclass
class Run:
    """What `maintain` did for one set."""

    set: str
    premade: int = 0
    replayed: int = 0
    retired: int = 0
    problem: str | None = None


def maintain(
    name: retention.SetName = None,
    dry_run: upkeep.DryRun = False,
    as_json: upkeep.AsJson = False,
    patience: retention.Patience = detaching.PATIENCE,
) -> None:
    """Make the periods ahead, store points that waited for one, retire what is due.

    Consents of contacts that were removed three years ago are forgotten. Run it at least once a
    day. One set's failure stops no other; exit code 2 says that one failed.
    """
    with upkeep.connect() if dry_run else upkeep.exclusive() as connection:
        entries = [upkeep.find_set(connection, name)] if name else None
        entries = entries or upkeep.partition_sets(connection)
        problems: list[str] = []
        if dry_run:
            runs = [_would_do(connection, entry) for entry in entries]
        else:
            runs = [maintain_set(connection, entry, patience) for entry in entries]
            steps = (
                ("risk", risk.refresh),
                ("consents", _forget_consents),
                ("answers", _forget_answers),
            )
            for what, step in steps:
                try:
                    step(connection)
                except psycopg.Error as error:
                    problems.append(f"{what}: {str(error).splitlines()[0]}")
    shown = [asdict(run) for run in runs]
    if not as_json:
        shown = [{**row, "problem": "yes, below" if row["problem"] else None} for row in shown]
    upkeep.show(shown, as_json)
    problems += [f"{run.set}: {run.problem}" for run in runs if run.problem]
    if problems:
        raise OperatorError("; ".join(problems))


def maintain_set(
    connection: psycopg.Connection, entry: PartitionSet, patience: float = detaching.PATIENCE
) -> Run:
    """Premake, adopt, replay, retire, bookkeeping, fill: go on where one fails; record it."""
    run = Run(entry.name)
    row = connection.execute(
        "insert into core.maintenance_runs (parent) values (%s::regclass) returning run_id",
        [entry.parent],
    ).fetchone()
    assert row is not None
    problems: list[str] = []

    def attempt(step: Callable[[], None]) -> bool:
        try:
            step()
        except (OperatorError, psycopg.Error) as error:
            problems.append(str(error).splitlines()[0])
            return False
        return True

    def premake() -> None:
        run.premade = _premake(connection, entry)

    def adopt() -> None:
        adoption.adopt(connection, entry)

    def replay() -> None:
        # Points that came before their period; other sets have no quarantine.
        if entry.name == "journey_points":
            for number in quarantine.replay_points(connection, "period"):
                run.replayed += number

    def retire_due() -> None:
        detaching.finish(connection, entry, patience)
        due = retention.due_periods(connection, entry)
        if due:
            upkeep.refuse_lagging_replica(connection)
        for each in due:
            retention.retire_period(connection, entry, each, patience)
            run.retired += 1

    def bookkeep() -> None:
        try:
            connection.execute("select core.partman_bookkeeping(%s::regclass)", [entry.parent])
        finally:
            connection.execute("reset search_path")  # pg_partman sets it for the whole session

    def fill() -> None:
        regions.fill_leaves(connection, entry.parent)

    for step in (premake, adopt, replay):
        attempt(step)
    # pg_partman would detach what is due and still stands, and hold up every insert.
    if attempt(retire_due):
        attempt(bookkeep)
    attempt(fill)
    run.problem = "; ".join(problems) or None
    connection.execute(
        "update core.maintenance_runs set ended_at = clock_timestamp(), premade = %s,"
        " retired = %s, replayed = %s, problem = %s where run_id = %s",
        [run.premade, run.retired, run.replayed, run.problem, row[0]],
    )
    return run


def _premake(connection: psycopg.Connection, entry: PartitionSet) -> int:
    def attempt() -> int:
        row = connection.execute("select core.premake(%s::regclass)", [entry.parent]).fetchone()
        assert row is not None
        return int(row[0])

    return upkeep.patiently(connection, f"no period of {entry.name} could be made", attempt)


def _forget_consents(connection: psycopg.Connection) -> None:
    connection.execute("select core.forget_consents()")


def _forget_answers(connection: psycopg.Connection) -> None:
    """In steps of 1,000, each a transaction of its own."""
    while connection.execute("select core.forget_idempotency_keys()").fetchone() != (0,):
        pass


def _would_do(connection: psycopg.Connection, entry: PartitionSet) -> Run:
    with connection.transaction(force_rollback=True):
        premade = _premake(connection, entry)
    return Run(entry.name, premade=premade, retired=len(retention.due_periods(connection, entry)))
