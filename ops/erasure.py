"""Erase a person: archives first, then the database in bounded steps, then the proof."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from common.redis import Redis, RedisGoneError, sessions_key
from common.settings import settings
from ops import archive, person_archives, proof, repartition, upkeep
from ops.errors import OperatorError
from ops.progress import bar

STEP_ROWS = 5000
"""Rows one transaction removes: 20 to 50 ms."""
_ROUNDS = 3
_STEP = "select leaf::text, removed from core.erase_user(%s, %s)"

Receipt = dict[str, Any]


def erase(
    connection: psycopg.Connection, user_id: UUID, seconds: float
) -> tuple[Receipt, list[str]]:
    """Erase a person; the receipt, and the archives that were out of reach.

    `connection` is `upkeep.exclusive()`'s. `seconds`: how long to wait for replicas. Raises an
    error where the erasure cannot be proven everywhere, or their sessions not be ended: the receipt
    then stays open, and the next run goes on with it.
    """
    # What other runs have left when they were killed holds rows, or their keys, as well.
    archive.tidy(connection)
    repartition.abandon_unfinished(connection)
    out_of_reach: list[str] = []
    for _ in range(_ROUNDS):
        erasure_id = _begin(connection, user_id)
        with bar("Archives, rows read") as advance:
            out_of_reach += person_archives.settle(connection, erasure_id, user_id, advance)
        with bar("Rows removed") as advance:
            _remove(connection, user_id, advance)
        if not _remove_leftovers(connection, user_id):
            break
    else:
        raise OperatorError(
            "rows of this person keep arriving: see that nobody signs in as them, then run it again"
        )
    (lsn,) = connection.execute("select pg_current_wal_flush_lsn()::text").fetchone()  # type: ignore[misc]
    proven, problems = proof.replicas(connection, user_id, lsn, seconds)
    if problems:
        raise OperatorError(
            f"nothing is left of this person on the primary, but {'; '.join(problems)}: "
            "run it again to prove it there"
        )
    _end_sessions(user_id)
    statement = "select core.finish_erasure(%s, %s, %s)"
    values = [erasure_id, lsn, Jsonb({"primary": 0, **proven})]
    (receipt,) = connection.execute(statement, values).fetchone()  # type: ignore[misc]
    return receipt, out_of_reach


def count(connection: psycopg.Connection, user_id: UUID) -> list[dict[str, Any]]:
    """What an erasure would remove: rows by table and by archive."""
    found: dict[str, int] = {}
    with bar("Tables read", len(proof.tables(connection))) as advance:
        for relation, rows in proof.count(connection, user_id, lambda: advance(1)).values():
            found[relation] = found.get(relation, 0) + rows
    with bar("Archives, rows read") as advance:
        for entry in person_archives.candidates(connection, user_id):
            rows = sum(1 for _ in person_archives.rows(connection, entry, user_id, advance))
            found[entry.file_name] = rows
    return [{"from": name, "rows": rows} for name, rows in found.items()]


def receipt(connection: psycopg.Connection, erasure_id: UUID) -> Receipt:
    """A receipt of the ledger; an error where there is none or somebody has changed it."""
    row = connection.execute(
        "select r, r ->> 'digest', core.receipt_digest(r) from core.erasure_receipt(%s) as r",
        [erasure_id],
    ).fetchone()
    if row is None or row[0] is None:
        raise OperatorError("there is no receipt with this id")
    if row[1] is None:
        raise OperatorError(f"the erasure {erasure_id} is not finished: run it again")
    if row[1] != row[2]:
        raise OperatorError(
            f"the receipt {erasure_id} was changed in the ledger: it proves nothing"
        )
    return dict(row[0])


def check(connection: psycopg.Connection, copy: Receipt) -> Receipt:
    """The receipt of the ledger that this is a copy of; an error where they differ."""
    try:
        genuine = receipt(connection, UUID(str(copy.get("erasure_id"))))
    except ValueError as error:
        raise OperatorError("this is not a receipt: it has no erasure_id") from error
    row = connection.execute("select core.receipt_digest(%s)", [Jsonb(copy)]).fetchone()
    if row != (genuine["digest"],):
        raise OperatorError(f"this is not the receipt {genuine['erasure_id']}: its digest differs")
    return genuine


def find(connection: psycopg.Connection, user_digest: str) -> UUID | None:
    """Who a receipt is of, where an old backup has brought them back."""
    row = connection.execute("select core.find_erased(%s)", [user_digest]).fetchone()
    assert row is not None
    found: UUID | None = row[0]
    return found


def _begin(connection: psycopg.Connection, user_id: UUID) -> UUID:
    def begin() -> UUID:
        row = connection.execute("select core.begin_erasure(%s)", [user_id]).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    return upkeep.patiently(connection, "an upload of this person goes on", begin)


def _remove(connection: psycopg.Connection, user_id: UUID, advance: archive.Watch) -> None:
    touched: set[str] = set()
    while removed := upkeep.patiently(
        connection,
        "rows of this person are being written",
        lambda: connection.execute(_STEP, [user_id, STEP_ROWS]).fetchall(),
    ):
        touched.update(leaf for leaf, _ in removed)
        advance(sum(rows for _, rows in removed))
    _vacuum(connection, touched)


def _remove_leftovers(connection: psycopg.Connection, user_id: UUID) -> bool:
    """Read every table; remove what no journey led to. Whether there was anything."""
    with bar("Tables read", len(proof.tables(connection))) as advance:
        found = proof.count(connection, user_id, lambda: advance(1))
    for leaf in found:
        statement = "select core.erase_leftovers(%s, %s::regclass, %s)"
        while connection.execute(statement, [user_id, leaf, STEP_ROWS]).fetchone() != (0,):
            pass
    _vacuum(connection, set(found))
    return bool(found)


def _end_sessions(user_id: UUID) -> None:
    async def end() -> None:
        redis = Redis(settings())
        try:
            await redis.warm()
            await redis.delete(sessions_key(user_id))
        finally:
            await redis.aclose()

    try:
        asyncio.run(end())
    except RedisGoneError as error:
        raise OperatorError(
            "nothing is left of this person in the database, but Redis, where their sessions are, "
            f"cannot be asked: {error}. Run it again once it can"
        ) from error


def _vacuum(connection: psycopg.Connection, leaves: set[str]) -> None:
    """Free the space for others at once: in an old leaf, autovacuum might never come to it."""
    for leaf in sorted(leaves):
        name = sql.SQL(leaf)
        connection.execute(sql.SQL("vacuum (skip_locked, truncate false) {}").format(name))
