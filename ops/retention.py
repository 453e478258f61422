"""`saferoute partitions retire`: periods leave their set, archived, and are dropped.

The archive comes first, so that a full disk changes nothing; then the period is detached without
holding up anybody; then its table is dropped, in one transaction with a last look whether its rows
are those of the archive. What a killed run left undone, the next one finds in the catalogue and in
the ledger, and finishes.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer
from psycopg.rows import class_row

from ops import archive, detaching, risk, upkeep
from ops.archive import Archive, Watch
from ops.errors import OperatorError
from ops.progress import bar
from ops.upkeep import PartitionSet

_ATTEMPTS = 3

Patience = Annotated[
    float,
    typer.Option(help="Seconds to wait for transactions that use the set.", min=0.1),
]
SetName = Annotated[str | None, typer.Argument(help="One set; all where not given.")]


@dataclass(frozen=True)
class Period:
    """A row of ops.partition_periods."""

    lower_bound: datetime
    upper_bound: datetime
    state: str
    period: str | None
    bytes: int | None
    is_due: bool


@dataclass(frozen=True)
class Retired:
    """A period that has been retired, or would be."""

    set: str
    period: str
    state: str
    rows: int
    bytes: int
    archive: str | None


def retire(
    name: SetName = None,
    period: Annotated[
        str | None, typer.Argument(help="One period, as 2026-10-01 or 2026-10; all that are due.")
    ] = None,
    early: Annotated[
        bool, typer.Option("--early", help="Though its retention has not passed; it must be over.")
    ] = False,
    dry_run: upkeep.DryRun = False,
    as_json: upkeep.AsJson = False,
    patience: Patience = detaching.PATIENCE,
) -> None:
    """Archive, detach and drop the periods that are due, or one.

    A period that was restored beside its set is dropped there; its archive stays.
    """
    with upkeep.connect() if dry_run else upkeep.exclusive() as connection:
        entries = [upkeep.find_set(connection, name)] if name else None
        entries = entries or upkeep.partition_sets(connection)
        if not dry_run:
            upkeep.refuse_lagging_replica(connection)
        done: list[Retired] = []
        problems: list[str] = []
        for entry in entries:
            try:
                if not dry_run:
                    detaching.finish(connection, entry, patience)
                for each in _chosen(connection, entry, period, early):
                    if each.state == "archived":
                        _say_retired(entry, each)
                    elif dry_run:
                        done.append(_would_retire(connection, entry, each))
                    else:
                        done.append(retire_period(connection, entry, each, patience))
            except OperatorError as error:
                problems.append(str(error))
        if done and not dry_run:
            risk.refresh(connection)
    if done or not (period or problems):
        upkeep.show([asdict(each) for each in done], as_json)
    if problems:
        raise OperatorError("; ".join(problems))


def retire_period(
    connection: psycopg.Connection,
    entry: PartitionSet,
    period: Period,
    patience: float = detaching.PATIENCE,
) -> Retired:
    """Archive, detach, drop; from where an earlier run was cut off."""
    label = upkeep.label(entry, period.lower_bound)
    if period.state == "beside":
        return _drop_beside(connection, entry, period)
    table = period.period
    assert table is not None
    with bar(f"Archiving {entry.name} {label}") as watch:
        kept = archive.current(connection, entry.parent, period.lower_bound, table)
        kept = kept or _archive(connection, entry, period, watch)
        if period.state == "attached":
            detaching.detach(connection, entry, table, patience)
        for _ in range(_ATTEMPTS):
            if _drop(connection, kept, table):
                return Retired(
                    entry.name, label, "archived", kept.row_count, kept.file_bytes, kept.file_name
                )
            kept = _archive(connection, entry, period, watch)
    raise OperatorError(f"{table} is being written to though it is detached; it was not dropped")


def periods(connection: psycopg.Connection, entry: PartitionSet) -> list[Period]:
    """Every period of a set, by time."""
    with connection.cursor(row_factory=class_row(Period)) as cursor:
        return cursor.execute(
            "select lower_bound, upper_bound, state, period::text, bytes, is_due"
            " from ops.partition_periods where parent = %s::regclass order by lower_bound",
            [entry.parent],
        ).fetchall()


def due_periods(connection: psycopg.Connection, entry: PartitionSet) -> list[Period]:
    """What is past its retention, and what stood beside the set for as long as was asked."""
    held = {
        kept.lower_bound
        for kept in archive.archives(connection, entry.parent)
        if kept.restored_as and (kept.keep_until is None or kept.keep_until > datetime.now(UTC))
    }
    return [
        each
        for each in periods(connection, entry)
        if each.is_due or (each.state == "beside" and each.lower_bound not in held)
    ]


def named(
    connection: psycopg.Connection, entry: PartitionSet, text: str, *, early: bool = False
) -> Period:
    """The period an operator names for `retire`, if it can be retired."""
    lower = upkeep.period_start(entry, text)
    found = [each for each in periods(connection, entry) if each.lower_bound == lower]
    label = upkeep.label(entry, lower)
    if not found:
        raise OperatorError(f"{entry.name} has no period {label}: see `saferoute partitions list`")
    if found[0].state == "archived":
        return found[0]
    if found[0].upper_bound > datetime.now(UTC):
        raise OperatorError(f"{entry.name} {label} is not over: it cannot be retired")
    if not (found[0].is_due or early or found[0].state == "beside"):
        raise OperatorError(
            f"{entry.name} {label} is not due: its retention (partman.part_config) has not passed, "
            "or it was restored and is held; --early retires it all the same"
        )
    return found[0]


def _chosen(
    connection: psycopg.Connection, entry: PartitionSet, text: str | None, early: bool
) -> list[Period]:
    return [named(connection, entry, text, early=early)] if text else due_periods(connection, entry)


def _say_retired(entry: PartitionSet, period: Period) -> None:
    typer.echo(f"{entry.name} {upkeep.label(entry, period.lower_bound)} has been retired already.")


def _archive(
    connection: psycopg.Connection, entry: PartitionSet, period: Period, watch: Watch
) -> Archive:
    assert period.period is not None
    return archive.write(
        connection, entry.parent, period.lower_bound, period.upper_bound, period.period, watch
    )


def _drop(connection: psycopg.Connection, kept: Archive, table: str) -> bool:
    def attempt() -> bool:
        statement = "select core.drop_archived(%s, %s::regclass)"
        row = connection.execute(statement, [kept.archive_id, table]).fetchone()
        return row == (True,)

    return upkeep.patiently(connection, f"{table} could not be dropped", attempt)


def _drop_beside(connection: psycopg.Connection, entry: PartitionSet, period: Period) -> Retired:
    """Drop what was restored beside the set, once the files it came from have been checked."""
    of_period = archive.archives(connection, entry.parent, period.lower_bound)
    beside = [kept for kept in of_period if kept.restored_as]
    for kept in beside:
        archive.verify(kept)

    def attempt() -> None:
        with connection.transaction():
            connection.execute(
                "update core.partition_archives"
                " set restored_at = null, restored_as = null, keep_until = null"
                " where archive_id = any(%s)",
                [[kept.archive_id for kept in beside]],
            )
            for table in {kept.restored_as for kept in beside}:
                connection.execute("select core.drop_beside(%s::regclass)", [table])

    upkeep.patiently(connection, f"{period.period} could not be dropped", attempt)
    return Retired(
        entry.name,
        upkeep.label(entry, period.lower_bound),
        "archived",
        sum(kept.row_count for kept in beside),
        sum(kept.file_bytes for kept in beside),
        ", ".join(kept.file_name for kept in beside),
    )


def _would_retire(connection: psycopg.Connection, entry: PartitionSet, period: Period) -> Retired:
    counts, _ = archive.contents(connection, period.period or "")
    return Retired(
        entry.name,
        upkeep.label(entry, period.lower_bound),
        period.state,
        sum(counts.values()),
        period.bytes or 0,
        None,
    )
