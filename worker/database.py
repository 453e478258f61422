"""What workers ask of the database: functions of schema `tasks`, on the primary."""

import os
from functools import lru_cache
from threading import Lock
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from common.settings import settings

_CONNECTIONS = 4
"""Shared by all threads of a process: a call takes milliseconds, a provider seconds."""
_LOCK = Lock()
_GONE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


patient = retry(
    retry=retry_if_exception_type(_GONE),
    # A failover takes 2 to 5 s, that of a dead host 20. Also, of the connections that a failover
    # has cut, each is noticed only when it is used.
    stop=stop_after_delay(30),
    wait=wait_random_exponential(0.1, max=2),
    reraise=True,
)
"""Tries again while there is no primary: for what may be done twice."""


def call(function: str, *arguments: object) -> Any:
    """What `tasks.<function>` answers. Raises psycopg.Error; nothing is tried twice."""
    statement = sql.SQL("select tasks.{}({})").format(
        sql.Identifier(function), sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
    )
    with _pool().connection() as connection:
        row = connection.execute(statement, arguments).fetchone()
    return None if row is None else row[0]


tell = patient(call)
"""The same, tried again while there is no primary."""


def queued(queue: str, limit: int) -> list[dict[str, Any]]:
    """Take tasks out of a queue in PostgreSQL, for good."""
    with _pool().connection() as connection:
        rows = connection.execute("select message from pgmq.pop(%s, %s)", [queue, limit])
        return [message for (message,) in rows]


def discard_expired(queue: str) -> None:
    """Remove from a queue what beat has put there while no worker ran, and whose time has passed.

    A day without workers leaves 86,000 sweeps; one by one they take minutes, and alarms wait.
    """
    statement = sql.SQL(
        "delete from pgmq.{} where (message -> 'headers' ->> 'expires')::timestamptz < now()"
    )
    with psycopg.connect(settings().worker_conninfo, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(f"q_{queue}")))


def _pool() -> ConnectionPool[psycopg.Connection[Any]]:
    """The pool of this process; in queue bulk that is a fork of the worker's."""
    with _LOCK:
        return _opened(os.getpid())


@lru_cache(1)
def _opened(_process: int) -> ConnectionPool[psycopg.Connection[Any]]:
    return ConnectionPool(
        settings().worker_conninfo,
        min_size=1,
        max_size=_CONNECTIONS,
        timeout=5,
        reconnect_timeout=5,
        open=True,
        name="tasks",
        kwargs={"autocommit": True, "application_name": "saferoute worker"},
    )
