"""Connections that break, hang or are sent away are made anew."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve

from saferoute_client import LiveClient, client
from tests.unit.live_client.gateway import USER, alert, gateway, heard, say, subscription, take


async def test_the_token_goes_into_the_handshake():
    seen = []

    async def script(connection: ServerConnection) -> None:
        seen.append(connection.request.headers["Authorization"])
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="secret") as live:
        await take(live, 1, USER)
    assert seen == ["Bearer secret"]


@pytest.mark.parametrize("code", [1011, 1012, 1013])
async def test_alerts_are_shown_once_and_in_order_over_a_reconnect(code):
    asked = []

    async def first(connection: ServerConnection) -> None:
        asked.append((await subscription(connection))["last_seq"])
        await say(connection, alert(1), alert(2), alert(3))
        await connection.close(code)

    async def second(connection: ServerConnection) -> None:
        asked.append((await subscription(connection))["last_seq"])
        await say(connection, alert(2), alert(3), alert(4), alert(4), alert(5))
        await connection.wait_closed()

    async with gateway(first, second) as url, LiveClient(url, token="t") as live:
        shown = await take(live, 5, USER)
    assert [message.seq for message in shown] == [1, 2, 3, 4, 5]
    assert asked == [None, 3]


async def test_a_cut_connection_is_made_anew():
    async def cut(connection: ServerConnection) -> None:
        await heard(connection)
        connection.transport.abort()

    async def script(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(cut, cut, script) as url, LiveClient(url, token="t") as live:
        assert len(await take(live, 1, USER)) == 1


async def test_a_gateway_that_hangs_is_left(monkeypatch):
    monkeypatch.setattr(client, "_PING_S", 0.05)
    monkeypatch.setattr(client, "_CLOSE_S", 0.05)
    is_left = asyncio.Event()

    async def hang(connection: ServerConnection) -> None:
        await heard(connection)
        connection.transport.pause_reading()
        await asyncio.wait_for(is_left.wait(), 5)
        connection.transport.abort()

    async def script(connection: ServerConnection) -> None:
        is_left.set()
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(hang, script) as url, LiveClient(url, token="t") as live:
        assert len(await take(live, 1, USER)) == 1


async def test_a_gateway_that_stops_says_when_to_come_back(monkeypatch):
    monkeypatch.setattr(client, "pause", lambda _failures: 60)

    async def stop(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, {"type": "bye", "reconnect_after_ms": 1})
        await connection.close(1012)

    async def script(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(stop, script) as url, LiveClient(url, token="t") as live:
        assert len(await take(live, 1, USER)) == 1


async def test_a_busy_gateway_is_asked_again():
    statuses = [429, 503]

    async def answer(connection: ServerConnection, _request) -> object:
        return connection.respond(statuses.pop(0), "later\n") if statuses else None

    async def script(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with serve(script, "127.0.0.1", 0, process_request=answer) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with LiveClient(f"ws://127.0.0.1:{port}/live", token="t") as live:
            assert len(await take(live, 1, USER)) == 1
    assert statuses == []


def test_pauses_grow_to_half_a_minute_and_are_drawn(monkeypatch):
    monkeypatch.undo()
    longest = [max(client.pause(failures) for _ in range(300)) for failures in (0, 3, 100)]
    assert longest[0] <= 0.5 < longest[1] <= 4 < longest[2] <= 30
    assert min(client.pause(100) for _ in range(300)) < 5
