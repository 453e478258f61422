"""What is not `/rpc`: every error has our body, whoever raises it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.calls import Calls
from api.errors import RequestError
from api.web import Web


async def _refusing(_request: Request) -> Response:
    raise RequestError(401, "SR041", "The session has ended.", headers={"retry-after": "3"})


async def _failing(_request: Request) -> Response:
    raise ValueError("+447700900123")


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    yield


def ask(method: str, path: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        routes = [
            Route("/refusing", _refusing, methods=["POST"]),
            Route("/failing/{code}", _failing),
        ]
        transport = httpx.ASGITransport(Web(Calls(), routes, _lifespan))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, path)

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/refusing", 401, "SR041"),
        ("GET", "/refusing", 405, "PGRST117"),
        ("GET", "/nowhere", 404, "PGRST125"),
        ("GET", "/failing/123456", 500, "XX000"),
    ],
)
def test_errors_have_four_keys(method: str, path: str, status: int, code: str) -> None:
    response = ask(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["code", "message", "details", "hint"]
    assert response.json()["code"] == code
    assert response.headers["proxy-status"] == f"PostgREST; error={code}"
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_headers_of_an_error_are_kept() -> None:
    assert ask("POST", "/refusing").headers["retry-after"] == "3"
    assert ask("GET", "/refusing").headers["allow"] == "POST"


def test_a_mistake_is_logged_by_its_type_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask("GET", "/failing/123456")
    ours = [vars(record) for record in caplog.records if record.name.startswith("saferoute")]
    assert "ValueError in _failing" in str(ours)
    assert not any(secret in str(ours) for secret in ("447700", "123456"))
