"""The processes of ours in a cluster, for who replaces them: see ops/roll.py."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OperatorError
from ops.ha import inventory as ports
from ops.ha import place
from ops.ha.cluster import Cluster
from ops.ha.inventory import Host, Inventory
from ops.ha.place import Place
from ops.ha.programs import programs
from ops.roll import Keeper, Kind, Member
from ops.systemd import Systemd

INVENTORY = Path("/etc/saferoute/inventory.toml")
"""On a real host: what its files were rendered from."""


def of_cluster(cluster: Cluster) -> list[Member]:
    """All hosts of a simulated cluster: of each kind one host after the other."""
    return _ordered(cluster.inventory, cluster.supervisor, cluster.place)


def of_this_host(inventory: Inventory) -> tuple[list[Member], list[Member]]:
    """Those of the real host that this is, and those of the others."""
    here = next((host for host in inventory.hosts if _is_here(host)), None)
    if here is None:
        raise OperatorError(f"this machine has no address of the hosts of {INVENTORY}")
    # Their programs are the same, whatever the version of PostgreSQL.
    found = _ordered(
        inventory,
        lambda host: Systemd() if host == here else _Elsewhere(),
        lambda _: place.real(15),
    )
    mine = [member for member in found if member.host == here.name]
    # Of a worker elsewhere nobody here can tell.
    others = [member for member in found if member.host != here.name and member.url]
    return mine, others


def _ordered(
    inventory: Inventory, keeper: Callable[[Host], Keeper], there: Callable[[Host], Place]
) -> list[Member]:
    found = [
        Member(program.name, keeper(host), _url(host, program.name), host.name)
        for host in inventory.hosts
        for program in programs(inventory, host, there(host))
        if program.is_ours
    ]
    kinds, names = list(Kind), [member.program for member in found]
    return sorted(found, key=lambda each: (kinds.index(each.kind), names.index(each.program)))


def _url(host: Host, name: str) -> str | None:
    """What says that a program is ready."""
    match name.rstrip("-0123456789"):
        case "api":
            return f"http://{host.at(ports.API_ADMIN_PORT)}/ready"
        case "live":
            return f"http://{host.at(ports.LIVE_ADMIN_PORT)}/ready"
        case "worker-beat":
            return f"http://{host.at(ports.WORKER_METRICS_PORT)}/metrics"
    return None


def _is_here(host: Host) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((str(host.address), 0))
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class _Elsewhere:
    """Keeps the programs of another real host, where only they themselves can be asked."""

    def start_process(self, name: str) -> bool:
        raise OperatorError(f"{name} is on another host")

    def stop_process(self, name: str) -> None:
        raise OperatorError(f"{name} is on another host")

    def is_working(self, name: str) -> bool:
        return True

    def has_failed(self, name: str) -> bool:
        return False

    def last_words(self, name: str) -> str:
        return "see its own host"
