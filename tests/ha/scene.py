"""A cluster with people who use it, to which something happens."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from ops.ha import cluster as clusters
from ops.ha import files
from ops.ha.cluster import Cluster
from ops.ha.inventory import API_ADMIN_PORT, ETCD_PORT, LIVE_ADMIN_PORT, POSTGRES_PORT, Host
from tests.ha.checker import Figures, figures, report, violations
from tests.ha.faults import Faults, ask
from tests.ha.history import History
from tests.ha.ledger import ledger_of
from tests.ha.outcome import inboxes, unsent
from tests.ha.people import People, settle
from tests.ha.workload import Plan, Workload, prepare

WHOLE_S = 150
"""How long a cluster has to be whole again: also for a copy of the database to a lost standby."""
ARRIVES_S = 60
"""How long what was acknowledged may take to arrive once the cluster is whole."""
KINDS = ("sos", "points", "read", "browse", "direct")


@dataclass(frozen=True)
class Measured:
    """What one scenario has shown."""

    name: str
    outages: dict[str, float]
    """Of each kind of call the longest time without a yes, in seconds."""
    whole_s: float
    """From the end of the fault until every part is there again."""
    figures: Figures

    def __str__(self) -> str:
        told = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in self.outages.items())
        return f"{self.name}: no yes for {told} s; whole after {self.whole_s:.0f} s; {self.figures}"


@dataclass
class Scene:
    """What all scenarios share."""

    cluster: Cluster
    folder: Path
    measured: list[Measured] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults = Faults(self.cluster)
        self.walkers: People
        self._loads = 0

    def conninfo(self, *hosts: Host) -> str:
        """Of the superuser, to PostgreSQL on one host; to whichever leads where none is named."""
        hosts = hosts or self.cluster.inventory.hosts
        where = ",".join(str(host.address) for host in hosts)
        wanted = " target_session_attrs=read-write" if len(hosts) > 1 else ""
        return (
            f"host={where} port={POSTGRES_PORT} dbname={files.DATABASE} user=postgres "
            f"password={self.cluster.secrets.admin} connect_timeout=3{wanted}"
        )

    @contextmanager
    def primary(self) -> Iterator[psycopg.Connection]:
        """A connection to the primary that there is now."""
        with psycopg.connect(self.conninfo(), autocommit=True) as db:
            yield db

    def settle(self) -> None:
        """Make the people, once."""
        with self.primary() as db:
            prepare(db)
            self.walkers = settle(db, 20, 10, channels=["live", "sms", "email"])

    @contextmanager
    def load(self, name: str) -> Iterator["Load"]:
        """People use the platform while the block lasts: each kind of call has been answered when
        it begins. At its end, whatever was done is undone: the cluster is whole again, all that was
        acknowledged arrives, and the history is checked.
        """
        self._loads += 1
        folder = self.folder / f"{self._loads:02}-{name.replace(' ', '-')}"
        folder.mkdir(parents=True)
        plan = Plan(
            self.cluster.url,
            self.cluster.secrets.jwt,
            self.walkers.walkers,
            self.walkers.accounts,
            {host.name: self.conninfo(host) for host in self.cluster.inventory.hosts},
            str(self.cluster.identity.authority) if self.cluster.identity else None,
        )
        with self.primary() as db:
            earlier = {key for (key,) in db.execute("select alert_id::text from core.alerts")}
        with Workload(plan, folder) as workload:
            workload.wait_for_calls(time.monotonic())
            load = Load(self, workload, time.monotonic())
            try:
                yield load
            except BaseException:
                # The next scenario finds a whole cluster.
                with contextlib.suppress(AssertionError):
                    self.wait_until_whole()
                raise
            self._judge(name, load, earlier)

    def _judge(self, name: str, load: "Load", earlier: set[str]) -> None:
        undone = time.monotonic()
        self.wait_until_whole()
        whole_s = time.monotonic() - undone
        load.goes_on()
        load.workload.stop()
        with self.primary() as db:
            wait_for(lambda: unsent(db) == 0, "every delivery made", ARRIVES_S)
            load.workload.wait_until_shown(inboxes(db), ARRIVES_S)
            ledger = ledger_of(db)
        ledger.forget(earlier)
        history = load.history()
        until = max(call.ended or 0 for call in history.calls)
        outages = {kind: history.outage(kind, load.struck, until) for kind in KINDS}
        self.measured.append(Measured(name, outages, whole_s, figures(history, ledger)))
        found = violations(history, ledger)
        assert not found, f"{name}\n{report(found)}"

    def wait_until_whole(self) -> None:
        """Return once every part of the cluster runs and works with the others."""
        wait_for(lambda: not self.lacks(), lambda: ", ".join(self.lacks()), WHOLE_S)

    def lacks(self) -> list[str]:
        """What is not as it should be; nothing where the cluster is whole."""
        hosts, gateways = self.cluster.inventory.hosts, self.cluster.inventory.gateways
        public = self.cluster.inventory.public
        found = [
            f"{program.name} on {host.name}"
            for host in (*hosts, *gateways)
            for program in self.cluster.supervisor(host).processes()
            if not program.runs
        ]
        found += [
            f"etcd on {host.name}"
            for host in hosts
            if not is_well(lambda host=host: ask(self.cluster, f"{host.at(ETCD_PORT)}/health"))
        ]
        urls = [f"http://{host.at(API_ADMIN_PORT)}/ready" for host in hosts]
        urls += [f"http://{host.at(LIVE_ADMIN_PORT)}/ready" for host in hosts]
        found += [url for url in urls if not is_well(lambda url=url: httpx.get(url, timeout=2))]
        if not clusters.is_whole(self.cluster):
            found.append("PostgreSQL: " + str(clusters.members(self.cluster)))
        nodes = [
            node
            for host in hosts
            for node in files.redis_nodes(self.cluster.inventory, host, self.cluster.place(host))
        ]
        for node in nodes:
            state = node.state(self.cluster.secrets.redis)
            if state is None or not state.is_whole:
                found.append(f"{node.name} at {node.host}")
        if len(self.faults.gateways_with_address()) != 1:
            found.append("one gateway with the public address")
        elif not is_well(lambda: ask(self.cluster, f"{public}/.well-known/jwks.json")):
            found.append("an answer at the public address")
        return found


@dataclass
class Load:
    """People who use the platform, and when the fault began."""

    scene: Scene
    workload: Workload
    struck: float

    def history(self) -> History:
        """All that they have seen so far."""
        return self.workload.history()

    def goes_on(self, seconds: float = 60) -> None:
        """Return once each kind of call, begun from now on, has been answered again."""
        self.workload.wait_for_calls(time.monotonic(), seconds=seconds)

    def until_written_elsewhere(self, old: Host, seconds: float = 60) -> None:
        """Return once another server than the old primary's takes writes."""

        def is_so(found: History) -> bool:
            return any(
                call.server not in (None, old.name) and call.began > self.struck
                for call in found.acknowledged("direct")
            )

        self.workload.wait_for(is_so, "another primary", seconds)

    def for_s(self, seconds: float) -> None:
        """Let people go on meanwhile: for faults that nobody may notice."""
        time.sleep(seconds)


def is_well(ask: Callable[[], httpx.Response]) -> bool:
    """Whether it answers with a success."""
    try:
        return ask().is_success
    except httpx.HTTPError:
        return False


def wait_for(is_so: Callable[[], bool], what: str | Callable[[], str], seconds: float) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"after {seconds:g} s there is still not: {told}")
        time.sleep(0.2)
