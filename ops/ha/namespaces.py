"""Simulated hosts: network namespaces of this machine, each with its own address on one bridge.

The bridge is in the root namespace and has the first address of the network: that is where the
operator and the clients are.
"""

import hashlib
import os
import subprocess
from ipaddress import IPv4Network

from common.settings import REPOSITORY
from ops.errors import OperatorError
from ops.ha.inventory import Host, Inventory

_GATEWAY_SYSCTL = REPOSITORY / "deploy" / "ha" / "gateway.sysctl.conf"


def namespace(inventory: Inventory, host: Host) -> str:
    """What a host's namespace is called."""
    return f"{inventory.name}-{host.name}"


def inside(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """What a command begins with that runs on a host."""
    return ("ip", "netns", "exec", namespace(inventory, host))


def bridge(inventory: Inventory) -> str:
    """The name of the bridge; of at most eight letters, since interfaces have fifteen."""
    return f"sr{hashlib.sha256(inventory.name.encode()).hexdigest()[:6]}"


def link(inventory: Inventory, host: Host) -> str:
    """The bridge's end of a host's cable."""
    return f"{bridge(inventory)}-{host.name}"


def existing(inventory: Inventory) -> set[str]:
    """The names of the hosts whose namespaces exist."""
    listed = {line.split()[0] for line in _ip("netns", "list").splitlines() if line}
    return {host.name for host in inventory.everyone if namespace(inventory, host) in listed}


def create(inventory: Inventory) -> None:
    """Make the network and what hosts are missing; those that are there stay as they are."""
    if os.geteuid() != 0:
        raise OperatorError("simulated hosts are network namespaces, which only root can make")
    switch, width = bridge(inventory), inventory.network.prefixlen
    if not _exists(switch):
        _refuse_overlap(inventory.network)
        _batch(
            f"link add {switch} type bridge",
            f"addr add {inventory.router}/{width} dev {switch}",
            f"link set {switch} up",
        )
    there = existing(inventory)
    for host in inventory.everyone:
        if host.name not in there:
            _create(inventory, host)


def remove(inventory: Inventory) -> None:
    """Remove the hosts and the network. Their programs must have ended."""
    there = existing(inventory)
    for host in inventory.everyone:
        if host.name in there:
            _ip("netns", "delete", namespace(inventory, host))
    # A cable goes with its host, a moment later; one left over would be in the way of the next.
    for host in inventory.everyone:
        if _exists(link(inventory, host)):
            _ip("link", "delete", link(inventory, host), may_fail=True)
    if _exists(bridge(inventory)):
        _ip("link", "delete", bridge(inventory))


def processes(inventory: Inventory, host: Host) -> list[int]:
    """The process ids of all that runs on a host."""
    if host.name not in existing(inventory):
        return []
    return [int(pid) for pid in _ip("netns", "pids", namespace(inventory, host)).split()]


def connect(inventory: Inventory, host: Host, *, is_up: bool) -> None:
    """Plug a host's cable in, or pull it."""
    _ip("link", "set", link(inventory, host), "up" if is_up else "down")


def _create(inventory: Inventory, host: Host) -> None:
    name, cable = namespace(inventory, host), link(inventory, host)
    width, interface = inventory.network.prefixlen, inventory.interface
    _batch(
        f"netns add {name}",
        f"link add {cable} type veth peer name {interface} netns {name}",
        f"link set {cable} master {bridge(inventory)} up",
    )
    _batch(
        "link set lo up",
        f"addr add {host.address}/{width} dev {interface}",
        f"link set {interface} up",
        inside=name,
    )
    # nginx has ports 80 and 443 without being root, as it would by a unit's capability.
    _run(*inside(inventory, host), "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=80")
    if host in inventory.gateways:
        _run(*inside(inventory, host), "sysctl", "-qp", str(_GATEWAY_SYSCTL))


def _refuse_overlap(network: IPv4Network) -> None:
    for line in _ip("-4", "-o", "route", "show").splitlines():
        target = line.split()[0]
        if target != "default" and network.overlaps(IPv4Network(target, strict=False)):
            raise OperatorError(
                f"the network {network} is in use on this machine ({line.strip()}): "
                "write another one into the inventory"
            )


def _exists(device: str) -> bool:
    return subprocess.run(["ip", "link", "show", device], capture_output=True).returncode == 0


def _ip(*words: str, may_fail: bool = False) -> str:
    return _run("ip", *words, may_fail=may_fail)


def _batch(*lines: str, inside: str | None = None) -> None:
    where = ("-n", inside) if inside else ()
    _run("ip", *where, "-batch", "-", told="\n".join(lines))


def _run(*words: str, told: str = "", may_fail: bool = False) -> str:
    process = subprocess.run(words, input=told, capture_output=True, text=True, check=False)
    if process.returncode and not may_fail:
        reason = (process.stderr or process.stdout).strip().splitlines()
        raise OperatorError(f"{' '.join(words[:4])}: {reason[0] if reason else 'failed'}")
    return process.stdout
