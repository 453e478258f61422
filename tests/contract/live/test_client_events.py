"""`saferoute_client.watch_events` against the API."""

import asyncio
import uuid
from contextlib import aclosing
from urllib.parse import urlsplit

import httpx
import pytest

from saferoute_client import Alert, Position, RefusedError, Snapshot, events, watch_events
from tests.contract.live.conftest import Town, recent
from tests.contract.live.test_client import befriend, call_for_help, following, token
from tests.contract.serving import Api


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are asked for anew after a short pause."""
    monkeypatch.setattr(events, "pause", lambda _failures: 0.05)


def at(api: Api) -> str:
    return f"{api.url}/live/events"


async def test_every_alert_once_while_an_api_dies(town: Town, person: str):
    walker = str(uuid.uuid4())
    befriend(town, walker, person)
    api = await asyncio.to_thread(town.run, "api")
    where = {"SAFEROUTE_API_PORT": str(urlsplit(api.url).port)}
    raised = [call_for_help(town, walker)]
    stream = watch_events(at(api), f"user:{person}", token=token(person))
    async with aclosing(stream) as watched:
        shown = await following(watched, 1)
        api.process.kill()
        api.process.wait()
        raised.append(call_for_help(town, walker))
        api = await asyncio.to_thread(lambda: town.run("api", **where))
        raised.append(call_for_help(town, walker))
        shown += await following(watched, 2)
    api.process.terminate()
    alerts = [message for message in shown if isinstance(message, Alert)]
    assert [(alert.alert_id, alert.seq) for alert in alerts] == [
        (alert_id, number) for number, alert_id in enumerate(raised, 1)
    ]


async def test_a_walk_is_watched(town: Town):
    walk = town.walk()
    topic = f"journey:{walk.journey_id}"
    async with aclosing(watch_events(at(town.api), topic, token=token(walk.person))) as watched:
        [snapshot] = await following(watched, 1)
        await asyncio.to_thread(town.post, walk, recent(minutes=2))
        [position] = await following(watched, 1)
    assert isinstance(snapshot, Snapshot)
    assert isinstance(position, Position)


async def test_what_is_refused_is_said(town: Town, person: str):
    for wrong, code in ((token(person), "SR002"), ("no-such-share", "SR096")):
        stream = watch_events(
            at(town.api), "user:7d0e8a0c-0000-4000-8000-00000000000f", token=wrong
        )
        with pytest.raises(RefusedError) as refused:
            await following(stream, 1)
        assert refused.value.code == code


async def test_a_line_ends_only_with_a_line_feed():
    text = 'data: {"type": "alert", "message": "a\u2028b\u0085c"}\n\n'.encode()

    async def chunks():
        for at in range(0, len(text), 7):
            yield text[at : at + 7]

    response = httpx.Response(200, content=chunks())
    assert [found["message"] async for found in events._events(response)] == ["a\u2028b\u0085c"]
