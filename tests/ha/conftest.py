"""A cluster of simulated hosts for the scenarios, brought up once and always taken down.

With SAFEROUTE_TEST_TLS in the environment all that goes between its hosts is encrypted.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.settings import settings
from ops.ha import cluster as clusters
from ops.ha.cluster import Cluster
from ops.ha.inventory import Inventory
from tests.ha.disk import Disk, disk_of
from tests.ha.scene import Scene

NEEDED = ("etcd", "haproxy", "keepalived", "nft", "redis-server", "nginx")
_measured = pytest.StashKey[list[str]]()


def inventory() -> Inventory:
    """Hosts with a name and a network of their own: several suites can run side by side."""
    number = 1 + secrets.randbelow(250)
    network = f"10.79.{number}"
    return Inventory(
        name=f"t{number:02x}",
        network=f"{network}.0/24",
        public=f"{network}.20",
        hosts={name: f"{network}.{11 + n}" for n, name in enumerate("abc")},
        gateways={"g1": f"{network}.21", "g2": f"{network}.22"},
        tls="SAFEROUTE_TEST_TLS" in os.environ,
    )


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Three hosts and two gateways."""
    skip_where_impossible()
    # PostgreSQL must reach it.
    folder = Path(tempfile.mkdtemp(prefix="saferoute-faults-"))
    folder.chmod(0o755)
    found = Cluster(inventory(), folder / "state")
    small = disk_of(found, found.inventory.hosts[0])
    # Also whoever ends the tests by SIGTERM, as `timeout` does, finds nothing left behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if any("disk" in item.fixturenames for item in request.session.items):
            small.attach()
        with own_settings():
            clusters.up(found)
        yield found
    finally:
        for host in found.inventory.everyone:
            found.kill(host)
        small.detach()
        clusters.down(found)
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def disk(cluster: Cluster) -> Disk:
    """The small one of the first host's PostgreSQL."""
    return disk_of(cluster, cluster.inventory.hosts[0])


@pytest.fixture(scope="session")
def scene(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The cluster, with people."""
    folder = Path(tempfile.mkdtemp(prefix="saferoute-histories-"))
    found = Scene(cluster, folder)
    found.settle()
    yield found
    request.config.stash[_measured] = [str(each) for each in found.measured]
    # What a failed scenario has written stays, for whoever looks for the cause.
    if not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What the scenarios have measured."""
    if told := config.stash.get(_measured, None):
        terminalreporter.section("what the faults did to people")
        for line in told:
            terminalreporter.write_line(line)


@contextmanager
def own_settings() -> Iterator[None]:
    """What makes a cluster takes its settings; other tests have theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFEROUTE_ENV_FILE", os.devnull)
        yield
    settings.cache_clear()


def skip_where_impossible() -> None:
    """Skip, and say why, where no hosts can be simulated."""
    if os.geteuid() != 0:
        pytest.skip("simulated hosts are network namespaces, which only root can make")
    missing = [
        name
        for name in NEEDED
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None
    ]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    probe = f"saferoute-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "delete", probe], check=True)
