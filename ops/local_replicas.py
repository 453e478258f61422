"""Replicas of the local profile: another one, one less, and a switchover without Patroni."""

import re
import shutil
import time
from collections.abc import Sequence
from functools import partial

import psycopg

from common.settings import settings
from ops import archiving, databases, logins, ports, stack
from ops.cluster import Server, run
from ops.errors import OperatorError
from ops.profile import Profile, change_nodes, find_profile
from ops.progress import step
from ops.standby import Node

_HAS_IT_ALL_S = 30
_NAME = re.compile(r"primary|replica\d*")
_SHUT_DOWN = re.compile(r"^Database cluster state: +shut down$", re.MULTILINE)
_CHECKPOINT = re.compile(r"^Latest checkpoint location: +(\S+)$", re.MULTILINE)
_STREAMING = """
select name, is_lag_tolerant from ops.replication_health
where link = 'streaming' order by unreplayed_bytes
"""


def running() -> Profile:
    """The profile, which has to run."""
    profile = find_profile()
    if not profile.supervisor.runs:
        raise OperatorError("the local profile does not run: `make up`")
    return profile


def names() -> dict[str, str]:
    """What each server is called, by its address."""
    profile = find_profile()
    nodes = (*profile.nodes, profile.analysts)
    return {f"127.0.0.1:{node.server.port}": node.name for node in nodes}


def find(profile: Profile, name: str) -> Node:
    """The server of this name."""
    for node in (*profile.nodes, profile.analysts):
        if node.name == name:
            return node
    known = ", ".join(node.name for node in (*profile.nodes, profile.analysts))
    raise OperatorError(f"there is no server {name} here: {known}")


def add(profile: Profile, port: int | None) -> str:
    """Make one more replica of the API, and have the API read from it; its name.

    One that was begun and is not at its end is finished instead.
    """
    begun = [node for node in profile.replicas if not node.server.exists]
    there = [node for node in profile.nodes if node.server.port == port]
    if there or begun:
        node = (there or begun)[0]
    else:
        profile, node = _extend(profile, port)
    if node == profile.primary:
        raise OperatorError(f"port {port} is the primary's")
    profile.supervisor.update(profile.supervisors_configuration())
    databases.start_standby(profile, node)
    stack.start_ours(profile)
    return node.name


def _extend(profile: Profile, port: int | None) -> tuple[Profile, Node]:
    """The profile with one more replica, of which there is nothing but its name yet."""
    taken = set(profile.ports_of(profile.programs).values())
    servers = {node.name: node.server.port for node in profile.nodes}
    if port is None:
        port = max(*servers.values(), profile.analysts.server.port) + 1
        while port in taken or not ports.is_free(port):
            port += 1
    elif port in taken:
        raise OperatorError(f"port {port} belongs to another program of this profile")
    else:
        ports.refuse_taken_ports({"the new replica": port}, patience=0)
    numbers = [int(found) for name in servers if (found := name.removeprefix("replica")).isdigit()]
    name = f"replica{max([1, *numbers]) + 1}"
    extended = change_nodes({**servers, name: port})
    return extended, find(extended, name)


def refuse_to_remove(profile: Profile, node: Node) -> None:
    """Raise an error where a server cannot be done without."""
    if node == profile.analysts:
        raise OperatorError("the analysts' standby is no replica of the API: it stays")
    if node == profile.primary:
        raise OperatorError(
            f"{node.name} is the primary: first make another one, `saferoute replicas switchover`"
        )
    if len(profile.replicas) == 1:
        raise OperatorError(
            f"{node.name} is the last replica: if the primary died, none could take over"
        )
    with psycopg.connect(_admin(profile.primary)) as connection:
        row = connection.execute("show synchronous_standby_names").fetchone()
    if row and re.search(rf"(?<!\w){re.escape(node.name)}(?!\w)", row[0]):
        raise OperatorError(
            f"commits wait for {node.name}: synchronous_standby_names is {row[0]}, change it first"
        )


def remove(profile: Profile, node: Node) -> None:
    """Have the API read elsewhere, then end the replica, its slot and its data."""
    servers = {each.name: each.server.port for each in profile.nodes if each != node}
    rest = change_nodes(servers)
    stack.start_ours(rest)
    rest.supervisor.update(rest.supervisors_configuration())
    clear(rest, node.name)


def is_leftover(profile: Profile, name: str) -> bool:
    """Whether there are data of a replica that is not part of the profile any more."""
    known = _names((*profile.nodes, profile.analysts))
    # Other folders hold data too: what a restore has kept, and those of other profiles.
    is_a_name = _NAME.fullmatch(name) is not None
    return is_a_name and name not in known and (profile.servers / name / "PG_VERSION").exists()


def clear(profile: Profile, name: str) -> None:
    """Remove the slot and the data of a replica that does not run any more."""
    gone = Node(name, Server(profile.servers / name, 0), {}, "")
    with step(f"Deleting {gone.server.data}"):
        gone.drop_slot(_admin(profile.primary))
        shutil.rmtree(gone.server.data, ignore_errors=True)
        gone.server.log.unlink(missing_ok=True)
        gone.server.forget()


def candidate(profile: Profile, name: str | None) -> Node:
    """Who is to be the next primary: `name`, or the replica that is the least behind."""
    primary = profile.primary
    if name == primary.name:
        raise OperatorError(f"{name} is the primary already")
    able = [name for name, may_be_behind in _streaming(profile) if not may_be_behind]
    if name is None:
        name = next((each for each in able if each in _names(profile.replicas)), None)
        if name is None:
            raise OperatorError("no replica of the API streams: `saferoute replicas status`")
    node = find(profile, name)
    if node == profile.analysts:
        raise OperatorError("the analysts' standby never becomes the primary")
    if name not in able:
        raise OperatorError(f"{name} does not stream: `saferoute replicas status` says why")
    with psycopg.connect(_admin(node)) as connection:
        row = connection.execute("select pg_get_wal_replay_pause_state()").fetchone()
    if row != ("not paused",):
        raise OperatorError(f"replay is paused on {name}: select pg_wal_replay_resume() there")
    return node


def switch_over(profile: Profile, target: Node) -> float:
    """Make `target` the primary without losing a row; the seconds without one.

    The old primary is stopped once the target has all that it ever wrote, and follows it then.
    Where the target does not get that far, the old one goes on.
    """
    old, supervisor = profile.primary, profile.supervisor
    # Who is away lacks what the target may not have kept: it is copied anew when it is started.
    there = [name for name, _ in _streaming(profile)]
    others = [node for node in profile.standbys if node != target and node.name in there]
    with step("Preparing: a checkpoint, and slots for those that follow"):
        with psycopg.connect(_admin(old), autocommit=True) as connection:
            connection.execute("checkpoint")
        _make_slots(target, [old, *others])
    began = time.monotonic()
    with step(f"Stopping {old.name} once {target.name} has everything"):
        supervisor.stop_process(old.name)
        try:
            _wait_for_the_end(old, target)
        except OperatorError:
            supervisor.start_process(old.name)
            databases.drop_idle_slots(target)
            raise
        # From here on a switchover that is interrupted can only be brought to its end.
        old.server.become_standby()
    _promote(profile, target)
    seconds = time.monotonic() - began
    _follow(profile, [*others, old])
    return seconds


def is_interrupted(profile: Profile) -> bool:
    """Whether a switchover was interrupted, so that no server is the primary."""
    return all(node.server.is_standby for node in profile.nodes)


def finish_switchover(profile: Profile) -> Node:
    """Make the server the primary that has most; nothing was written since."""
    reached: dict[str, int] = {}
    for node in profile.nodes:
        profile.supervisor.start_process(node.name)
    for node in profile.nodes:
        profile.supervisor.wait(node.name, partial(logins.answers, _admin(node)))
        with psycopg.connect(_admin(node)) as connection:
            row = connection.execute("select pg_last_wal_replay_lsn() - '0/0'::pg_lsn").fetchone()
        reached[node.name] = int(row[0]) if row else 0
    # The first of equals is the old primary, which has all by definition; any is as good.
    target = max(profile.nodes, key=lambda node: reached[node.name])
    alike = [node for node in profile.nodes if reached[node.name] == reached[target.name]]
    _make_slots(target, [node for node in alike if node != target])
    _promote(profile, target)
    _follow(profile, profile.standbys)
    return target


def _make_slots(target: Node, followers: Sequence[Node]) -> None:
    """Before it is promoted: all that it writes from then on is kept for them."""
    with psycopg.connect(_admin(target), autocommit=True) as connection:
        connection.execute(
            "select pg_create_physical_replication_slot(name, true) from unnest(%s::text[]) as name"
            " where name not in (select slot_name from pg_replication_slots)",
            [_names(followers)],
        )


def _wait_for_the_end(old: Node, target: Node) -> None:
    """Return once the target has replayed the last record of a primary that was shut down."""
    said = run("pg_controldata", "-D", old.server.data)
    if not _SHUT_DOWN.search(said) or not (found := _CHECKPOINT.search(said)):
        raise OperatorError(f"{old.name} did not shut down cleanly; it stays the primary")
    deadline = time.monotonic() + _HAS_IT_ALL_S
    with psycopg.connect(_admin(target), autocommit=True) as connection:
        # The checkpoint is its last record, and begins there.
        query = "select pg_last_wal_replay_lsn() > %s::pg_lsn"
        while connection.execute(query, [found[1]]).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"{target.name} did not get all of it within {_HAS_IT_ALL_S} s; "
                    f"{old.name} stays the primary"
                )
            time.sleep(0.01)


def _promote(profile: Profile, target: Node) -> None:
    with step(f"Promoting {target.name}"):
        archiving.configure(profile.servers, target.server)
        with psycopg.connect(_admin(target), autocommit=True) as connection:
            if connection.execute("select pg_promote(true, 60)").fetchone() != (True,):
                raise OperatorError(f"{target.name} was not promoted within 60 s; see its log")


def _follow(profile: Profile, others: Sequence[Node]) -> None:
    """Have them follow the new primary; what one of them is being asked goes on."""
    primary, password = profile.primary, logins.password("replicator_password")
    for node in others:
        if profile.supervisor.process(node.name).runs and node.configure(primary.server, password):
            node.server.reload()
    for node in others:
        databases.start_standby(profile, node)
    # What it was told of whom to follow is of no use to it any more.
    primary.configure(None, password)


def _streaming(profile: Profile) -> list[tuple[str, bool]]:
    """Who follows the primary now, and whether it may be behind; who has most comes first."""
    with psycopg.connect(_admin(profile.primary, settings().database)) as connection:
        return connection.execute(_STREAMING).fetchall()


def _names(nodes: Sequence[Node]) -> list[str]:
    return [node.name for node in nodes]


def _admin(node: Node, database: str = "postgres") -> str:
    """The superuser's session on one server."""
    return psycopg.conninfo.make_conninfo(logins.server_conninfo(node.server.port), dbname=database)
