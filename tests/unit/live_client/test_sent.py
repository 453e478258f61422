"""What a client sends: points, and what it has seen."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection

from saferoute_client import LiveClient, LiveError, RefusedError
from tests.unit.live_client.gateway import answer, gateway, heard, say


async def test_points_are_answered():
    async def script(connection: ServerConnection) -> None:
        frame = await heard(connection)
        assert frame["points"] == {"journey_id": "j", "points": [{"lon": 1}]}
        await say(connection, answer(frame, 200, {"accepted": 1}))
        frame = await heard(connection)
        await say(connection, answer(frame, 404, {"code": "SR021", "message": "no"}))
        frame = await heard(connection)
        await say(connection, answer(frame, 503, {"code": "PGRST001", "message": "full"}))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        assert await live.send_points("j", [{"lon": 1}]) == {"accepted": 1}
        with pytest.raises(RefusedError, match="SR021: no"):
            await live.send_points("j", [])
        with pytest.raises(LiveError, match="try again later: full"):
            await live.send_points("j", [])


async def test_points_without_an_answer_are_sent_again():
    sent = []

    async def first(connection: ServerConnection) -> None:
        sent.append(await heard(connection))

    async def second(connection: ServerConnection) -> None:
        sent.append(await heard(connection))
        await say(connection, answer(sent[-1], 200, {}))
        await connection.wait_closed()

    async with gateway(first, second) as url, LiveClient(url, token="t") as live:
        async with asyncio.timeout(5):
            await live.send_points("j", [{"lon": 1}])
    assert sent[0] == sent[1]


async def test_what_was_seen_is_told_on_the_next_connection_too():
    told = []

    async def first(connection: ServerConnection) -> None:
        told.append(await heard(connection))

    async def second(connection: ServerConnection) -> None:
        told.append(await heard(connection))
        asked = await heard(connection)
        await say(connection, answer(asked, 200, {}))
        await connection.wait_closed()

    async with gateway(first, second) as url, LiveClient(url, token="t") as live:
        await live.ack(7)
        async with asyncio.timeout(5):
            await live.send_points("j", [])
    assert told == [{"ack": 7}, {"ack": 7}]


async def test_closing_ends_what_waits():
    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with gateway(script) as url:
        async with LiveClient(url, token="t") as live:
            waiting = asyncio.create_task(live.send_points("j", []))
            await asyncio.sleep(0)
        with pytest.raises(LiveError, match="closed"):
            await waiting
