"""What operators see on the admin port."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.serving import Api, serve
from tests.contract.test_rpc import eventually
from tests.redis_cluster import TestCluster


@pytest.fixture
def admin(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.admin, timeout=5) as client:
        yield client


def test_live(admin: httpx.Client) -> None:
    assert (admin.get("/live").status_code, admin.get("/live").json()) == (200, {"live": True})


def test_ready_tells_of_servers_and_catalogue(admin: httpx.Client) -> None:
    ready = admin.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert ready.json()["draining"] is False
    assert [server["state"] for server in ready.json()["servers"]] == ["primary", "standby"]
    assert [server["reads"] for server in ready.json()["servers"]] == [False, True]
    assert ready.json()["catalogue"]["age_s"] >= 0


def test_the_admin_port_serves_no_calls(admin: httpx.Client) -> None:
    assert admin.get("/rpc/rows").status_code == 404


def test_it_answers_while_every_connection_is_taken(
    api: Api, admin: httpx.Client, standby: Primary
) -> None:
    """All 14 connections to the standby that reads may take, and ten calls that wait for one."""
    sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
    with (
        httpx.Client(base_url=api.url, timeout=20) as client,
        psycopg.connect(standby.conninfo("contract"), autocommit=True) as watcher,
        ThreadPoolExecutor(24) as pool,
    ):
        calls = [pool.submit(client.get, "/rpc/wait", params={"seconds": 1.5}) for _ in range(24)]
        eventually(lambda: watcher.execute(sleeping).fetchone() == (14,))
        answers = [admin.get(path).status_code for path in ("/live", "/ready", "/metrics")]
        assert not any(call.done() for call in calls)
    assert answers == [200, 200, 200]


def test_ready_without_redis_says_so_and_serves(admin: httpx.Client) -> None:
    ready = admin.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["redis"]["up"] is False
    assert "connection" in ready.json()["redis"]["troubles"]["cluster"]


def test_ready_tells_of_redis(
    primary: Primary, standby: Primary, database: psycopg.Connection, redis_cluster: TestCluster
) -> None:
    ports = [primary.port, standby.port]
    with serve(ports, "contract", primary.password, **redis_cluster.settings) as served:
        assert httpx.get(f"{served.admin}/ready").json()["redis"] == {"up": True, "troubles": {}}
