"""Alerts over the socket: every one, once, in order, whatever happens in between."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx

from api.publications import channel
from tests.contract.live.conftest import Client, Town
from tests.contract.serving import bearer
from tests.contract.test_rpc import eventually
from tests.redis_cluster import TestCluster

Join = Callable[..., Client]


def test_both_gateways_tell_everybody(town: Town, join: Join, person: str) -> None:
    topic = f"user:{person}"
    clients = [join(person, gateway=number) for number in (0, 1, 1)]
    for client in clients:
        assert client.next() == {
            "type": "hello",
            "user_id": person,
            "journey_id": None,
            "expires_at": None,
        }
        assert client.watch(topic) == {"type": "subscribed", "topic": topic, "seq": 0}
    for event in ("raised", "acknowledged"):
        town.notify(person, event)
    for client in clients:
        assert client.events(2) == [(1, "raised"), (2, "acknowledged")]


def test_what_was_missed_comes_first(town: Town, join: Join, person: str) -> None:
    for number in range(1, 251):  # more than the ledger is asked for at once
        town.notify_silently(person, str(number))
    client = join(person)
    client.next()
    client.watch(f"user:{person}", last_seq=3)
    town.notify(person, "251")
    assert client.events(248) == [(number, str(number)) for number in range(4, 252)]


def test_what_nobody_publishes_comes_by_the_poll(town: Town, join: Join, person: str) -> None:
    client = join(person)
    client.next()
    client.watch(f"user:{person}")
    town.notify_silently(person, "raised")
    town.notify_silently(person, "escalated")
    assert client.events(2) == [(1, "raised"), (2, "escalated")]


def test_a_gap_is_filled_at_once(town: Town, join: Join, person: str) -> None:
    client = join(person)
    client.next()
    client.watch(f"user:{person}")
    for event in ("a", "b", "c"):
        town.notify_silently(person, event)
        town.notify(person, event * 2)
    assert client.events(6) == list(enumerate(("a", "aa", "b", "bb", "c", "cc"), 1))


def test_a_dead_master_delays_and_loses_nothing(
    town: Town, join: Join, person: str, redis_cluster: TestCluster
) -> None:
    topic = f"user:{person}"
    client = join(person)
    client.next()
    client.watch(topic)
    town.notify(person, "before")
    on = channel(topic)
    master = redis_cluster.master_of(on)
    with redis_cluster.killed(master):
        for number in range(5):
            town.notify(person, f"during {number}")
        assert [event for _, event in client.events(6)] == [
            "before",
            *(f"during {number}" for number in range(5)),
        ]
        redis_cluster.wait_for_promotion(on, instead_of=master)
        town.notify(person, "after")
        assert client.events(1) == [(7, "after")]


def test_a_master_that_hangs_delays_and_loses_nothing(
    town: Town, join: Join, person: str, redis_cluster: TestCluster
) -> None:
    topic = f"user:{person}"
    client = join(person)
    client.next()
    client.watch(topic)
    with redis_cluster.stopped(redis_cluster.master_of(channel(topic))):
        for number in range(5):
            town.notify(person, f"during {number}")
        assert client.events(5) == [(number + 1, f"during {number}") for number in range(5)]
    town.notify(person, "after")
    assert client.events(1) == [(6, "after")]


def test_who_leaves_a_topic_is_told_no_more(town: Town, join: Join, person: str) -> None:
    client = join(person)
    client.next()
    client.watch(f"user:{person}")
    client.send(unsubscribe=f"user:{person}")
    client.send(ping=1)
    assert client.next() == {"type": "pong", "ping": 1}
    town.notify(person, "unheard")
    client.send(subscribe=f"user:{person}", last_seq=1)
    assert client.next()["type"] == "subscribed"
    town.notify(person, "heard")
    assert client.events(1) == [(2, "heard")]


def test_a_call_for_help_is_told_and_seen(town: Town, join: Join, person: str) -> None:
    walker, alert_id = str(uuid.uuid4()), str(uuid.uuid4())
    town.database.execute(
        "insert into core.contacts (contact_id, user_id, name, from_name, channel, address,"
        " language, priority, state, answered_at, contact_user_id)"
        " values (gen_random_uuid(), %s, 'Ana', 'Bo', 'sms', %s, 'en', 1, 'accepted', now(), %s)",
        [walker, f"+4477009{uuid.uuid4().int % 100_000:05}", person],
    )
    client = join(person)
    client.next()
    client.watch(f"user:{person}")

    def call(name: str, **arguments: object) -> dict[str, Any]:
        headers = bearer(sub=walker)
        answer = httpx.post(town.api.rpc(name), json=arguments, headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def live_state() -> str:
        [recipient] = call("alert_status", alert_id=alert_id)["recipients"]
        [state] = [d["state"] for d in recipient["deliveries"] if d["channel"] == "live"]
        return str(state)

    call("raise_sos", alert_id=alert_id, lon=1.5, lat=2.5, message="help")
    alert = client.next()
    assert (alert["type"], alert["event"], alert["seq"]) == ("alert", "raised", 1)
    assert (alert["alert_id"], alert["lon"], alert["message"]) == (alert_id, 1.5, "help")
    assert live_state() == "sent"
    client.send(ack=1)
    eventually(lambda: live_state() == "read")


def test_without_redis_every_alert_comes(town: Town, join: Join, person: str) -> None:
    gateway = town.run(SAFEROUTE_REDIS_HOSTS="127.0.0.1:1")  # nobody
    client = join(person, gateway=gateway)
    client.next()
    client.watch(f"user:{person}")
    for event in ("raised", "resolved"):
        town.notify(person, event)
    assert client.events(2) == [(1, "raised"), (2, "resolved")]
