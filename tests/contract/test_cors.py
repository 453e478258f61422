"""What browsers let web pages do, and what nobody between may keep."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Primary
from tests.contract.serving import Api, bearer, serve

PAGE = "https://map.example"
OTHER = "https://evil.example"


@pytest.fixture(scope="module")
def open_client(api: Api, primary: Primary) -> Iterator[httpx.Client]:
    """An API that one web page and another may call; there is one already that none may."""
    origins = {"SAFEROUTE_CORS_ORIGINS": f"{PAGE}, https://other.example"}
    with (
        serve([primary.port], "contract", primary.password, **origins) as served,
        httpx.Client(base_url=served.url, timeout=20) as client,
    ):
        yield client


def preflight(client: httpx.Client, origin: str, **asked: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", **asked}
    return client.options("/rpc/echo", headers=headers)


def test_a_page_may_call_after_asking(open_client: httpx.Client) -> None:
    wanted = "authorization, content-type, idempotency-key, x-consistency-token, x-api-key"
    answer = preflight(open_client, PAGE, **{"Access-Control-Request-Headers": wanted})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers
    assert int(answer.headers["access-control-max-age"]) >= 7200
    assert "Origin" in answer.headers["vary"]
    delete = preflight(open_client, PAGE, **{"Access-Control-Request-Method": "DELETE"})
    assert delete.status_code == 200


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        (OTHER, {}),
        ("null", {}),
        (PAGE + ".evil.example", {}),
        (PAGE, {"Access-Control-Request-Method": "PUT"}),
        (PAGE, {"Access-Control-Request-Headers": "x-evil"}),
    ],
)
def test_others_may_not(open_client: httpx.Client, origin: str, asked: dict[str, str]) -> None:
    answer = preflight(open_client, origin, **asked)
    assert answer.status_code == 400
    assert answer.headers.get("access-control-allow-origin") in (None, PAGE)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/rpc/rows", {}, 200),
        ("/rpc/rows", bearer(), 200),
        ("/rpc/nosuch", {}, 404),
        ("/rpc/members_only", {}, 401),
        ("/rpc/rows", {"Authorization": "Bearer x.y.z"}, 401),
        ("/rpc/fail_with?state=57014", {}, 500),
        ("/nowhere", {}, 404),
        ("/auth/sessions", {}, 401),
    ],
)
def test_the_page_can_read_answers_and_errors(
    open_client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    answer = open_client.get(path, headers={**headers, "Origin": PAGE})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in answer.headers["vary"]
    readable = answer.headers["access-control-expose-headers"].split(", ")
    for name in ("X-Consistency-Token", "RateLimit", "Retry-After", "Proxy-Status", "X-Request-Id"):
        assert name in readable
    stranger = open_client.get(path, headers={**headers, "Origin": OTHER})
    assert stranger.status_code == status
    assert "access-control-allow-origin" not in stranger.headers


def test_without_the_setting_no_page_may(client: httpx.Client) -> None:
    for answer in (
        client.get("/rpc/rows", headers={"Origin": PAGE}),
        client.options(
            "/rpc/rows", headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"}
        ),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/rpc/rows", "/rpc/nosuch", "/nowhere"])
def test_nobody_between_keeps_an_answer(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
