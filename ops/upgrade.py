"""Bring a database to the schema of this code: install it whole, or apply what is missing.

One at a time (advisory lock), in the order of the numbers. A migration runs in one transaction
with its row of core.migrations, inserted first; it waits `lock_timeout` for each lock and is tried
again, so that no query waits behind it for longer.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_fixed,
    wait_random,
)

from ops import migrations, queues, schema
from ops.errors import OperatorError
from ops.migrations import PHASES, Migration, Statement

_KEY = "saferoute migrate"
_OWN_TABLE = schema.SQL / "schema" / "040_migrations.sql"
_NOT_FREE = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


@dataclass(frozen=True)
class Applied:
    """A row of core.migrations."""

    number: int
    name: str
    checksum: str
    began_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class State:
    """What a database has, and what it lacks, in order."""

    is_empty: bool
    applied: list[Applied]
    pending: list[Migration]


@dataclass(frozen=True)
class Patience:
    """How long one attempt waits for a lock, seconds, and how many attempts there are."""

    lock_timeout: float = 2
    attempts: int = 10


@dataclass(frozen=True)
class Done:
    """What was done and how long it took; `name` is a migration's, or `schema`: installed whole."""

    name: str
    seconds: float


Tell = Callable[[str], None]
PATIENT = Patience()


def bring_up_to_date(
    conninfo: str,
    found: Sequence[Migration],
    phase: str | None = None,
    patience: Patience = PATIENT,
    tell: Tell = lambda _: None,
) -> Iterator[Done]:
    """Bring the database up to date, or through one phase; yields what is done, as it is done.

    `conninfo` is a superuser's, `found` are all migrations there are. `tell` is told what is at
    work, or waited for.
    """
    with _turn(conninfo, tell) as connection:
        state = state_of(connection, found)
        if state.is_empty:
            begun = time.monotonic()
            tell("the schema")
            schema.install(conninfo, found)
            yield Done("schema", time.monotonic() - begun)
            return
        if not _exists(connection, "core.migrations"):
            _note_first_release(connection, state.applied[0])
        for migration in due(state.pending, phase):
            begun = time.monotonic()
            tell(migration.name)
            _patiently(connection, migration, patience, tell)
            yield Done(migration.name, time.monotonic() - begun)
        if _has_role(connection, "saferoute_tasks"):
            tell("the queues")
            queues.install(connection)


def state_of(connection: psycopg.Connection, found: Sequence[Migration]) -> State:
    """What the database has of these migrations; an error where it cannot be brought further."""
    if _exists(connection, "core.migrations"):
        applied = _applied(connection)
    elif _exists(connection, "core.installations"):
        applied = [_first_release(connection, found[0])]
    elif connection.execute("select to_regnamespace('core')").fetchone() != (None,):
        raise OperatorError("the database has a schema core that saferoute did not make")
    else:
        return State(True, [], list(found))
    _refuse_what_does_not_fit(applied, found)
    had = max((entry.number for entry in applied if entry.finished_at), default=1)
    return State(False, applied, list(found[had:]))


def due(pending: Sequence[Migration], phase: str | None) -> list[Migration]:
    """The pending migrations of a phase; all where none is named. They never change their order."""
    if phase is None:
        return list(pending)
    if phase not in PHASES:
        raise OperatorError(f"{phase} is not a phase: there are {' and '.join(PHASES)}")
    chosen = [migration for migration in pending if migration.phase == phase]
    first = pending[: len(chosen)]
    for wanted, other in zip(chosen, first, strict=True):
        if wanted is not other:
            raise OperatorError(
                f"{other.name} ({other.phase}) comes before {wanted.name} ({phase}): apply it "
                f"first (--phase {other.phase}), or all without --phase while nothing else runs"
            )
    return chosen


@contextmanager
def _turn(conninfo: str, tell: Tell) -> Iterator[psycopg.Connection]:
    """A session that no other migrate runs beside."""
    with psycopg.connect(
        conninfo,
        autocommit=True,
        prepare_threshold=None,
        application_name="saferoute migrate",
        options="-c timezone=UTC -c client_min_messages=warning",
    ) as connection:
        # Asked again and again and never waited for: CREATE INDEX CONCURRENTLY waits for every
        # statement that runs, so for one that waits for this lock, for ever.
        Retrying(
            retry=retry_if_result(lambda locked: not locked),
            wait=wait_fixed(0.2),
            before_sleep=lambda _: tell("another saferoute migrate to end"),
        )(_try_lock, connection)
        yield connection


def _try_lock(connection: psycopg.Connection) -> bool:
    query = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
    return connection.execute(query, [_KEY]).fetchone() == (True,)


def _patiently(
    connection: psycopg.Connection, migration: Migration, patience: Patience, tell: Tell
) -> None:
    def say(state: RetryCallState) -> None:
        tell(f"{migration.name}: a lock was not free, attempt {state.attempt_number + 1}")

    try:
        Retrying(
            retry=retry_if_exception_type(_NOT_FREE),
            stop=stop_after_attempt(patience.attempts),
            wait=wait_random(0.5, 2),
            before_sleep=say,
            reraise=True,
        )(_apply, connection, migration, patience.lock_timeout)
    except psycopg.Error as error:
        raise OperatorError(_told(migration, patience, error)) from error


def _apply(connection: psycopg.Connection, migration: Migration, lock_timeout: float) -> None:
    if migration.in_transaction:
        with connection.transaction():
            schema.prepare(connection)
            _begin(connection, migration)
            connection.execute(f"set local lock_timeout = {round(lock_timeout * 1000)}")
            if not migration.as_superuser:
                connection.execute("set local role saferoute_owner")
            _execute(connection, migration.statements)
            connection.execute("reset role")
            _finish(connection, migration)
        return
    _begin(connection, migration)
    if not migration.as_superuser:
        connection.execute("set role saferoute_owner")
    _execute(connection, migration.statements)
    connection.execute("reset role")
    _refuse_invalid_indexes(connection, migration)
    _finish(connection, migration)


def _begin(connection: psycopg.Connection, migration: Migration) -> None:
    """Note it before it runs: who would apply it at the same time waits for the row, and fails."""
    noted = connection.execute(
        "insert into core.migrations as m (number, name, checksum) values (%s, %s, %s)"
        " on conflict (number) do update"
        " set checksum = excluded.checksum, began_at = excluded.began_at"
        " where m.finished_at is null",
        [migration.number, migration.name, migration.checksum],
    )
    if noted.rowcount == 0:
        raise OperatorError(f"{migration.name} has just been applied by another session")


def _finish(connection: psycopg.Connection, migration: Migration) -> None:
    connection.execute(
        "update core.migrations set finished_at = clock_timestamp() where number = %s",
        [migration.number],
    )
    connection.execute("notify saferoute_catalogue")  # the API reads pg_proc anew


def _execute(connection: psycopg.Connection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        try:
            connection.execute(statement.text.encode())
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 1) - 1
            error.add_note(str(statement.line + statement.text.count("\n", 0, position)))
            raise


def _refuse_invalid_indexes(connection: psycopg.Connection, migration: Migration) -> None:
    row = connection.execute(
        "select i.indexrelid::regclass::text from pg_index as i"
        " inner join pg_class as c on c.oid = i.indexrelid"
        " where not i.indisvalid and c.relkind = 'i' and position(c.relname in %s) > 0 limit 1",
        [migration.text],
    ).fetchone()
    if row is not None:
        raise OperatorError(
            f"migrations/{migration.name}.sql left the index {row[0]} invalid, as an interrupted "
            "CREATE INDEX CONCURRENTLY does: let it begin with drop index concurrently if exists"
        )


def _told(migration: Migration, patience: Patience, error: psycopg.Error) -> str:
    notes = getattr(error, "__notes__", [])
    where = f"migrations/{migration.name}.sql" + "".join(f" line {note}" for note in notes)
    what = error.diag.message_primary or str(error).strip().partition("\n")[0]
    if isinstance(error, _NOT_FREE):
        what += (
            f", {patience.attempts} times within {patience.lock_timeout:g} s;"
            " pg_stat_activity says who holds it"
        )
    if migration.in_transaction:
        return f"{where}: {what}; nothing of it remains, what was applied before it stays"
    return f"{where}: {what}; it runs again from its beginning with the next saferoute migrate"


def _first_release(connection: psycopg.Connection, first: Migration) -> Applied:
    """What a database of the first release has applied, as its installer noted it."""
    row = connection.execute(
        "select digest, installed_at from core.installations order by installed_at desc limit 1"
    ).fetchone()
    if row is None or row[0] != migrations.first_release_digest(first):
        raise OperatorError(
            "the schema of this database was installed from sources between two releases: "
            "it cannot be migrated, only installed anew (local profile: make clean)"
        )
    return Applied(first.number, first.name, first.checksum, row[1], row[1])


def _note_first_release(connection: psycopg.Connection, first: Applied) -> None:
    """Give a database of the first release the table of migrations."""
    with connection.transaction():
        connection.execute("set local role saferoute_owner")
        connection.execute(_OWN_TABLE.read_bytes())
        connection.execute(
            "insert into core.migrations (number, name, checksum, began_at, finished_at)"
            " values (%s, %s, %s, %s, %s)",
            astuple(first),
        )


def _refuse_what_does_not_fit(applied: Sequence[Applied], found: Sequence[Migration]) -> None:
    if not applied:
        raise OperatorError("core.migrations is empty: it should have every migration since 0001")
    for place, entry in enumerate(applied, start=1):
        if entry.number != place:
            raise OperatorError(
                f"core.migrations has {entry.name} but no number {place:04}: mend it by hand"
            )
        if place > len(found):
            raise OperatorError(
                f"the database has migration {entry.name}, which this code does not know: "
                "the database is newer than the code"
            )
        file = found[place - 1]
        if entry.name != file.name or (entry.finished_at and entry.checksum != file.checksum):
            raise OperatorError(
                f"migrations/{file.name}.sql is not what was applied as {entry.name} "
                f"at {entry.began_at:%F %T} UTC: an applied migration is never changed"
            )


def _applied(connection: psycopg.Connection) -> list[Applied]:
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(
            "select number, name, checksum, began_at, finished_at"
            " from core.migrations order by number"
        ).fetchall()


def _exists(connection: psycopg.Connection, table: str) -> bool:
    return connection.execute("select to_regclass(%s)", [table]).fetchone() != (None,)


def _has_role(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("select to_regrole(%s)", [name]).fetchone() != (None,)
