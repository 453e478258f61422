"""The PostgreSQL servers of the local profile: what each is called and how it is set up."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from ops.cluster import HBA, Server, following

OPTIONS = {
    "timezone": "UTC",
    "shared_buffers": "256MB",
    "max_connections": "200",
    # Wide time ranges lock every leaf they touch.
    "max_locks_per_transaction": "512",
    "max_wal_senders": "10",
    # A standby that stays away is rebuilt (by the next `make up`) rather than fill the disk.
    "max_slot_wal_keep_size": "4GB",
    # On: the API's reads on the replica are never cancelled by the primary's vacuum. They end
    # within the API's timeout, so vacuum is held back by seconds.
    "hot_standby_feedback": "on",
    # %a names the request of the API that a line belongs to.
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    # Searches take milliseconds; compiling one takes longer.
    "jit": "off",
    # What each function costs: every call is a statement inside core.call.
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    # Utility statements are kept as they are written: ALTER ROLE with its password.
    "pg_stat_statements.track_utility": "off",
}
"""Settings of the primary and of the API's replicas, which may become primary."""

ANALYST_OPTIONS = {
    **OPTIONS,
    # Off: a query of an hour must not keep the primary from cleaning up for an hour.
    "hot_standby_feedback": "off",
    # So replay waits here for what analysts read. Four hours are four times the statement_timeout
    # of the role: only queries that overlap for hours are ever cancelled. The WAL meanwhile piles
    # up on this standby's disk (the primary's slot moves on with what has been received).
    "max_standby_streaming_delay": "4h",
    # The same, for WAL that was received before a restart and is read from its own disk.
    "max_standby_archive_delay": "4h",
    # What one session may spill to disk.
    "temp_file_limit": "10GB",
    "work_mem": "64MB",
    "jit": "on",
}
"""Settings of the analysts' standby."""

_LAG = """
select pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint,
    coalesce(extract(epoch from replay_lag), 0)::float8
from pg_stat_replication
where application_name = %s and state = 'streaming' and replay_lsn is not null
"""


@dataclass(frozen=True)
class Lag:
    """What a standby has not replayed: bytes of WAL, and the seconds the last of it waited."""

    size: int
    seconds: float


@dataclass(frozen=True)
class Node:
    """A server, which follows the primary or is it.

    `name` is its program's, and as a standby its application name and its slot.
    """

    name: str
    server: Server
    options: Mapping[str, str]
    hba: str

    def configure(self, primary: Server | None, password: str) -> bool:
        """Write its settings: whom it follows, if anybody; whether they changed.

        `password` is that of `replicator`.
        """
        upstream = following(primary, password, self.name) if primary else {}
        return self.server.configure({**self.options, **upstream})

    def copy(self, primary: Server, password: str) -> None:
        """Copy the primary, to follow it; `password` is that of `replicator`."""
        self.server.create_standby(primary, password, self.name, self.options, self.hba)

    def slot_is_usable(self, conninfo: str) -> bool:
        """Whether the primary still has all the WAL that this standby lacks."""
        with psycopg.connect(conninfo) as connection:
            row = connection.execute(
                "select wal_status from pg_replication_slots where slot_name = %s", [self.name]
            ).fetchone()
        return row is not None and row[0] != "lost"

    def drop_slot(self, conninfo: str) -> None:
        """Remove the slot of an earlier copy, and end a copy that is still running."""
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots "
                "where slot_name = %s and active",
                [self.name],
            )
            connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                "where slot_name = %s",
                [self.name],
            )

    def lag(self, conninfo: str) -> Lag | None:
        """How far it is behind the primary; None where it does not stream."""
        with psycopg.connect(conninfo) as connection:
            row = connection.execute(_LAG, [self.name]).fetchone()
        return Lag(*row) if row else None


def api_server(name: str, server: Server, options: Mapping[str, str]) -> Node:
    """One that the API reads from, and writes to where it is the primary."""
    return Node(name, server, {**OPTIONS, "cluster_name": name, **options}, HBA)


def analysts_standby(server: Server, database: str) -> Node:
    """The standby that analysts read from, and nobody else.

    It is never promoted: its pg_hba.conf admits neither the API nor the owner nor a standby, so
    as a primary it would be of no use.
    """
    hba = f"""\
# Written by saferoute. For analysts, and for the DBA; never to be promoted.
host "{database}" +analyst 127.0.0.1/32 scram-sha-256
host all postgres,operator 127.0.0.1/32 scram-sha-256
host all all all reject
"""
    options = {**ANALYST_OPTIONS, "cluster_name": "analysts"}
    return Node("analysts", server, options, hba)
