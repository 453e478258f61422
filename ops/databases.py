"""The PostgreSQL servers of the local profile: made, started, copied, in the roles they have."""

from functools import partial

import psycopg

from common.settings import settings
from ops import archiving, logins, schema
from ops.profile import Profile
from ops.progress import step
from ops.standby import Node


def start_primary(profile: Profile) -> None:
    """Start the server that is the primary; a new profile's is made first."""
    node, supervisor = profile.primary, profile.supervisor
    archiving.configure(profile.servers, node.server)
    if node.server.exists:
        configure(profile, node)
    else:
        supervisor.stop_process(node.name)
        with step("Creating the primary"):
            node.server.create_primary(logins.password("admin_password"), node.options)
    with step(f"Primary on 127.0.0.1:{node.server.port}"):
        supervisor.start_process(node.name)
        supervisor.wait(node.name, lambda: logins.answers(_admin(node)))


def start_standby(profile: Profile, node: Node) -> None:
    """Start a server that follows the primary; where it cannot, it is copied first."""
    primary, supervisor = _admin(profile.primary), profile.supervisor
    if node.server.exists and node.slot_is_usable(primary):
        configure(profile, node)
    else:
        supervisor.stop_process(node.name)
        with step(f"Copying the primary: {node.name}"):
            node.drop_slot(primary)
            node.copy(profile.primary.server, logins.password("replicator_password"))
    with step(f"{node.name.capitalize()} on 127.0.0.1:{node.server.port}, streaming"):
        supervisor.start_process(node.name)
        supervisor.wait(node.name, lambda: node.lag(primary) is not None)
        supervisor.wait(node.name, lambda: logins.answers(_admin(node)))
    drop_idle_slots(node)


def drop_idle_slots(standby: Node) -> None:
    """Remove slots that nobody uses: of when it was the primary. They would keep WAL for ever."""
    with psycopg.connect(_admin(standby), autocommit=True) as connection:
        connection.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active"
        )


def admit_analysts(profile: Profile) -> None:
    """Give the role its password: only its standby can tell whether it has it."""
    password = logins.password("analyst_password")
    there = psycopg.conninfo.make_conninfo(_admin(profile.analysts), dbname=settings().database)
    if not logins.signs_in("analyst", password, there):
        schema.set_passwords(settings().admin_conninfo, {"analyst": password})


def wait_for_replay(profile: Profile) -> None:
    """Return once the API's replicas show what was loaded. Analysts may hold theirs back."""
    query = "select replay_lsn >= %s from pg_stat_replication where application_name = %s"
    with psycopg.connect(_admin(profile.primary), autocommit=True) as connection:
        (end,) = connection.execute("select pg_current_wal_flush_lsn()").fetchone() or (None,)

        def has_it(name: str) -> bool:
            return connection.execute(query, [end, name]).fetchone() == (True,)

        for node in profile.replicas:
            profile.supervisor.wait(node.name, partial(has_it, node.name))


def configure(profile: Profile, node: Node) -> None:
    """Bring the settings of a server up to date: an earlier version or another role left them."""
    primary = profile.primary.server if node.server.is_standby else None
    if node.configure(primary, logins.password("replicator_password")):
        profile.supervisor.stop_process(node.name)
    if node.server.admit(node.hba) and profile.supervisor.process(node.name).runs:
        node.server.reload()


def _admin(node: Node) -> str:
    """The superuser's session on this server."""
    return logins.server_conninfo(node.server.port)
