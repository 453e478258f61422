"""Writes with an Idempotency-Key: done once, however often they are sent."""

import asyncio
import uuid
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.lines import at_once, lines
from tests.contract.serving import Api, bearer
from tests.contract.test_rpc import assert_error

PERSON = "00000000-0000-4000-8000-000000000174"


def with_key(key: str | bytes | None = None, **claims: Any) -> dict[str, Any]:
    new = str(uuid.uuid4()) if key is None else key
    return {**bearer(**{"sub": PERSON, **claims}), "Idempotency-Key": new}


def orders(database: psycopg.Connection, item: str) -> int:
    row = database.execute("select count(*) from api.orders where item = %s", [item]).fetchone()
    assert row is not None
    return int(row[0])


def test_a_retry_gets_the_first_answer(client: httpx.Client, database: psycopg.Connection) -> None:
    headers = with_key()
    first, second = (
        client.post("/rpc/place_order", json={"item": "tea"}, headers=headers) for _ in range(2)
    )
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["content-type"] == second.headers["content-type"]
    assert orders(database, "tea") == 1


def test_status_and_headers_come_again(client: httpx.Client, database: psycopg.Connection) -> None:
    for name, status in (("place_and_say_so", 201), ("place_quietly", 204)):
        headers = with_key()
        answers = [
            client.post(f"/rpc/{name}", json={"item": name}, headers=headers) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [status] * 2
        assert answers[0].content == answers[1].content
        assert answers[0].headers.get("location") == answers[1].headers.get("location")
        assert orders(database, name) == 1


def test_another_request_with_the_same_key_is_refused(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    headers = with_key()
    client.post("/rpc/place_order", json={"item": "milk"}, headers=headers).raise_for_status()
    for name, item in (("place_order", "honey"), ("place_quietly", "milk")):
        answer = client.post(f"/rpc/{name}", json={"item": item}, headers=headers)
        assert_error(answer, 409, "SR080")
    assert (orders(database, "milk"), orders(database, "honey")) == (1, 0)


def test_keys_of_other_people_are_other_keys(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    key = str(uuid.uuid4())
    for sub in (PERSON, str(uuid.uuid4())):
        headers = with_key(key, sub=sub)
        answer = client.post("/rpc/place_order", json={"item": "bread"}, headers=headers)
        assert "idempotency-replayed" not in answer.headers
    assert orders(database, "bread") == 2


@pytest.mark.parametrize("key", ["x" * 201, b"caf\xc3\xa9", "", b"a\tb"])
def test_keys_that_cannot_be_used(client: httpx.Client, key: str | bytes) -> None:
    answer = client.post("/rpc/place_order", json={"item": "x"}, headers=with_key(key))
    assert_error(answer, 400, "SR081")


def test_who_is_not_signed_in_has_no_keys(client: httpx.Client) -> None:
    for claims in ({"sub": None}, {"sub": None, "role": None}):
        answer = client.post("/rpc/count_call", json={}, headers=with_key(**claims))
        assert_error(answer, 400, "SR081")


def test_what_was_refused_may_be_tried_again(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    headers = with_key()
    refused = client.post("/rpc/place_if_known", json={"item": "jam"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "SR042")
    assert orders(database, "jam") == 1  # what it wrote stays
    for replayed in (None, "true"):
        answer = client.post("/rpc/place_if_known", json={"item": "jam"}, headers=headers)
        assert (answer.json(), answer.headers.get("idempotency-replayed")) == ("known", replayed)
    assert orders(database, "jam") == 2


def test_what_failed_may_be_tried_again(client: httpx.Client, database: psycopg.Connection) -> None:
    headers = with_key()

    def call() -> httpx.Response:
        return client.post("/rpc/place_on_second_try", json={"item": "salt"}, headers=headers)

    assert_error(call(), 400, "P0001")
    database.execute("insert into api.orders (item) values ('second try')")
    assert call().json() == call().json() == "done"
    assert orders(database, "salt") == 1


async def test_of_many_at_once_one_is_done_and_all_get_its_answer(
    api: Api, database: psycopg.Connection
) -> None:
    headers = with_key()
    answers = await at_once(api.url, "place_order", [(b'{"item":"flour"}', headers)] * 12)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 11
    assert orders(database, "flour") == 1


async def test_one_whose_connection_is_cut_is_not_done_twice(
    api: Api, database: psycopg.Connection, primary: Primary
) -> None:
    headers, body = with_key(), b'{"item":"rice"}'
    waits = (
        "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    with psycopg.connect(primary.conninfo("contract")) as held:
        held.execute("select pg_advisory_xact_lock(174174)")
        async with lines(api.url, 1) as [line]:
            line.send("place_slowly", body, headers)
            while database.execute(waits).fetchone() != (1,):
                await asyncio.sleep(0.01)
        held.commit()
    [answer] = await at_once(api.url, "place_slowly", [(body, headers)])
    assert answer.status_code == 200
    assert orders(database, "rice") == 1


def test_a_read_needs_no_key(client: httpx.Client) -> None:
    for _ in range(2):
        answer = client.post("/rpc/echo", json={"words": "x"}, headers=with_key("k" * 300))
        assert answer.json() == "x"
        assert "idempotency-replayed" not in answer.headers


def test_points_with_a_key_are_replayed_too(client: httpx.Client) -> None:
    headers, journey_id = with_key(), str(uuid.uuid4())
    start = {"journey_id": journey_id, "from_lon": 7.42, "from_lat": 43.73}
    client.post("/rpc/start_journey", json=start, headers=bearer(sub=PERSON)).raise_for_status()
    answers = [
        client.post(
            "/rpc/record_points", json={"journey_id": journey_id, "points": [{}]}, headers=headers
        )
        for _ in range(2)
    ]
    assert answers[0].json()["quarantined"] == [{"index": 0, "reason": "time"}]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_after_a_day_a_key_is_new(client: httpx.Client, database: psycopg.Connection) -> None:
    headers = with_key()
    for _ in range(2):
        answer = client.post("/rpc/place_order", json={"item": "oil"}, headers=headers)
        assert "idempotency-replayed" not in answer.headers
        database.execute(
            "update core.idempotency_keys set created_at = now() - interval '24 hours'"
            " where idempotency_key = %s",
            [headers["Idempotency-Key"]],
        )
    assert orders(database, "oil") == 2
