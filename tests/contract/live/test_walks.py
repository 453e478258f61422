"""Walks over the socket: how they stand, where they are, and links that end."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.publications import channel, last_key
from tests.contract.live.conftest import Client, Town, recent
from tests.contract.test_ingest import LAT, LON, Walk
from tests.contract.test_rpc import eventually
from tests.redis_cluster import TestCluster

Join = Callable[..., Client]


def topic(walk: Walk) -> str:
    return f"journey:{walk.journey_id}"


def seq(found: dict[str, object]) -> int:
    moment = datetime.fromisoformat(str(found["recorded_at"]))
    return round(moment.timestamp() * 1_000_000)


def by_link(share: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {share['link'].partition('#')[2]}"}


def test_the_path_then_every_position_once(town: Town, join: Join) -> None:
    walk = town.walk()
    points = [recent(minutes=30 - number) for number in range(6)]
    town.post(walk, *points[:3])
    clients = [join(walk.person, gateway=number) for number in (0, 1)]
    for client in clients:
        assert client.next()["user_id"] == walk.person
        stands = client.watch(topic(walk))
        assert stands["type"] == "snapshot"
        assert stands["path"] == [[LON, LAT, seq(point)] for point in points[:3]]
        assert stands["position"]["seq"] == seq(points[2])
    town.post(walk, points[4])
    town.post(walk, points[3])  # late: part of the path, and nobody is moved back
    town.post(walk, points[5])
    for client in clients:
        assert [client.next()["seq"] for _ in range(2)] == [seq(points[4]), seq(points[5])]
    again = join(walk.person)
    again.next()
    stands = again.watch(topic(walk), last_seq=seq(points[2]))
    assert [place[2] for place in stands["path"]] == [seq(point) for point in points[3:]]


def test_the_last_position_comes_from_redis_where_the_database_is_behind(
    town: Town, join: Join, redis_cluster: TestCluster
) -> None:
    walk = town.walk()
    message = {"type": "position", "topic": topic(walk), "seq": 10**15, "lon": 1.0, "lat": 2.0}
    key = last_key(topic(walk))
    with redis_cluster.master_of(key).connect(redis_cluster.password) as client:
        client.set(key, json.dumps(message).replace(" ", ""))
    watcher = join(walk.person)
    watcher.next()
    assert watcher.watch(topic(walk))["position"] is None
    assert watcher.next() == message


def test_states_come_in_order_published_or_not(town: Town, join: Join) -> None:
    walk = town.walk()
    call = {"journey_id": walk.journey_id, "expected_at": "2099-01-01T00:00:00Z"}
    url, headers = town.api.rpc("watch_journey"), walk.headers
    if httpx.post(url, json=call, headers=headers).status_code == 404:
        pytest.skip("there is no watch_journey yet")
    watcher = join(walk.person)
    watcher.next()
    before = watcher.watch(topic(walk))["state_seq"]
    town.database.execute(
        "insert into core.journey_events (journey_id, seq, user_id, event, state, at)"
        " select %s, %s + n, %s, 'state', 'late', now() from generate_series(1, 3) as n",
        [walk.journey_id, before, walk.person],
    )
    assert [watcher.next()["seq"] for _ in range(3)] == [before + n for n in (1, 2, 3)]


def test_nobody_else_watches_a_walk_or_a_person(town: Town, join: Join, person: str) -> None:
    walk = town.walk()
    stranger = join(person)
    stranger.next()
    for name in (topic(walk), f"user:{walk.person}"):
        stranger.send(subscribe=name)
        refused = stranger.next()
        assert (refused["type"], refused["code"], refused["topic"]) == ("error", "SR002", name)
    for name in ("journey:1", "everything", f"user:{person.upper()}"):
        stranger.send(subscribe=name)
        assert stranger.next()["code"] == "SR018"
    town.post(walk, recent(minutes=1))
    stranger.send(ping="still here")
    assert stranger.next()["type"] == "pong"


def test_a_contact_watches_a_walk_as_long_as_its_alert(town: Town, join: Join, person: str) -> None:
    walk, alert_id = town.walk(), str(uuid.uuid4())
    town.database.execute(
        "insert into core.contacts (contact_id, user_id, name, from_name, channel, address,"
        " language, priority, state, contact_user_id) values (gen_random_uuid(), %s, 'Mum', 'Zoë',"
        " 'email', 'mum@mail.example', 'en', 1, 'accepted', %s)",
        [walk.person, person],
    )

    def call(function: str, **arguments: str) -> None:
        httpx.post(
            town.api.rpc(function), json={"alert_id": alert_id, **arguments}, headers=walk.headers
        ).raise_for_status()

    call("raise_sos", journey_id=walk.journey_id)
    contact, walker = join(person), join(walk.person)
    for watcher in (contact, walker):
        watcher.next()
        watcher.watch(topic(walk))
    call("cancel_sos")
    refused = contact.next(20)
    assert (refused["type"], refused["code"], refused["topic"]) == ("error", "SR002", topic(walk))
    town.post(walk, recent(minutes=1))
    assert walker.next()["type"] == "position"
    contact.send(ping="still here")
    assert contact.next()["type"] == "pong", "their connection goes on, without the walk"


def test_a_link_shows_one_walk_as_precisely_as_it_says(town: Town, join: Join) -> None:
    walk, other = town.walk(), town.walk()
    exact, coarse = town.share(walk), town.share(walk, precision="area")
    watchers = [join(headers=by_link(share)) for share in (exact, coarse)]
    for watcher in watchers:
        hello = watcher.next()
        assert (hello["user_id"], hello["journey_id"]) == (None, walk.journey_id)
        watcher.watch(topic(walk))
    town.post(walk, {**recent(seconds=1), "recorded_at": _later()})
    places = [(found["lon"], found["lat"]) for found in (w.next() for w in watchers)]
    assert places[0] == (LON, LAT)
    row = town.database.execute(
        "select st_x(p), st_y(p) from core.coarse_position(st_point(%s, %s, 4326), 'area') as p",
        [LON, LAT],
    ).fetchone()
    assert places[1] == row
    for name in (topic(other), f"user:{walk.person}"):
        watchers[0].send(subscribe=name)
        assert watchers[0].next()["code"] == "SR002"


def test_a_link_that_is_taken_back_or_expires_ends_its_watchers(town: Town, join: Join) -> None:
    walk = town.walk()
    revoked, expired, kept = (town.share(walk) for _ in range(3))
    watchers = {}
    for name, share in (("revoked", revoked), ("expired", expired), ("kept", kept)):
        watchers[name] = join(headers=by_link(share))
        watchers[name].next()
        watchers[name].watch(topic(walk))
    url, call = town.api.rpc("revoke_share"), {"share_id": revoked["share_id"]}
    httpx.post(url, json=call, headers=walk.headers).raise_for_status()
    town.database.execute(
        "update core.journey_shares set expires_at = now() where share_id = %s",
        [expired["share_id"]],
    )
    assert watchers["revoked"].code() == 4404
    assert watchers["expired"].code() == 4404
    town.post(walk, {**recent(seconds=1), "recorded_at": _later()})
    assert watchers["kept"].next()["type"] == "position"
    assert join(headers=by_link(revoked)).code() == 4404


def test_positions_go_on_after_a_failover(
    town: Town, join: Join, redis_cluster: TestCluster
) -> None:
    walk = town.walk()
    watcher = join(walk.person)
    watcher.next()
    watcher.watch(topic(walk))
    on = channel(topic(walk))
    master = redis_cluster.master_of(on)
    with redis_cluster.killed(master):
        redis_cluster.wait_for_promotion(on, instead_of=master)
        ages = iter(range(3000, 0, -1))

        def is_told() -> bool:
            town.post(walk, recent(seconds=next(ages)))
            try:
                return watcher.next(0.2)["type"] == "position"
            except TimeoutError:
                return False

        eventually(is_told)


def test_a_walker_sends_points_over_the_socket(town: Town, join: Join) -> None:
    walk, other = town.walk(), town.walk()
    walker = join(walk.person)
    walker.next()
    points = [recent(minutes=2), {**recent(minutes=1), "lon": 500}]
    walker.send(points={"journey_id": walk.journey_id, "points": points}, id=7)
    answer = walker.next()
    assert (answer["type"], answer["id"], answer["status"]) == ("answer", 7, 200)
    assert answer["body"]["accepted"] == 1
    assert answer["body"]["quarantined"][0]["index"] == 1
    walker.send(points={"journey_id": other.journey_id, "points": points}, id="not mine")
    answer = walker.next()
    assert (answer["id"], answer["status"], answer["body"]["code"]) == ("not mine", 404, "SR002")
    walker.send(points={"points": 1})
    assert walker.next()["status"] in (400, 404)


def _later() -> str:
    """Just now: after whatever was shared before."""
    return datetime.now().astimezone().isoformat()
