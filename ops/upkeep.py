"""What every command that changes partitions does the same way: one at a time, with bounded waits.

The session is the owner's. It holds an advisory lock, so a second maintainer is told who is at
work. A statement that needs a strong lock waits `LOCK_TIMEOUT` for it and is tried again, so that
what queues behind it (every insert, for an ACCESS EXCLUSIVE lock) is not held up for longer.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import psycopg
import typer
from psycopg.rows import class_row
from rich import box
from rich.console import Console
from rich.table import Table
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from common.settings import settings
from ops.errors import OperatorError

LOCK_TIMEOUT = 40
"""Milliseconds one attempt may wait for a lock that others queue behind."""
ATTEMPTS = 100
"""Attempts before the command gives up; they are 50 to 300 ms apart."""
_KEY = "saferoute upkeep"
_OPTIONS = (
    # A session whose client was killed ends its statement, and frees the lock, within a second.
    "-c client_connection_check_interval=1000 -c timezone=UTC -c client_min_messages=warning "
    # Views over the catalogue: compiling them took 8 s, running them 0.4 s.
    "-c jit=off"
)
_HOLDER = """
select a.pid, a.backend_start from pg_locks as l inner join pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(%s, 0)
"""
_LAGGING = """
select application_name, extract(epoch from replay_lag)
from pg_stat_replication
where replay_lag > make_interval(secs => %s) and application_name <> all(%s)
order by replay_lag desc limit 1
"""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class PartitionSet:
    """A row of core.partition_sets; `parent` is the schema-qualified name."""

    parent: str
    control: str
    unit: str

    @property
    def name(self) -> str:
        """Without its schema, as operators write it."""
        return self.parent.rpartition(".")[2]


@contextmanager
def exclusive() -> Iterator[psycopg.Connection]:
    """The owner's session on the primary, in autocommit, alone among upkeep commands."""
    with connect() as connection:
        row = connection.execute(
            "select pg_try_advisory_lock(hashtextextended(%s, 0))", [_KEY]
        ).fetchone()
        if row != (True,):
            holder = connection.execute(_HOLDER, [_KEY]).fetchone()
            who = f" (process {holder[0]}, since {holder[1]:%F %T} UTC)" if holder else ""
            raise OperatorError(f"another upkeep command is at work{who}; nothing was changed")
        yield connection


def connect(address: tuple[str, int] | None = None) -> psycopg.Connection:
    """The owner's session in autocommit: on the primary, or on one server whatever its role."""
    where = (
        {"host": address[0], "port": str(address[1]), "target_session_attrs": "any"}
        if address
        else {}
    )
    return psycopg.connect(
        psycopg.conninfo.make_conninfo(settings().owner_conninfo, **where),
        options=_OPTIONS,
        application_name="saferoute upkeep",
        autocommit=True,
    )


def patiently(connection: psycopg.Connection, what: str, action: Callable[[], Outcome]) -> Outcome:
    """Run `action` with LOCK_TIMEOUT; again, up to ATTEMPTS times, where a lock was not free.

    `what` says in the error what could not be done. `action` must be repeatable: a transaction,
    or one statement.
    """
    connection.execute(f"set lock_timeout = {LOCK_TIMEOUT}")
    attempts = Retrying(
        retry=retry_if_exception_type(
            (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
        ),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(0.05, 0.3),
        reraise=True,
    )
    try:
        return attempts(action)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise OperatorError(
            f"{what}: the lock was not free within {LOCK_TIMEOUT} ms, {ATTEMPTS} times; "
            "pg_locks and pg_stat_activity say who holds it"
        ) from error
    finally:
        connection.execute("reset lock_timeout")


def refuse_lagging_replica(connection: psycopg.Connection) -> None:
    """Raise an error where a replica is further behind than `max_replay_lag_s`.

    Retiring, splitting and restoring write much; a replica that cannot follow would serve ever
    older answers. Replicas in `lag_tolerant_replicas` do not count.
    """
    values = settings()
    tolerant = [name.strip() for name in values.lag_tolerant_replicas.split(",")]
    row = connection.execute(_LAGGING, [values.max_replay_lag_s, tolerant]).fetchone()
    if row is not None:
        raise OperatorError(
            f"replica {row[0]} is {row[1]:.0f} s behind, more than SAFEROUTE_MAX_REPLAY_LAG_S "
            f"({values.max_replay_lag_s:g} s); nothing was changed"
        )


def partition_sets(connection: psycopg.Connection) -> list[PartitionSet]:
    """Every partition set, by name."""
    with connection.cursor(row_factory=class_row(PartitionSet)) as cursor:
        return cursor.execute(
            "select format('%s.%s', n.nspname, c.relname) as parent, s.control, s.unit"
            " from core.partition_sets as s inner join pg_class as c on c.oid = s.parent"
            " inner join pg_namespace as n on n.oid = c.relnamespace order by c.relname"
        ).fetchall()


def find_set(connection: psycopg.Connection, name: str) -> PartitionSet:
    """The partition set an operator names, with or without its schema."""
    known = partition_sets(connection)
    for entry in known:
        if name in (entry.name, entry.parent):
            return entry
    names = ", ".join(entry.name for entry in known)
    raise OperatorError(f"{name} is not a partition set; there are {names}")


def period_start(entry: PartitionSet, text: str) -> datetime:
    """The lower bound (UTC) of the period an operator names: 2026-10-01, or 2026-10 for a month."""
    complete = f"{text}-01" if entry.unit == "month" and text.count("-") == 1 else text
    try:
        start = datetime.fromisoformat(complete)
    except ValueError as error:
        example = "2026-10-01" if entry.unit == "day" else "2026-10"
        raise OperatorError(
            f"{text} is not a period of {entry.name}: write its {entry.unit}, as in {example}"
        ) from error
    start = start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.replace(day=1) if entry.unit == "month" else midnight


def label(entry: PartitionSet, lower: datetime) -> str:
    """A period as operators name it."""
    return f"{lower:%Y-%m-%d}" if entry.unit == "day" else f"{lower:%Y-%m}"


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, title: str | None = None) -> None:
    """Print rows on standard output: as a table, or as a JSON array of objects."""
    if as_json:
        typer.echo(json.dumps(rows, default=str, indent=2))
        return
    if not rows:
        typer.echo("There are none.")
        return
    table = Table(*rows[0], title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    # In a file or a pipe nothing is cut to the width of a terminal.
    Console(soft_wrap=True, width=None if sys.stdout.isatty() else 1000).print(table)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return f"{at:%Y-%m-%d}" if at.time() == at.min.time() else f"{at:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)
