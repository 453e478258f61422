"""DETACH PARTITION as operators need it: nobody waits for it, it waits for a limited time, and what
was interrupted is finished.

The first transaction of DETACH CONCURRENTLY marks the period as leaving: from then on new
statements of the set pass it by. Then it waits for the transactions that began before, under a lock
that inserts and reads do not mind. Cut off there (a timeout, a kill), the period stays marked, and
FINALIZE does the rest.
"""

import psycopg
from psycopg import sql

from ops.errors import OperatorError
from ops.upkeep import PartitionSet

PATIENCE = 60.0
"""Seconds a detach waits for transactions that use the set. Nobody waits for it meanwhile."""
_BLOCKER = """
select pid, coalesce(nullif(application_name, ''), usename, backend_type), xact_start
from pg_stat_activity
where pid <> pg_backend_pid() and datname = current_database() and xact_start is not null
    and (
        backend_xmin is not null or pid in (
            select l.pid from pg_locks as l
            where l.relation = %(parent)s::regclass
                or l.relation in (select relid from pg_partition_tree(%(period)s::regclass))
        )
    )
order by xact_start limit 1
"""


def detach(
    connection: psycopg.Connection, entry: PartitionSet, table: str, patience: float = PATIENCE
) -> None:
    """Take a period out of its set; neither readers nor writers of the set wait for this."""
    _alter(connection, entry, table, "concurrently", patience)


def finish(connection: psycopg.Connection, entry: PartitionSet, patience: float = PATIENCE) -> None:
    """Finish a detach that was interrupted: until then no other one can begin."""
    row = connection.execute(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = %s::regclass and inhdetachpending",
        [entry.parent],
    ).fetchone()
    if row is not None:
        _alter(connection, entry, row[0], "finalize", patience)


def _alter(
    connection: psycopg.Connection, entry: PartitionSet, table: str, how: str, patience: float
) -> None:
    """DETACH PARTITION in one of its two forms that let others work, for a limited time."""
    statement = sql.SQL("alter table {} detach partition {} {}").format(
        sql.SQL(entry.parent), sql.SQL(table), sql.SQL(how)
    )
    connection.execute(f"set statement_timeout = {round(patience * 1000)}")
    try:
        connection.execute(statement)
    except psycopg.errors.QueryCanceled as error:
        raise OperatorError(
            f"{table} could not be detached within {patience:g} s; the next run goes on from here"
            + _blocker(connection, entry, table)
        ) from error
    finally:
        connection.execute("reset statement_timeout")


def _blocker(connection: psycopg.Connection, entry: PartitionSet, table: str) -> str:
    who = connection.execute(_BLOCKER, {"parent": entry.parent, "period": table}).fetchone()
    if who is None:
        return ""
    return f" (process {who[0]}, {who[1]}, is in a transaction since {who[2]:%F %T} UTC)"
