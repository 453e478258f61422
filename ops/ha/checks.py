"""What is looked at before anything is started: is there memory, are the ports free."""

import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ops.errors import OperatorError
from ops.ha import inventory as ports
from ops.ha import namespaces
from ops.ha.inventory import Host, Inventory

if TYPE_CHECKING:
    from ops.ha.cluster import Cluster

LEAST_MEMORY = 3 * 2**30
PATIENCE_S = 20
"""How long programs of a supervisor that was killed have to end."""
_TO_BUS = 10_000  # where Redis itself expects the nodes' port


def refuse_too_little_memory(inventory: Inventory) -> None:
    """An error where a cluster that is not there yet would take more than is free."""
    if namespaces.existing(inventory):
        return
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
            if available < LEAST_MEMORY:
                raise OperatorError(
                    f"a cluster of {len(inventory.hosts)} hosts takes about "
                    f"{LEAST_MEMORY / 2**30:.0f} GB of memory, and {available / 2**30:.1f} GB "
                    "are free"
                )


def refuse_taken_ports(cluster: "Cluster") -> None:
    """An error that names the port where another program has it on a host that is to be started."""
    there = namespaces.existing(cluster.inventory)
    deadline = time.monotonic() + PATIENCE_S
    for host in cluster.inventory.everyone:
        if host.name not in there or cluster.supervisor(host).runs:
            continue
        while taken := _taken(cluster, host):
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"port {taken[0]} of host {host.name} is taken by another program "
                    f"({taken[1]}); nothing was started"
                )
            time.sleep(0.2)


def _taken(cluster: "Cluster", host: Host) -> tuple[int, str] | None:
    """One of our ports that somebody listens on, and who that is."""
    command = (*cluster.inside(host), "ss", "--no-header", "--listening", "--tcp", "-np")
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        port = int(line.split()[3].rpartition(":")[2])
        if port in _ours(host in cluster.inventory.gateways):
            who = re.search(r'"([^"]+)",pid=(\d+)', line)
            return port, f"{who[1]}, process {who[2]}" if who else "of whom nothing is known"
    return None


def _ours(is_gateway: bool) -> set[int]:
    postgres = {ports.POSTGRES_PORT, ports.ANALYSTS_PORT}
    if is_gateway:
        statistics = {ports.HAPROXY_STATISTICS_PORT, ports.NGINX_STATUS_PORT}
        return postgres | statistics | {80, 443, ports.REPLICAS_PORT}
    redis = {port + offset for port in ports.REDIS_PORTS for offset in (0, _TO_BUS)}
    ours = {ports.API_PORT, ports.LIVE_PORT, ports.API_ADMIN_PORT, ports.LIVE_ADMIN_PORT}
    patroni = {ports.PATRONI_PORT, ports.ANALYSTS_PATRONI_PORT}
    etcd = {ports.ETCD_PORT, ports.ETCD_PEER_PORT}
    return postgres | redis | ours | patroni | etcd | {ports.WORKER_METRICS_PORT}
