"""The queues that nudge workers: schema `pgmq`, installed from a package like an extension.

It is no part of `sql/` and of no migration: what stands in the queues may be lost at any time,
since the rows of the ledger are the queue of record. So an older one is replaced whole.
"""

import psycopg
from psycopg import sql

NAMES = ("alarm", "default", "bulk")
"""alarm: what somebody waits for who needs help; default: messages; bulk: what takes its time."""
SENDERS = ("saferoute_api", "saferoute_auth", "saferoute_tasks")
"""They own the functions that queue tasks: they add rows, and see none but how many there are."""
_REVISION = 2
"""Of what is done here besides the package's SQL: raise it with every change."""


def install(connection: psycopg.Connection) -> None:
    """Install the schema unless this version of it is there. Needs a superuser.

    Schema and queues belong to the role `worker`, of which saferoute_owner is a member.
    """
    # Imported here: it takes a quarter of a second, and every command would.
    from pgmq.install import get_embedded_install_sql, get_embedded_sql_version

    version = f"pgmq {get_embedded_sql_version()}, revision {_REVISION}"
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('saferoute queues', 0))")
        if _installed(connection) == version:
            return
        database = sql.Identifier(connection.info.dbname)
        connection.execute("drop schema if exists pgmq cascade")
        connection.execute("create schema pgmq authorization worker")
        # The package makes the schema where it is not there; PostgreSQL wants the right first.
        connection.execute(sql.SQL("grant create on database {} to worker").format(database))
        connection.execute("set local role worker")
        connection.execute(get_embedded_install_sql().encode())
        for name in NAMES:
            connection.execute("select pgmq.create(%s)", [name])
        senders = sql.SQL(", ").join(map(sql.Identifier, SENDERS))
        connection.execute(sql.SQL("grant usage on schema pgmq to {}").format(senders))
        for name in NAMES:
            # pgmq.send returns the number it has given; vt says since when a task waits.
            grant = sql.SQL("grant insert, select (msg_id, vt) on pgmq.{} to {}")
            connection.execute(grant.format(sql.Identifier(f"q_{name}"), senders))
        comment = sql.SQL("comment on schema pgmq is {}")
        connection.execute(comment.format(sql.Literal(version)))
        connection.execute("reset role")
        connection.execute(sql.SQL("revoke create on database {} from worker").format(database))


def _installed(connection: psycopg.Connection) -> str | None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'pgmq'"
    ).fetchone()
    return None if row is None else row[0]
