"""A request is named, counted and, where it matters, logged."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Primary
from tests.contract.serving import Api, bearer
from tests.contract.test_rpc import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def logged(api: Api, request_id: str) -> dict[str, object] | None:
    """The line of this request."""
    return next((line for line in api.lines() if line.get("request_id") == request_id), None)


def samples(api: Api) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(httpx.get(f"{api.admin}/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def answered(api: Api, function: str, status: str) -> float:
    labels = frozenset({("function", function), ("status", status)})
    return samples(api).get(("saferoute_request_duration_seconds_count", labels), 0)


@pytest.mark.parametrize("path", ["/rpc/rows", "/rpc/nosuch", "/nosuch"])
def test_every_answer_names_its_request(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
    assert client.get(path, headers={"traceparent": PARENT}).headers["x-request-id"] == TRACE
    made = {client.get(path).headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2


def test_the_database_is_told_who_asks(client: httpx.Client, standby: Primary) -> None:
    """In pg_stat_activity while it runs: the request, and in the inner statement the function."""
    query = "select query from pg_stat_activity where application_name = 'saferoute_api/tell-me'"
    with (
        psycopg.connect(standby.conninfo("contract"), autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(
            client.get, "/rpc/wait", params={"seconds": 1}, headers={"x-request-id": "tell-me"}
        )
        eventually(lambda: watcher.execute(query).fetchone() is not None)
        assert waiting.result().status_code == 204
        eventually(lambda: watcher.execute(query).fetchone() is None)


def test_a_statement_tells_its_function_and_trace(client: httpx.Client) -> None:
    seen = client.get("/rpc/statement", headers={"traceparent": PARENT}).json()
    assert f"/*action='statement',traceparent='{PARENT}'*/\"" in seen
    for hostile in ("x'*/; drop schema api cascade; --", "x*/ or 1=1 /*"):
        headers = {"traceparent": hostile, "x-request-id": hostile}
        assert hostile not in client.get("/rpc/statement", headers=headers).json()


def test_a_name_that_would_end_its_quotes(client: httpx.Client) -> None:
    assert "/*action='Odd%2A%27--',traceparent='00-" in client.get("/rpc/Odd*'--").json()


def test_calls_are_counted_by_function_and_status(api: Api, client: httpx.Client) -> None:
    before = {status: answered(api, "echo", status) for status in ("2xx", "4xx")}
    client.get("/rpc/echo", params={"words": "x"})
    client.get("/rpc/echo", params={"words": "x", "times": "many"})
    assert answered(api, "echo", "2xx") == before["2xx"] + 1
    assert answered(api, "echo", "4xx") == before["4xx"] + 1


def test_unknown_functions_become_no_labels(api: Api, client: httpx.Client) -> None:
    before = answered(api, "unknown", "4xx")
    for name in ("nosuch1", "nosuch2", "a/b"):
        assert client.get(f"/rpc/{name}").status_code == 404
    assert client.get("/nosuch3").status_code == 404
    assert answered(api, "unknown", "4xx") == before + 4
    assert "nosuch" not in httpx.get(f"{api.admin}/metrics").text


def test_calls_in_flight(api: Api, client: httpx.Client) -> None:
    key: tuple[str, frozenset[tuple[str, str]]] = ("saferoute_requests_in_flight", frozenset())
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.get, "/rpc/wait", params={"seconds": 1}) for _ in range(3)]
        eventually(lambda: samples(api)[key] == 3)
        assert [call.result().status_code for call in waiting] == [204] * 3
    assert samples(api)[key] == 0


def test_the_log_has_what_failed_was_refused_or_slow(api: Api, client: httpx.Client) -> None:
    def call(name: str, **parameters: object) -> dict[str, object] | None:
        headers = {"x-request-id": f"log-{name}"} | parameters.pop("headers", {})
        client.get(f"/rpc/{name}", params=parameters, headers=headers)
        return logged(api, f"log-{name}")

    assert call("rows") is None
    assert call("nosuch") is None
    failed = call("fail_with", state="XX000")
    assert failed is not None
    assert failed["level"] == "ERROR"
    assert (failed["status"], failed["code"], failed["error"]) == (500, "XX000", "failed")
    assert (failed["function"], len(str(failed["trace_id"]))) == ("fail_with", 32)
    refused = call("members_only")
    assert refused is not None
    assert (refused["message"], refused["status"], refused["code"]) == ("refused", 401, "42501")
    assert "error" not in refused
    assert call("where_read", headers=bearer() | {"Authorization": "Bearer x.y.z"}) is not None
    slow = call("wait", seconds=1.1)
    assert slow is not None
    assert (slow["message"], slow["status"]) == ("slow", 204)
    assert float(str(slow["duration_ms"])) > 1000
