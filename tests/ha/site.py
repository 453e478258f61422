"""Two real gateway hosts (nginx, HAProxy, keepalived) before hosts that are stand-ins."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import httpx

from common.settings import REPOSITORY
from ops.errors import OperatorError
from ops.ha import namespaces
from ops.ha.cluster import Cluster
from ops.ha.inventory import Host, Inventory

ROLES = {"a": "primary", "b": "replica", "c": "replica", "analysts": "replica"}


@dataclass
class Site:
    """A running one."""

    cluster: Cluster
    _hosts: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)

    @property
    def inventory(self) -> Inventory:
        return self.cluster.inventory

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://{self.inventory.public}"

    def say(self, **roles: str) -> None:
        """Let Patroni say who is what."""
        path = self.cluster.state / "roles.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(ROLES | roles))
        draft.replace(path)

    def start_host(self, host: Host) -> None:
        """Start what stands for a host."""
        words = [host.name, str(host.address), str(self.cluster.state / "roles.json")]
        process = subprocess.Popen(
            [*self.cluster.inside(host), sys.executable, "-m", "tests.ha.stand_in_host", *words],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hosts[host.name] = process
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def stop_hosts(self) -> None:
        for process in self._hosts.values():
            process.kill()
            process.communicate()  # closes its pipe too

    def holder(self) -> Host | None:
        """The gateway that has the public address."""
        for host in self.inventory.gateways:
            command = [*self.cluster.inside(host), "ip", "-4", "-o", "address"]
            shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            if f" {self.inventory.public}/" in shown:
                return host
        return None

    def other(self, host: Host) -> Host:
        [found] = [each for each in self.inventory.gateways if each != host]
        return found

    def answers(self, seconds: float = 1) -> bool:
        """Whether a call on a new connection is answered."""
        try:
            return httpx.get(f"{self.url}/rpc/echo", timeout=seconds).status_code == 200
        except httpx.HTTPError:
            return False

    def greeted_by(self, port: int) -> str:
        """Who greets at a port of the public address; nobody's name is empty."""
        try:
            with socket.create_connection((str(self.inventory.public), port), 2) as session:
                return session.recv(100).decode().strip()
        except OSError:
            return ""


@contextmanager
def running_site(name: str, third: int) -> Iterator[Site]:
    """One in the network 10.78.THIRD.0/24 until the block ends. Only root can make it."""
    network = f"10.78.{third}"
    names = ("a", "b", "c", "g1", "g2")
    hosts = [
        Host(name=name, address=IPv4Address(f"{network}.{number}"))
        for number, name in enumerate(names, 11)
    ]
    inventory = Inventory(
        name=name,
        network=IPv4Network(f"{network}.0/24"),
        public=IPv4Address(f"{network}.20"),
        hosts=tuple(hosts[:3]),
        gateways=tuple(hosts[3:]),
        analysts="c",
    )
    state = Path(tempfile.mkdtemp(prefix="saferoute-site-"))
    state.chmod(0o755)
    site = Site(Cluster(inventory, state))
    try:
        namespaces.create(inventory)
        site.say()
        for host in inventory.hosts:
            site.start_host(host)
        for host in inventory.gateways:
            site.cluster.start(host)
        wait_until(site.answers)
        yield site
    finally:
        site.stop_hosts()
        for host in inventory.everyone:
            site.cluster.kill(host)
        namespaces.remove(inventory)
        shutil.rmtree(state, ignore_errors=True)


def why_not() -> str | None:
    """Why there can be no simulated hosts here, if there can be none."""
    if os.geteuid() != 0:
        return "simulated hosts are network namespaces, which only root can make"
    for program in ("keepalived", "haproxy", "nginx", "curl"):
        if not shutil.which(program, path=f"/usr/sbin:{os.environ['PATH']}"):
            return f"{program} is not installed"
    probe = f"srprobe{os.getpid()}"
    with contextlib.suppress(OSError, OperatorError):
        made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
        if made.returncode == 0:
            subprocess.run(["ip", "netns", "delete", probe], check=False)
            return None
    return "this machine makes no network namespaces"


def wait_until(is_so, seconds: float = 30) -> float:
    """Seconds until it was so."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() < begun + seconds, "it never was so"
        time.sleep(0.02)
    return time.monotonic() - begun
