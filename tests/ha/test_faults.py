"""Anything may die or be cut off, and the platform keeps its promises: see tests/ha/checker.py for
the rules, and docs/explanations/faults.md for what people notice.

In each scenario people use the platform from outside; something happens to it; all kinds of calls
are answered again; what was done is undone; the cluster is whole again; and every call that was
made is compared with what the platform has kept. Those marked `chaos` run by `make chaos`.
"""

import shutil
import time

import pytest

from ops.ha.members import of_cluster
from ops.roll import roll
from tests.ha.disk import Disk
from tests.ha.faults import ETCD, POSTGRES, REDIS
from tests.ha.history import Call
from tests.ha.scene import Load, Scene, wait_for

chaos = pytest.mark.chaos
STALLED_S = 2.0


# --- Short: also in `make test`


def test_the_primary_is_killed_while_no_standby_gets_its_log(scene: Scene) -> None:
    """What was acknowledged before is on a standby, and nothing is acknowledged meanwhile."""
    primary = scene.faults.primary()
    with scene.load("replication stalled, then the primary killed") as load:
        with scene.faults.stopped(scene.faults.replication()):
            load.for_s(STALLED_S)
            scene.faults.kill_patroni(primary, with_postgres=True)
        load.goes_on()


def test_the_primary_is_cut_off_from_the_other_hosts(scene: Scene) -> None:
    """Clients and gateways still reach it: the hardest case for there being one primary."""
    primary = scene.faults.primary()
    with scene.load("primary cut off") as load, scene.faults.cut_off(primary):
        load.until_written_elsewhere(primary)
        load.goes_on()


def test_the_gateway_and_the_host_of_the_primary_die_at_once(scene: Scene) -> None:
    primary, gateway = scene.faults.primary(), scene.faults.gateway()
    with (
        scene.load("gateway and host of the primary die") as load,
        scene.faults.dead(gateway),
        scene.faults.dead(primary),
    ):
        load.until_written_elsewhere(primary)
        load.goes_on()


# --- Long: kill -9 of each component


@chaos
@pytest.mark.parametrize(
    "program",
    ["etcd", "redis-1", "redis-2", "api-1", "live-1", "worker-alarm-1", "worker-beat"],
)
def test_a_program_is_killed_on_every_host_in_turn(scene: Scene, program: str) -> None:
    with scene.load(f"{program} killed") as load:
        for host in scene.cluster.inventory.hosts:
            scene.faults.kill(host, program)
            load.goes_on()
            scene.wait_until_whole()


@chaos
@pytest.mark.parametrize("program", ["nginx", "haproxy", "keepalived"])
def test_a_program_of_the_gateway_is_killed(scene: Scene, program: str) -> None:
    with scene.load(f"{program} killed") as load:
        scene.faults.kill(scene.faults.gateway(), program)
        load.goes_on()


@chaos
def test_the_postmaster_of_the_primary_is_killed(scene: Scene) -> None:
    primary = scene.faults.primary()
    with scene.load("postmaster killed") as load:
        scene.faults.kill_postgres(primary)
        load.until_written_elsewhere(primary)
        load.goes_on()


@chaos
def test_patroni_of_the_primary_is_killed(scene: Scene) -> None:
    """PostgreSQL goes on, and Patroni finds it when it is started again."""
    with scene.load("patroni killed") as load:
        scene.faults.kill_patroni(scene.faults.primary(), with_postgres=False)
        load.goes_on()


@chaos
def test_patroni_and_postmaster_of_the_primary_are_killed(scene: Scene) -> None:
    with scene.load("patroni and postmaster killed") as load:
        scene.faults.kill_patroni(scene.faults.primary(), with_postgres=True)
        load.goes_on()


# --- Hosts and the network between them


@chaos
def test_the_host_of_the_primary_dies(scene: Scene) -> None:
    primary = scene.faults.primary()
    with scene.load("host of the primary dies") as load, scene.faults.dead(primary):
        load.until_written_elsewhere(primary)
        load.goes_on()


@chaos
def test_the_host_of_a_standby_dies(scene: Scene) -> None:
    standby = scene.faults.standbys()[0]
    with scene.load("host of a standby dies") as load, scene.faults.dead(standby):
        load.goes_on()


@chaos
def test_the_gateway_that_has_the_address_dies(scene: Scene) -> None:
    with scene.load("gateway dies") as load, scene.faults.dead(scene.faults.gateway()):
        load.goes_on()


@chaos
@pytest.mark.parametrize("direction", ["incoming", "outgoing"])
def test_the_primary_is_cut_off_in_one_direction(scene: Scene, direction: str) -> None:
    primary = scene.faults.primary()
    only = {"incoming": direction == "incoming", "outgoing": direction == "outgoing"}
    with scene.load(f"primary cut off {direction}") as load, scene.faults.cut_off(primary, **only):
        load.until_written_elsewhere(primary)
        load.goes_on()


@chaos
def test_the_primary_is_cut_off_from_the_gateways(scene: Scene) -> None:
    """It leads on: the API of the other hosts reaches it."""
    primary, gateways = scene.faults.primary(), scene.cluster.inventory.gateways
    with (
        scene.load("primary cut off from the gateways") as load,
        scene.faults.cut_off(primary, others=gateways),
    ):
        load.goes_on()
        load.for_s(10)
        load.goes_on()


@chaos
def test_the_primary_cannot_reach_the_other_members_of_etcd(scene: Scene) -> None:
    primary = scene.faults.primary()
    with (
        scene.load("primary without etcd") as load,
        scene.faults.cut_off(primary, ports=ETCD),
    ):
        load.for_s(25)  # longer than Patroni's ttl
        load.goes_on()


@chaos
def test_the_leader_of_etcd_is_lost(scene: Scene) -> None:
    leader = scene.faults.etcd_leader()
    with scene.load("leader of etcd lost") as load, scene.faults.without([leader], "etcd"):
        assert scene.faults.etcd_leader() != leader
        load.goes_on()


@chaos
def test_etcd_loses_its_quorum(scene: Scene) -> None:
    """The primary stays, since every member says that it follows it (failsafe mode)."""
    primary = scene.faults.primary()
    lost = scene.faults.standbys()
    with scene.load("quorum of etcd lost") as load, scene.faults.without(lost, "etcd"):
        load.for_s(25)  # longer than Patroni's ttl
        load.goes_on()
    assert scene.faults.primary() == primary


# --- Standbys, disks, clocks


@chaos
def test_a_standby_is_paused(scene: Scene) -> None:
    standby = scene.faults.standbys()[0]
    with (
        scene.load("standby paused") as load,
        scene.faults.stopped(scene.faults.postgres(standby)),
    ):
        load.goes_on()
        load.for_s(10)
        load.goes_on()


@chaos
def test_the_disk_of_the_primary_is_full(scene: Scene, disk: Disk) -> None:
    host = scene.cluster.inventory.hosts[0]
    if scene.faults.primary() != host:
        scene.cluster.patroni.switch_over(scene.faults.primary().name, host.name)
        wait_for(lambda: scene.faults.primary() == host, f"{host.name} as the primary", 60)
        scene.wait_until_whole()
    with scene.load("disk full") as load, disk.full():
        load.until_written_elsewhere(host, 120)
        load.goes_on()


@chaos
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: gcc and libc6-dev")
@pytest.mark.parametrize("offset_s", [300, -300])
def test_the_clock_of_a_host_is_wrong(scene: Scene, offset_s: int) -> None:
    """Of the primary's, whose clock the most depends on."""
    host = scene.faults.primary()
    with (
        scene.load(f"clock {offset_s:+d} s") as load,
        scene.faults.wrong_clock(host, offset_s),
    ):
        scene.wait_until_whole()
        scene.cluster.patroni.switch_over(scene.faults.primary().name, host.name)
        wait_for(lambda: scene.faults.primary() == host, f"{host.name} as the primary", 60)
        load.goes_on()
        load.for_s(10)
        load.goes_on()


# --- Redis and the gateway


@chaos
def test_a_master_of_redis_is_cut_off(scene: Scene) -> None:
    """With its host's other node, from the other hosts and from the gateways."""
    host = scene.faults.standbys()[0]
    others = [each for each in scene.cluster.inventory.everyone if each != host]
    with (
        scene.load("master of redis cut off") as load,
        scene.faults.cut_off(host, others=others, ports=REDIS),
    ):
        load.goes_on()
        load.for_s(10)  # its replica takes over meanwhile
        load.goes_on()


@chaos
def test_nginx_is_reloaded_under_load(scene: Scene) -> None:
    """Nothing is refused, and nobody waits. What is sent on a kept connection at the very moment
    nginx closes it is sent again, as HTTP has it.
    """
    with scene.load("nginx reloaded") as load:
        for _ in range(5):
            scene.faults.reload_nginx(scene.faults.gateway())
            load.goes_on()
        unanswered = _unanswered(load)
    assert {call.code for call in unanswered} <= {"ReadError", "WriteError", "RemoteProtocolError"}


@chaos
def test_every_process_of_ours_is_replaced(scene: Scene) -> None:
    """Nobody notices."""
    with scene.load("roll") as load:
        roll(of_cluster(scene.cluster), print)
        load.goes_on()
        unanswered = _unanswered(load)
    assert [str(call) for call in unanswered] == []


def _unanswered(load: Load) -> list[Call]:
    """Tries of people that were not answered with a yes."""
    return [
        call
        for call in load.history().calls
        if call.kind not in ("direct", "watch") and call.ended and not call.is_acknowledged
    ]


# --- Two at once


@chaos
def test_a_master_of_redis_and_the_primary_are_lost_at_once(scene: Scene) -> None:
    primary, standby = scene.faults.primary(), scene.faults.standbys()[0]
    with (
        scene.load("redis and the primary lost") as load,
        scene.faults.without([standby], "redis-1"),
    ):
        scene.faults.kill_patroni(primary, with_postgres=True)
        load.goes_on()


@chaos
def test_the_primary_is_killed_while_replication_of_one_standby_is_cut(scene: Scene) -> None:
    """The next primary is the standby that has everything."""
    primary, behind = scene.faults.primary(), scene.faults.standbys()[0]
    with scene.load("one standby behind, then the primary killed") as load:
        with scene.faults.cut_off(behind, others=[primary], ports=POSTGRES):
            load.for_s(5)
            began = time.monotonic()
            scene.faults.kill_patroni(primary, with_postgres=True)
            load.workload.wait_for(
                lambda found: any(call.began > began for call in found.acknowledged("sos")),
                "an answered call for help",
            )
        load.goes_on()
