"""What watchers are told of a write: after it, once, and never to the caller."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
import redis

from api.publications import KEPT_S, channel, last_key
from tests.conftest import Primary
from tests.contract.serving import Api, bearer, serve
from tests.contract.test_ingest import ALONE, Walk, at, point, start
from tests.redis_cluster import TestCluster

PERSON = "00000000-0000-4000-8000-000000000180"
TOPIC = f"user:{PERSON}"
TELL = """
create function api.tell(topic text, words text) returns text
language plpgsql security definer as $$
begin
    perform core.publish(topic, json_build_object('words', words));
    perform core.publish(topic, json_build_object('words', 'and more'));
    return 'told';
end
$$;
alter function api.tell(text, text) owner to saferoute_api;
grant execute on function api.tell(text, text) to authenticated;
create function api.tell_in_vain(topic text) returns text language plpgsql security definer as $$
begin
    perform core.publish(topic, '{"words": "never"}');
    raise exception 'undone';
end
$$;
alter function api.tell_in_vain(text) owner to saferoute_api;
grant execute on function api.tell_in_vain(text) to authenticated;
"""


@pytest.fixture(scope="module")
def functions(database: psycopg.Connection) -> Iterator[None]:
    database.execute(TELL)
    yield
    database.execute("drop function api.tell(text, text), api.tell_in_vain(text)")


@pytest.fixture(scope="module")
def told_by(functions: None, primary: Primary, redis_cluster: TestCluster) -> Iterator[Api]:
    settings = {**redis_cluster.settings, "SAFEROUTE_API_PROCESSES": "4"}
    with serve([primary.port], "contract", primary.password, **settings) as served:
        yield served


class Watcher:
    """Who listens to one topic."""

    def __init__(self, client: "redis.Redis[bytes]", topic: str) -> None:
        self._pubsub = client.pubsub()
        self._pubsub.ssubscribe(channel(topic))
        assert self._pubsub.get_message(timeout=5) is not None

    def next(self, seconds: float = 5) -> Any:
        message = self._pubsub.get_message(timeout=seconds)
        return None if message is None else json.loads(message["data"])


@contextmanager
def watching(cluster: TestCluster, topic: str) -> Iterator[tuple[Watcher, "redis.Redis[bytes]"]]:
    with cluster.master_of(channel(topic)).connect(cluster.password) as client:
        yield Watcher(client, topic), client


def call(api: Api, name: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    headers = {**bearer(sub=PERSON), **(headers or {})}
    return httpx.post(api.rpc(name), json=body, headers=headers)


def post(api: Api, walk: Walk, *points: dict[str, object], alone: bool = False) -> Any:
    body = walk.body(json.dumps(points)) + (ALONE if alone else b"")
    answer = httpx.post(api.rpc("record_points"), content=body, headers=walk.headers)
    return answer.raise_for_status().json()


def test_it_is_told_after_the_write_and_not_to_the_caller(
    told_by: Api, redis_cluster: TestCluster
) -> None:
    words = 'मदद\n"help"'
    with watching(redis_cluster, TOPIC) as (watcher, _):
        answer = call(told_by, "tell", topic=TOPIC, words=words)
        assert answer.json() == "told"
        assert "saferoute-publish" not in answer.headers
        assert [watcher.next(), watcher.next()] == [{"words": words}, {"words": "and more"}]


def test_what_is_undone_or_replayed_is_not_told(told_by: Api, redis_cluster: TestCluster) -> None:
    with watching(redis_cluster, TOPIC) as (watcher, _):
        assert call(told_by, "tell_in_vain", topic=TOPIC).status_code == 400
        key = {"Idempotency-Key": str(uuid.uuid4())}
        for _ in range(2):
            answer = call(told_by, "tell", key, topic=TOPIC, words="once")
            assert answer.json() == "told"
            assert "saferoute-publish" not in answer.headers
        assert answer.headers["idempotency-replayed"] == "true"
        call(told_by, "tell", topic=TOPIC, words="last")
        told = [watcher.next()["words"] for _ in range(4)]
        assert told == ["once", "and more", "last", "and more"]


@pytest.mark.parametrize("alone", [False, True])
def test_the_newest_position_is_told_and_kept(
    told_by: Api, redis_cluster: TestCluster, database: psycopg.Connection, alone: bool
) -> None:
    walk = Walk()
    start(database, [walk])
    topic = f"journey:{walk.journey_id}"
    with watching(redis_cluster, topic) as (watcher, client):
        late, first, second = at(minutes=30), at(minutes=20), at(minutes=10)
        outside = {**point(at(minutes=5)), "lon": 500}
        post(told_by, walk, point(second, speed_mps=1.5), point(first), outside, alone=alone)
        position = watcher.next()
        assert position == {
            "type": "position",
            "topic": topic,
            "seq": position["seq"],
            "lon": -77.03,
            "lat": 38.9,
            "recorded_at": second.replace("Z", "000Z"),
            "speed_mps": 1.5,
        }
        # What is late, or comes again, is stored, and moves nobody back.
        post(told_by, walk, point(late), alone=alone)
        post(told_by, walk, point(second), alone=alone)
        third = point(at(minutes=1))
        post(told_by, walk, third, alone=alone)
        assert watcher.next()["recorded_at"] == str(third["recorded_at"]).replace("Z", "000Z")
        key = last_key(topic)
        assert json.loads(client.get(key) or b"")["recorded_at"].startswith(
            str(third["recorded_at"])[:-1]
        )
        assert 0 < client.ttl(key) <= KEPT_S


def test_without_redis_nothing_is_told_and_nobody_waits(functions: None, primary: Primary) -> None:
    # As many as `told_by` says: without a place of its own it would have no connection.
    processes = {"SAFEROUTE_API_PROCESSES": "4"}
    with serve([primary.port], "contract", primary.password, **processes) as api:
        assert call(api, "tell", topic=TOPIC, words="to nobody").json() == "told"
        page = httpx.get(f"{api.admin}/metrics").text
        assert 'saferoute_publications_total{outcome="dropped"} 2.0' in page
