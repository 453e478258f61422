"""`/metrics`, and the page that explains it."""

import re

import httpx
from prometheus_client.parser import text_string_to_metric_families

from common.settings import REPOSITORY
from tests.contract.serving import Api
from tests.contract.test_calls import answered, samples

PAGE = REPOSITORY / "docs" / "reference" / "metrics.md"
_ROW = re.compile(r"^\| `(saferoute_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", re.M)
_IMPLIED = {"le", "quantile"}


def test_the_reference_tells_what_there_is(api: Api, client: httpx.Client) -> None:
    for path in ("/rpc/rows", "/rpc/nosuch", "/rpc/count_call"):
        client.get(path)
    shown, labels = {}, {}
    for family in text_string_to_metric_families(httpx.get(f"{api.admin}/metrics").text):
        # A counter's or a histogram's time of birth is a gauge of its own.
        if family.name.startswith("saferoute_") and not family.name.endswith("_created"):
            name = family.name + {"counter": "_total"}.get(family.type, "")
            shown[name] = (family.type, family.documentation)
            if family.samples:
                labels[name] = {name for s in family.samples for name in s.labels} - _IMPLIED
    rows = {row[0]: row[1:] for row in _ROW.findall(PAGE.read_text())}
    assert {name: (kind, meaning) for name, (kind, _, meaning) in rows.items()} == shown
    told = {name: set(re.findall(r"`(\w+)`", row[1])) for name, row in rows.items()}
    assert {name: told[name] for name in labels} == labels


def test_errors_are_counted_by_code(api: Api, client: httpx.Client) -> None:
    def count(function: str, code: str) -> float:
        labels = frozenset({("function", function), ("code", code)})
        return samples(api).get(("saferoute_errors_total", labels), 0)

    before = [count("read_and_fail", "SR018"), count("fail_with", "22xxx")]
    client.get("/rpc/read_and_fail")
    client.get("/rpc/fail_with", params={"state": "22012"})
    assert [count("read_and_fail", "SR018"), count("fail_with", "22xxx")] == [
        value + 1 for value in before
    ]


def test_other_paths_are_counted_by_their_route(api: Api, client: httpx.Client) -> None:
    before = answered(api, "/auth/sessions/{id}", "4xx")
    client.delete("/auth/sessions/447700900123")
    assert answered(api, "/auth/sessions/{id}", "4xx") == before + 1
    assert "447700900123" not in httpx.get(f"{api.admin}/metrics").text


def test_servers_and_their_connections(api: Api, client: httpx.Client) -> None:
    client.get("/rpc/rows")
    found = samples(api)
    states = {
        dict(labels)["state"]: value
        for (name, labels), value in found.items()
        if name == "saferoute_server_state" and value
    }
    assert states == {"primary": 1, "standby": 1}
    idle = [
        value
        for (name, labels), value in found.items()
        if name == "saferoute_pool_connections" and ("state", "idle") in labels
    ]
    assert len(idle) == 2
    assert max(idle) >= 1
