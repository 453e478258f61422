"""A Redis Cluster by TLS: limits, positions and pub/sub work, and nothing is said to a stranger."""

import contextlib
import json
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from common.redis import Redis
from common.settings import Settings
from ops import redis_cluster
from ops.identity import Identity
from tests.contract.live.conftest import NOTIFY
from tests.contract.serving import Api, bearer
from tests.contract.test_slow_clients import eventually
from tests.contract.tls.conftest import Town
from tests.redis_cluster import TestCluster, start_cluster


@pytest.fixture(scope="module")
def nodes(town: Town, cluster_directory: Path) -> Iterator[TestCluster]:
    # Made twice where pytest has tests of another module in between.
    folder = Path(tempfile.mkdtemp(prefix="redis-by-tls-", dir=cluster_directory))
    folder.chmod(0o755)
    key = shutil.copy(town.good.key_path, folder / "redis.key")
    if os.geteuid() == 0:
        shutil.chown(key, redis_cluster.user())
    cluster = start_cluster(folder, Identity(town.authority, town.good.path, Path(key)))
    yield cluster
    for node in cluster.nodes:
        cluster.kill(node)


@pytest.fixture(scope="module")
def pair(town: Town, nodes: TestCluster) -> Iterator[tuple[Api, Api]]:
    """An API and a live gateway with that cluster."""
    town.database.execute(NOTIFY)
    with ExitStack() as stack:
        yield (
            stack.enter_context(town.serve("api", **nodes.settings)),
            stack.enter_context(town.serve("api.live", **nodes.settings)),
        )


def test_nothing_is_said_in_plain(nodes: TestCluster) -> None:
    with (
        socket.create_connection(("127.0.0.1", nodes.nodes[0].port), timeout=20) as plain,
        contextlib.suppress(ConnectionError),
    ):
        plain.sendall(b"PING\r\n")
        assert not plain.recv(100).startswith((b"+", b"-"))  # an alert, or the end


def test_calls_are_counted_and_watchers_told(
    town: Town, client: httpx.Client, pair: tuple[Api, Api]
) -> None:
    api, live = pair
    person = str(uuid.uuid4())
    with connect(
        f"{live.url}/live", ssl=town.context(town.good), additional_headers=bearer(sub=person)
    ) as watcher:
        assert json.loads(watcher.recv(10))["type"] == "hello"
        watcher.send(json.dumps({"subscribe": f"user:{person}"}))
        assert json.loads(watcher.recv(10))["type"] == "subscribed"
        for number in range(3):
            answer = client.post(
                api.rpc("notify"),
                json={"person": person, "event": f"event {number}"},
                headers=bearer(sub=person),
            )
            assert answer.status_code == 204
            assert "ratelimit" in answer.headers
            assert json.loads(watcher.recv(10))["event"] == f"event {number}"
    for served in pair:
        state = httpx.get(f"{served.admin}/ready").json()["redis"]
        assert state == {"up": True, "troubles": {}}
        assert "Traceback" not in served.log.read_text()


def test_another_master_is_found_by_tls(
    town: Town, client: httpx.Client, pair: tuple[Api, Api], nodes: TestCluster
) -> None:
    api, _ = pair
    victim = nodes.master_of("{x}")
    with nodes.killed(victim):
        nodes.wait_for_promotion("{x}", victim)
        eventually(lambda: httpx.get(f"{api.admin}/ready").json()["redis"]["up"])
        assert client.post(api.rpc("echo"), json={"words": "x"}).status_code == 200


async def test_nodes_of_another_authority_are_not_asked(town: Town, nodes: TestCluster) -> None:
    strange = town.bad["unable to get local issuer certificate"].folder / "ca.crt"
    found = Redis(
        Settings(
            _env_file=None,
            tls_ca=strange,
            redis_hosts=f"127.0.0.1:{nodes.nodes[0].port}",
            redis_password=nodes.password,
        )
    )
    try:
        assert not await found.warm()
        (trouble,) = found.troubles.values()
        assert trouble.startswith("its certificate is refused: ")
    finally:
        await found.aclose()
