"""A call for help passes when everything else has all connections that it can get."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.serving import serve
from tests.contract.test_rpc import assert_error, eventually

SLEEPING = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"


@pytest.fixture
def client(
    database: psycopg.Connection, primary: Primary, standby: Primary
) -> Iterator[httpx.Client]:
    """An API with five connections to each server, one of them for calls that go first."""
    settings = {"SAFEROUTE_DATABASE_CONNECTIONS": "13", "SAFEROUTE_API_PROCESSES": "2"}
    with (
        serve([primary.port, standby.port], "contract", primary.password, **settings) as api,
        httpx.Client(base_url=api.url, timeout=20) as connected,
    ):
        yield connected


@pytest.mark.parametrize(
    ("slow", "urgent", "method"),
    [("wait", "look_at_help", "GET"), ("wait_writing", "call_for_help", "POST")],
)
def test_calls_for_help_pass_where_others_wait(
    client: httpx.Client,
    primary: Primary,
    standby: Primary,
    slow: str,
    urgent: str,
    method: str,
) -> None:
    asked = standby if method == "GET" else primary
    with (
        ThreadPoolExecutor(20) as pool,
        psycopg.connect(asked.conninfo("postgres"), autocommit=True) as watcher,
    ):
        calls = [pool.submit(client.post, f"/rpc/{slow}", json={"seconds": 4}) for _ in range(20)]
        eventually(lambda: watcher.execute(SLEEPING).fetchone() == (4,))
        for _ in range(10):
            answer = client.request(method, f"/rpc/{urgent}")
            assert (answer.status_code, answer.json()) == (200, method == "GET")
        assert not any(call.done() for call in calls)
        answers = [call.result() for call in calls]
    refused = [answer for answer in answers if answer.status_code != 204]
    assert len(refused) == 16
    for answer in refused:
        assert_error(answer, 503, "PGRST003")
        assert answer.headers["retry-after"] == "1"
    assert client.post(f"/rpc/{slow}", json={"seconds": 0}).status_code == 204
