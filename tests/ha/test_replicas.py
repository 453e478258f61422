"""`saferoute replicas` in a cluster, and where analysts get in while the primary changes.

In a cluster of its own, with a standby of the analysts: `make chaos` runs it.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.ha import cluster as clusters
from ops.ha import inventory as ports
from ops.ha.cluster import Cluster
from ops.ha.inventory import Host
from tests.command import saferoute
from tests.ha.conftest import inventory, own_settings, skip_where_impossible
from tests.ha.scene import wait_for

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    skip_where_impossible()
    folder = Path(tempfile.mkdtemp(prefix="saferoute-replicas-"))
    folder.chmod(0o755)
    found = Cluster(inventory().model_copy(update={"analysts": "c"}), folder / "state")
    try:
        with own_settings():
            clusters.up(found)
        yield found
    finally:
        for host in found.inventory.everyone:
            found.kill(host)
        clusters.down(found)
        shutil.rmtree(folder, ignore_errors=True)


def replicas(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    return saferoute("replicas", *words, **cluster.environment)


def status(cluster: Cluster) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(replicas(cluster, "status", "--json").stdout)}


def roles(cluster: Cluster) -> dict[str, str]:
    return {name: f"{row['state']} {row['role']}" for name, row in status(cluster).items()}


def primary(cluster: Cluster) -> str:
    (name,) = (name for name, role in roles(cluster).items() if role == "green primary")
    return name


def is_well(cluster: Cluster) -> bool:
    told = sorted(roles(cluster).values())
    return told == ["green primary", *["green standby"] * 3]


def assert_analysts_reach_standbys_only(cluster: Cluster) -> None:
    """On every port of PostgreSQL of every host, and of the public address."""
    password = cluster.secrets.analyst
    servers = [host.at(ports.POSTGRES_PORT) for host in cluster.inventory.hosts]
    public = Host(name="public", address=cluster.inventory.public)
    front = [public.at(port) for port in (ports.POSTGRES_PORT, ports.REPLICAS_PORT)]
    for address in (*servers, *front):
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            sign_in(address, password)
    for address in (public.at(ports.ANALYSTS_PORT), cluster.inventory.host("c").at(15434)):
        with sign_in(address, password) as analyst:
            assert analyst.execute("select pg_is_in_recovery()").fetchone() == (True,)


def sign_in(address: str, password: str) -> psycopg.Connection[Any]:
    host, _, port = address.rpartition(":")
    return psycopg.connect(
        host=host,
        port=port,
        user="analyst",
        password=password,
        dbname="saferoute",
        connect_timeout=5,
    )


def test_a_switchover_is_followed_by_all_and_analysts_reach_no_primary(cluster: Cluster) -> None:
    wait_for(lambda: is_well(cluster), "a cluster that is well", 60)
    assert_analysts_reach_standbys_only(cluster)
    before = primary(cluster)
    to = next(name for name in ("a", "b", "c") if name != before)
    answer = replicas(cluster, "switchover", "--to", to, "--yes")
    assert answer.returncode == 0, answer.stderr
    assert primary(cluster) == to
    wait_for(lambda: is_well(cluster), "everybody follows", 60)
    assert len({row["timeline"] for row in status(cluster).values()}) == 1
    assert_analysts_reach_standbys_only(cluster)
    refused = replicas(cluster, "switchover", "--to", "analysts", "--yes")
    assert (refused.returncode, "never becomes the primary" in refused.stderr) == (2, True)


def test_after_a_failover_too(cluster: Cluster) -> None:
    before = primary(cluster)
    supervisor = cluster.supervisor(cluster.inventory.host(before))
    supervisor.stop_process("patroni")
    wait_for(lambda: list(roles(cluster).values()).count("green primary") == 1, "a new primary", 60)
    assert primary(cluster) not in (before, "analysts")
    supervisor.start_process("patroni")
    wait_for(lambda: is_well(cluster), "the old primary follows", 60)
    assert_analysts_reach_standbys_only(cluster)


def test_a_member_is_taken_out_and_taken_back(cluster: Cluster) -> None:
    leader = primary(cluster)
    first, second = (name for name in ("a", "b", "c") if name != leader)
    assert "is the primary" in replicas(cluster, "remove", leader, "--yes").stderr
    assert replicas(cluster, "remove", first, "--yes").returncode == 0
    assert roles(cluster)[first] == "red gone"
    assert "only standby" in replicas(cluster, "remove", second, "--yes").stderr
    assert "follows the primary" in replicas(cluster, "add", first).stdout
    wait_for(lambda: is_well(cluster), "it follows", 60)
    # Again: nothing to do.
    assert replicas(cluster, "add", first).returncode == 0


def test_a_member_whose_files_are_damaged_is_copied_anew(cluster: Cluster) -> None:
    name = next(name for name in ("a", "b") if name != primary(cluster))
    assert replicas(cluster, "remove", name, "--yes").returncode == 0
    data = cluster.place(cluster.inventory.host(name)).data / "patroni" / "pgdata"
    (data / "global" / "pg_control").unlink()
    assert "once more the same copies it anew" in replicas(cluster, "add", name).stderr
    assert "follows the primary" in replicas(cluster, "add", name, "--yes").stdout
    wait_for(lambda: is_well(cluster), "it follows", 60)
