"""The proof of an erasure: nothing is left on the primary, nor on any replica of it."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg

from common.settings import settings
from ops import upkeep

_TABLES = "select leaf::text, user_column, relation::text from core.user_tables()"
_COUNT = "select core.count_user_rows(%s::regclass, %s, %s)"
_STREAMING = """
select application_name, coalesce(replay_lsn::text, ''), coalesce(replay_lsn >= %s::pg_lsn, false)
from pg_stat_replication
-- These two read WAL and replay none: the backups are bounded by how long they are kept.
where state <> 'backup' and application_name <> 'pg_receivewal'
order by application_name, pid
"""
_PAUSE = 0.05

Watch = Callable[[], object]
"""Called for each table that has been read."""


def tables(connection: psycopg.Connection) -> list[tuple[str, str, str]]:
    """Every table that holds rows of people: its name, its user column, what it belongs to."""
    return connection.execute(_TABLES).fetchall()


def count(
    connection: psycopg.Connection, user_id: UUID, watch: Watch = bool
) -> dict[str, tuple[str, int]]:
    """Rows of the person in each table that has any, by reading all; with what it belongs to."""
    found = {}
    for leaf, column, relation in tables(connection):
        row = connection.execute(_COUNT, [leaf, column, user_id]).fetchone()
        assert row is not None
        if row[0]:
            found[leaf] = (relation, row[0])
        watch()
    return found


def replicas(
    connection: psycopg.Connection, user_id: UUID, lsn: str, seconds: float
) -> tuple[dict[str, Any], list[str]]:
    """What the replicas say once they have replayed `lsn`, and what could not be proven.

    Those among SAFEROUTE_DATABASE_HOSTS are asked for rows. Whatever else streams from the primary
    is known to have replayed the erasure, which leaves it with the same rows.
    """
    deadline = time.monotonic() + seconds
    asked: dict[str, int] = {}
    problems = []
    for host, port in settings().hosts:
        name = f"{host}:{port}"
        try:
            rows = _ask(host, port, user_id, lsn, deadline)
        except psycopg.OperationalError as error:
            problems.append(f"{name} does not answer ({str(error).strip().splitlines()[0]})")
            continue
        if rows is None:
            continue
        asked[name] = max(rows, 0)
        if rows:
            problems.append(
                f"{name} has not replayed {lsn} yet"
                if rows < 0
                else f"{name} still has {rows} rows"
            )
    streaming = _streaming(connection, lsn, deadline)
    problems += [f"replica {name} is at {at}" for name, at, is_there in streaming if not is_there]
    return {"asked": asked, "replayed": {name: at for name, at, _ in streaming}}, problems


def _ask(host: str, port: int, user_id: UUID, lsn: str, deadline: float) -> int | None:
    """Rows of the person there; None on the primary, -1 where it is too far behind."""
    with upkeep.connect((host, port)) as replica:
        query = "select pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while True:
            is_replica, is_there = replica.execute(query, [lsn]).fetchone()  # type: ignore[misc]
            if not is_replica:
                return None
            if is_there:
                return sum(rows for _, rows in count(replica, user_id).values())
            if time.monotonic() > deadline:
                return -1
            time.sleep(_PAUSE)


def _streaming(
    connection: psycopg.Connection, lsn: str, deadline: float
) -> list[tuple[str, str, bool]]:
    """Name, position and whether that is far enough, of all that streams from the primary."""
    while True:
        found = connection.execute(_STREAMING, [lsn]).fetchall()
        if all(is_there for _, _, is_there in found) or time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)
