"""`saferoute_client` against the gateways."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import urlsplit

import httpx
import pytest

from saferoute_client import (
    Alert,
    LiveClient,
    Message,
    Position,
    RefusedError,
    Snapshot,
    client,
)
from tests.contract.live.conftest import Town, recent
from tests.contract.serving import Api, bearer


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are made anew after a short pause."""
    monkeypatch.setattr(client, "pause", lambda _failures: 0.05)


def token(person: str, **claims: object) -> str:
    return bearer(sub=person, **claims)["Authorization"].removeprefix("Bearer ")


def at(gateway: Api) -> str:
    return f"{gateway.url}/live"


async def following(watched: AsyncIterator[Message], count: int) -> list[Message]:
    """The next messages."""
    async with asyncio.timeout(20):
        return [await anext(watched) for _ in range(count)]


def befriend(town: Town, walker: str, person: str) -> None:
    """Have the person told when the walker calls for help."""
    town.database.execute(
        "insert into core.contacts (contact_id, user_id, name, from_name, channel, address,"
        " language, priority, state, answered_at, contact_user_id)"
        " values (gen_random_uuid(), %s, 'Ana', 'Bo', 'sms', %s, 'en', 1, 'accepted', now(), %s)",
        [walker, f"+4477009{uuid.uuid4().int % 100_000:05}", person],
    )


def call_for_help(town: Town, walker: str) -> str:
    """The id of the alert."""
    alert_id = str(uuid.uuid4())
    arguments = {"alert_id": alert_id, "lon": 1.5, "lat": 2.5}
    headers = bearer(sub=walker)
    httpx.post(town.api.rpc("raise_sos"), json=arguments, headers=headers).raise_for_status()
    return alert_id


async def test_every_alert_once_and_in_order_while_gateways_die(town: Town, person: str):
    walker = str(uuid.uuid4())
    befriend(town, walker, person)
    gateway = town.run()
    where = {"SAFEROUTE_API_PORT": str(urlsplit(gateway.url).port)}
    raised = [call_for_help(town, walker)]
    async with (
        LiveClient(at(gateway), token=token(person)) as live,
        aclosing(live.watch(f"user:{person}")) as watched,
    ):
        shown = await following(watched, 1)
        gateway.process.kill()
        gateway.process.wait()
        raised.append(call_for_help(town, walker))
        gateway = await asyncio.to_thread(town.run, **where)
        raised.append(call_for_help(town, walker))
        shown += await following(watched, 2)
        gateway.process.terminate()
        raised.append(call_for_help(town, walker))
        gateway.process.wait()
        await asyncio.to_thread(town.run, **where)
        raised.append(call_for_help(town, walker))
        shown += await following(watched, 2)
    alerts = [message for message in shown if isinstance(message, Alert)]
    assert [(alert.alert_id, alert.seq) for alert in alerts] == [
        (alert_id, number) for number, alert_id in enumerate(raised, 1)
    ]
    assert {alert.event for alert in alerts} == {"raised"}


async def test_a_walk_is_walked_and_watched(town: Town):
    walk = town.walk()
    topic = f"journey:{walk.journey_id}"
    await asyncio.to_thread(town.post, walk, recent(minutes=3))
    share = await asyncio.to_thread(town.share, walk)
    by_link = share["link"].partition("#")[2]
    async with (
        LiveClient(at(town.gateways[0]), token=token(walk.person)) as walker,
        LiveClient(at(town.gateways[1]), token=token(walk.person)) as watcher,
        aclosing(watcher.watch(topic)) as watched,
    ):
        [snapshot] = await following(watched, 1)
        assert isinstance(snapshot, Snapshot)
        assert len(snapshot.path) == 1
        answer = await walker.send_points(walk.journey_id, [recent(minutes=2)])
        assert answer["accepted"] == 1
        [position] = await following(watched, 1)
        assert isinstance(position, Position)
        assert position.recorded_at.timestamp() == position.seq / 1_000_000
        assert position.seq > snapshot.seq
        async with (
            LiveClient(at(town.gateways[0]), token=by_link) as guest,
            aclosing(guest.watch(topic)) as seen,
        ):
            [stands] = await following(seen, 1)
            assert isinstance(stands, Snapshot)


async def test_what_is_refused_is_said(town: Town, person: str):
    walk = town.walk()
    url = at(town.gateways[0])
    async with LiveClient(url, token=token(person)) as live:
        with pytest.raises(RefusedError, match="SR002"):
            await following(live.watch(f"journey:{walk.journey_id}"), 1)
        with pytest.raises(RefusedError, match="SR002"):
            await live.send_points(walk.journey_id, [recent(minutes=1)])
    for wrong, code in (
        (token(person, exp=int(time.time()) - 60), 4401),
        (token(person, role="web_anon"), 4403),
        ("no-such-share", 4404),
    ):
        async with LiveClient(url, token=wrong) as live:
            with pytest.raises(RefusedError) as refused:
                await following(live.watch(f"user:{person}"), 1)
            assert refused.value.code == code
