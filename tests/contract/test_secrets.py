"""Positions, phone numbers, e-mail addresses, tokens, codes and passwords that are sent in every
place where something can be sent: no log keeps them, and neither does /metrics.
"""

import itertools
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.serving import SECRET, Api, bearer
from tests.contract.test_rpc import WALKER

POSITION = "7.4205191"
PHONE = "+447700900461"
EMAIL = "mary.poppins@example.org"
PASSWORD = "supercalifragilistic"
CODE = "493027"
KEY = "sr_key_Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg"
PLANTED = [POSITION, PHONE, PHONE[1:], EMAIL, PASSWORD, CODE, KEY]
_FUNCTIONS = """
select p.proname, coalesce(p.proargnames, '{}') from pg_proc as p
where p.pronamespace = 'api'::regnamespace and p.proname not like 'wait%'
"""
_AUTH = ("codes", "sign-up", "sign-in", "refresh", "sign-out", "reset-password", "verify")


@pytest.fixture
def talkative(database: psycopg.Connection, primary: Primary, standby: Primary) -> Iterator[None]:
    """Servers that log every statement of every new session."""
    database.execute("alter database contract set log_min_duration_statement = 0")
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'"
    for server in (primary, standby):
        with psycopg.connect(server.conninfo("postgres")) as connection:
            connection.execute(kill)
    yield
    database.execute("alter database contract reset log_min_duration_statement")


def calls(functions: list[tuple[str, list[str]]]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Method, path and arguments of requests."""
    for (name, arguments), planted in itertools.product(functions, PLANTED):
        value: dict[str, object] = dict.fromkeys(filter(None, arguments), planted)
        yield "GET", f"/rpc/{name}", {"params": value}
        yield "POST", f"/rpc/{name}", {"json": value}
        if planted == POSITION:
            yield "POST", f"/rpc/{name}", {"json": dict.fromkeys(value, float(POSITION))}
    for planted in PLANTED:
        yield "GET", f"/rpc/{planted}", {"params": {planted: planted}}
        yield "GET", f"/{planted}", {"params": {planted: planted}}
        yield "POST", "/rpc/echo", {"content": f'{{"{planted}": {planted}'}
        yield "POST", "/rpc/echo", {"json": {planted: planted}}
        yield "DELETE", f"/auth/sessions/{planted}", {}
    for path in _AUTH:
        known = {"password": PASSWORD, "code": CODE, "refresh_token": KEY, "purpose": "sign_up"}
        yield "POST", f"/auth/{path}", {"json": {**known, "phone": PHONE}}
        yield "POST", f"/auth/{path}", {"json": {**known, "email": EMAIL}}


def test_nothing_that_was_sent_is_in_a_log(
    api: Api, primary: Primary, standby: Primary, database: psycopg.Connection, talkative: None
) -> None:
    token = bearer(sub=WALKER)
    ways = [
        {},
        token,
        {"Authorization": f"Bearer {KEY}", "Cookie": f"a={PASSWORD}"},
        {"X-API-Key": KEY, "X-Request-Id": PHONE[1:], "traceparent": EMAIL},
        {**token, "X-Consistency-Token": CODE, "Idempotency-Key": PHONE, "User-Agent": EMAIL},
    ]
    functions = database.execute(_FUNCTIONS).fetchall()
    logs = [primary.server.log, standby.server.log]
    before = [log.stat().st_size for log in logs]
    statuses = set()
    with httpx.Client(base_url=api.url, timeout=20) as client:
        for (method, path, body), headers in zip(calls(functions), itertools.cycle(ways)):
            answer = client.request(method, path, headers=headers, **body)
            statuses.add(answer.status_code)
    assert {200, 400, 401, 404} <= statuses
    texts = [log.read_bytes()[size:].decode() for log, size in zip(logs, before, strict=True)]
    texts += [api.log.read_text(), httpx.get(f"{api.admin}/metrics").text]
    assert "core.call" in texts[0]
    assert "core.call" in texts[1]
    assert '"refused"' in texts[2]
    secrets = [*PLANTED, SECRET, token["Authorization"].removeprefix("Bearer "), WALKER]
    for text in texts:
        for secret in secrets:
            lines = [line for line in text.splitlines() if secret in line]
            assert not lines, lines[0]


def test_the_servers_log_tells_which_request(
    api: Api, primary: Primary, talkative: None, client: httpx.Client
) -> None:
    """Through %a of log_line_prefix, which the local profile sets."""
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("alter system set log_line_prefix = '%m [%p] %q%u@%d %a '")
        connection.execute("select pg_reload_conf()")
        try:
            client.post("/rpc/do_nothing", headers={"x-request-id": "find-me"})
        finally:
            connection.execute("alter system reset log_line_prefix")
            connection.execute("select pg_reload_conf()")
    assert " authenticator@contract saferoute_api/find-me " in primary.server.log.read_text()
