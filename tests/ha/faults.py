"""What can go wrong, done to the simulated hosts of a cluster and undone.

Everything is done by process id or by the address of a host, never by a name that others may have.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from ops.ha import namespaces
from ops.ha.cluster import Cluster
from ops.ha.inventory import ETCD_PEER_PORT, ETCD_PORT, POSTGRES_PORT, REDIS_PORTS, Host

T = TypeVar("T")
_TABLE = "faults"
_BUS = 10_000
REDIS = [port + more for port in REDIS_PORTS for more in (0, _BUS)]
ETCD = [ETCD_PORT, ETCD_PEER_PORT]
POSTGRES = [POSTGRES_PORT]


@dataclass(frozen=True)
class Faults:
    """Of one cluster."""

    cluster: Cluster

    # --- Who is who

    def primary(self) -> Host:
        """The host whose PostgreSQL leads."""
        found = _wait_for(self.cluster.patroni.primary, "a primary")
        return self.cluster.inventory.host(found.name)

    def standbys(self) -> list[Host]:
        """The others."""
        primary = self.primary()
        return [host for host in self.cluster.inventory.hosts if host != primary]

    def etcd_leader(self) -> Host:
        """The host whose etcd leads."""
        return _wait_for(self._etcd_leader, "a leader of etcd")

    def gateway(self) -> Host:
        """The gateway that holds the public address."""
        return _wait_for(lambda: next(iter(self.gateways_with_address()), None), "a gateway")

    def gateways_with_address(self) -> list[Host]:
        """Those that hold the public address: one, unless something is wrong."""
        address = f" {self.cluster.inventory.public}/"
        return [
            host
            for host in self.cluster.inventory.gateways
            if address in self._inside(host, "ip", "-o", "-4", "addr", "show")
        ]

    def _etcd_leader(self) -> Host | None:
        for host in self.cluster.inventory.hosts:
            with contextlib.suppress(httpx.HTTPError):
                told = ask(self.cluster, f"{host.at(ETCD_PORT)}/metrics", timeout=1).text
                if "\netcd_server_is_leader 1" in told:
                    return host
        return None

    # --- Processes

    def pid(self, host: Host, program: str) -> int:
        """Of a program of the host's supervisor."""
        return self.cluster.supervisor(host).process(program).pid

    def family(self, pid: int) -> list[int]:
        """A process and all that it has started, and they."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            return [pid, *(child.pid for child in parent.children(recursive=True))]
        return []

    def postmaster(self, host: Host) -> int:
        """Of PostgreSQL on a host."""
        path = self.cluster.place(host).data / "patroni" / "pgdata" / "postmaster.pid"
        return int(path.read_text().splitlines()[0])

    def postgres(self, host: Host) -> list[int]:
        """All processes of PostgreSQL on a host."""
        return self.family(self.postmaster(host))

    def kill(self, host: Host, *programs: str) -> None:
        """SIGKILL for programs and all that they have started; whoever looks after them starts
        them again.
        """
        _signal((pid for name in programs for pid in self.family(self.pid(host, name))), "KILL")

    def kill_postgres(self, host: Host) -> None:
        """SIGKILL for PostgreSQL alone: Patroni finds it gone."""
        _signal(self.postgres(host), "KILL")

    def kill_patroni(self, host: Host, *, with_postgres: bool) -> None:
        """SIGKILL for Patroni, and for PostgreSQL or not."""
        pids = [self.pid(host, "patroni")]
        _signal(pids + (self.postgres(host) if with_postgres else []), "KILL")

    @contextmanager
    def stopped(self, pids: Sequence[int]) -> Iterator[None]:
        """They are there and do nothing (SIGSTOP)."""
        _signal(pids, "STOP")
        try:
            yield
        finally:
            _signal(pids, "CONT")

    @contextmanager
    def without(self, hosts: Iterable[Host], program: str) -> Iterator[None]:
        """A program is killed on these hosts and stays away."""
        hosts = list(hosts)
        for host in hosts:
            pids = self.family(self.pid(host, program))
            # Told first, or it would start it again.
            self.cluster.supervisor(host).stop_process(program, wait=False)
            _signal(pids, "KILL")
        try:
            yield
        finally:
            for host in hosts:
                _wait_for(lambda h=host: not self.pid(h, program), f"the end of {program}")
                self.cluster.supervisor(host).start_process(program)

    def reload_nginx(self, host: Host) -> None:
        """As after a change of its settings."""
        self.cluster.supervisor(host).signal_process("nginx", "HUP")

    def replication(self) -> list[int]:
        """The processes of the primary that send its log: no standby gets any while they are
        stopped. Stopped receivers would find what had come meanwhile in their sockets.
        """
        return [pid for pid in self.postgres(self.primary()) if "walsender" in _title(pid)]

    # --- Hosts

    @contextmanager
    def dead(self, host: Host) -> Iterator[None]:
        """A host loses its power, and gets it back."""
        self.die(host)
        try:
            yield
        finally:
            self.come_back(host)

    def die(self, host: Host) -> None:
        """Its cable is pulled first: the sockets of what is killed say goodbye to nobody."""
        namespaces.connect(self.cluster.inventory, host, is_up=False)
        self.cluster.kill(host)

    def come_back(self, host: Host) -> None:
        """As after a boot: without the addresses that keepalived had set."""
        if host in self.cluster.inventory.gateways:
            interface = self.cluster.inventory.interface
            address = f"{self.cluster.inventory.public}/{self._width(host)}"
            self._inside(host, "ip", "addr", "del", address, "dev", interface, may_fail=True)
        namespaces.connect(self.cluster.inventory, host, is_up=True)
        self.cluster.start(host)

    def _width(self, host: Host) -> str:
        """Of the public address where it is set, else 32."""
        shown = self._inside(host, "ip", "-o", "-4", "addr", "show")
        words = [
            word for word in shown.split() if word.startswith(f"{self.cluster.inventory.public}/")
        ]
        return words[0].partition("/")[2] if words else "32"

    @contextmanager
    def cut_off(
        self,
        host: Host,
        *,
        others: Iterable[Host] | None = None,
        incoming: bool = True,
        outgoing: bool = True,
        ports: Iterable[int] = (),
    ) -> Iterator[None]:
        """Nothing passes between a host and others (the other database hosts where none are
        named), or in one direction only, or to and from these ports only.
        """
        if others is None:
            others = [each for each in self.cluster.inventory.hosts if each != host]
        rules = _rules(
            [str(each.address) for each in others],
            list(ports),
            incoming=incoming,
            outgoing=outgoing,
        )
        self._nft(host, rules)
        try:
            yield
        finally:
            self._nft(host, f"delete table inet {_TABLE}\n")

    def _nft(self, host: Host, rules: str) -> None:
        subprocess.run(
            [*self.cluster.inside(host), "nft", "-f", "-"], input=rules, text=True, check=True
        )

    def _inside(self, host: Host, *words: str, may_fail: bool = False) -> str:
        command = [*self.cluster.inside(host), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert may_fail or done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    # --- Clocks

    @contextmanager
    def wrong_clock(self, host: Host, offset_s: int) -> Iterator[None]:
        """All programs of a host but etcd, which is written in Go, see another time of day. They
        are stopped and started for it.
        """
        library = self.cluster.state / "clock.so"
        source = Path(__file__).parent / "clock.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        self._restart(host, {"LD_PRELOAD": str(library), "CLOCK_OFFSET_S": str(offset_s)})
        try:
            yield
        finally:
            self._restart(host, {})

    def _restart(self, host: Host, variables: dict[str, str]) -> None:
        supervisor, programs = self.cluster.supervisor(host), self.cluster.programs(host)
        configuration = supervisor.configuration
        assert configuration is not None
        supervisor.stop()
        supervisor.start(configuration, variables)
        for program in programs:
            supervisor.start_process(program.name)


def _rules(others: list[str], ports: list[int], *, incoming: bool, outgoing: bool) -> str:
    """For nft: one chain for each direction."""
    lines = [f"table inet {_TABLE} {{"]
    for chain, side, wanted in (("input", "saddr", incoming), ("output", "daddr", outgoing)):
        if not wanted:
            continue
        lines.append(f"  chain {chain} {{ type filter hook {chain} priority -10; policy accept;")
        who = f"ip {side} {{ {', '.join(others)} }}"
        if ports:
            listed = ", ".join(str(port) for port in ports)
            lines.append(f"    {who} tcp dport {{ {listed} }} drop")
            lines.append(f"    {who} tcp sport {{ {listed} }} drop")
        else:
            lines.append(f"    {who} drop")
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _signal(pids: Iterable[int], name: str) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.Signals[f"SIG{name}"])


def _title(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _wait_for(find: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"after {seconds:g} s there is still not {what}"
        time.sleep(0.1)
    return found


def ask(cluster: Cluster, address: str, timeout: float = 2) -> httpx.Response:
    """What a program of the cluster answers, by TLS where it has that."""
    if cluster.identity is None:
        return httpx.get(f"http://{address}", timeout=timeout)
    return httpx.get(f"https://{address}", timeout=timeout, verify=cluster.identity.context())
