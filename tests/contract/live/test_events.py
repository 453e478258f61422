"""The same stream as Server-Sent Events of the API."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.contract.live.conftest import Town, recent
from tests.contract.serving import Api, bearer
from tests.contract.test_ingest import LAT, LON


class Events:
    """What a stream tells."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """Fields of the next event."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif fields:
                return fields
        raise EOFError

    def data(self) -> Any:
        return json.loads(self.next()["data"])


@contextmanager
def stream(api: Api, topic: str, headers: dict[str, str]) -> Iterator[Events]:
    url = f"{api.url}/live/events"
    with httpx.stream("GET", url, params={"topic": topic}, headers=headers, timeout=15) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer)


def test_alerts_come_with_their_number_and_resume(town: Town, person: str) -> None:
    topic = f"user:{person}"
    with stream(town.api, topic, bearer(sub=person)) as events:
        assert events.data() == {"type": "subscribed", "topic": topic, "seq": 0}
        town.notify(person, "raised")
        town.notify_silently(person, "escalated")
        found = [events.next() for _ in range(2)]
        assert [event["id"] for event in found] == ["1", "2"]
        assert [json.loads(event["data"])["event"] for event in found] == ["raised", "escalated"]
    with stream(town.api, topic, {**bearer(sub=person), "Last-Event-ID": "1"}) as events:
        assert events.data()["seq"] == 1
        assert events.next()["id"] == "2"


def test_a_walk_by_a_link_until_it_is_taken_back(town: Town) -> None:
    walk = town.walk()
    share = town.share(walk)
    headers = {"Authorization": f"Bearer {share['link'].partition('#')[2]}"}
    with stream(town.api, f"journey:{walk.journey_id}", headers) as events:
        assert [events.data()["type"] for _ in range(2)] == ["subscribed", "snapshot"]
        town.post(walk, recent(seconds=-2))
        position = events.data()
        assert (position["lon"], position["lat"]) == (LON, LAT)
        httpx.post(
            town.api.rpc("revoke_share"),
            json={"share_id": share["share_id"]},
            headers=walk.headers,
        ).raise_for_status()
        end = events.next()
        assert end["event"] == "close"
        assert json.loads(end["data"])["code"] == 4404


@pytest.mark.parametrize(
    ("headers", "topic", "status", "code"),
    [
        ({}, "user:1", 401, "PGRST301"),
        ({"Authorization": "Bearer a.b.c"}, "user:1", 401, "PGRST301"),
        ({"Authorization": "Bearer forged"}, "user:1", 404, "SR096"),
        (bearer("web_anon"), "user:1", 403, "42501"),
        (bearer(sub="00000000-0000-4000-8000-000000000001"), "user:1", 400, "SR018"),
        (
            bearer(sub="00000000-0000-4000-8000-000000000001"),
            "user:00000000-0000-4000-8000-000000000002",
            404,
            "SR002",
        ),
    ],
)
def test_a_stream_that_is_refused(
    town: Town, headers: dict[str, str], topic: str, status: int, code: str
) -> None:
    url = f"{town.api.url}/live/events"
    answer = httpx.get(url, params={"topic": topic}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_streams_end_with_the_token_and_with_the_process(town: Town, person: str) -> None:
    topic = f"user:{person}"
    soon = bearer(sub=person, exp=int(time.time()) - 28)
    with stream(town.api, topic, soon) as events:
        events.next()
        assert json.loads(events.next()["data"])["code"] == 4401
    api = town.run("api")
    with stream(api, topic, bearer(sub=person)) as events:
        events.next()
        api.process.terminate()
        assert json.loads(events.next()["data"])["code"] == 1012
    api.process.wait(8)  # 10 if the stream held the end up
