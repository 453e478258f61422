"""What a watcher is shown: everything, once and in order."""

import asyncio
import json
from contextlib import aclosing
from datetime import datetime

from websockets.asyncio.server import ServerConnection

from saferoute_client import Alert, LiveClient, Position, Reminder, Snapshot, State
from tests.unit.live_client.gateway import (
    AT,
    JOURNEY,
    USER,
    alert,
    answer,
    gateway,
    heard,
    position,
    say,
    snapshot,
    state,
    subscribed,
    subscription,
    take,
)


async def test_messages_are_typed():
    async def script(connection: ServerConnection) -> None:
        assert await subscription(connection) == {"subscribe": USER, "last_seq": None}
        assert await subscription(connection) == {"subscribe": JOURNEY, "last_seq": None}
        of_a_newer_gateway = {"type": "news", "topic": JOURNEY}
        await say(connection, alert(1, drill=True), of_a_newer_gateway, snapshot(6, 0, "active"))
        await say(connection, position(7), state(8, "late"))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        raised, walk, where, late = await take(live, 4, USER, JOURNEY)
    assert isinstance(raised, Alert)
    assert (raised.event, raised.is_drill, raised.at.isoformat()) == ("raised", True, AT)
    assert isinstance(walk, Snapshot)
    assert walk.position == Position(JOURNEY, 6, 2.0, 48.5, datetime.fromisoformat(AT), None)
    assert walk.path == ((1.9, 48.4), (2.0, 48.5))
    assert isinstance(where, Position)
    assert (where.lon, where.lat, where.speed_mps) == (2.0, 48.5, None)
    assert isinstance(late, State)
    assert late.state == "late"


async def test_a_walker_is_reminded_in_the_sequence_of_their_alerts():
    reminder = {"type": "watch", "topic": USER, "seq": 2, "journey_id": "j", "event": "late"}
    reminder |= {"reason": "check_in", "at": AT, "act_before": AT}

    async def script(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, alert(1), reminder, reminder, alert(3))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        messages = await take(live, 3, USER)
    assert [message.seq for message in messages] == [1, 2, 3]
    at = datetime.fromisoformat(AT)
    assert messages[1] == Reminder(USER, 2, "j", "late", "check_in", at, at)


async def test_what_was_shown_before_is_not_shown_again():
    async def script(connection: ServerConnection) -> None:
        assert (await subscription(connection))["last_seq"] == 7
        await say(connection, alert(6), alert(7), alert(8))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        shown = await take(live, 1, USER, since={USER: 7})
    assert [message.seq for message in shown] == [8]


async def test_a_walk_does_not_jump_back_and_keeps_its_states():
    async def script(connection: ServerConnection) -> None:
        # The walker's clock is ahead of the server's, which times the states.
        await subscription(connection)
        await say(connection, position(90), position(80), state(50, "active"), position(100))
        await say(connection, state(50, "active"), state(60, "late"), state(70, "ended"))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        shown = await take(live, 5, JOURNEY)
    assert [message.seq for message in shown] == [90, 50, 100, 60, 70]


async def read_slowly(live: LiveClient, count: int) -> list[int]:
    """Sequences of alerts. The second is read only once a call is answered, behind all of them."""
    shown: list[int] = []
    async with asyncio.timeout(5), aclosing(live.watch(USER)) as watched:
        async for message in watched:
            if not shown:
                await live.send_points("j", [])
            shown.append(message.seq)
            if len(shown) == count:
                break
    return shown


async def test_a_slow_reader_loses_nothing():
    subscriptions = []

    async def script(connection: ServerConnection) -> None:
        async for text in connection:
            frame = json.loads(text)
            if "subscribe" in frame:
                subscriptions.append(frame["last_seq"])
                first = (frame["last_seq"] or 0) + 1
                await say(connection, subscribed(), *map(alert, range(first, 2501)))
            elif "points" in frame:
                await say(connection, answer(frame, 200, {}))

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        assert await read_slowly(live, 2500) == list(range(1, 2501))
    assert subscriptions[:2] == [None, 1001]


async def test_what_was_on_its_way_for_an_earlier_subscription_is_not_taken():
    async def script(connection: ServerConnection) -> None:
        await subscription(connection)
        await say(connection, *map(alert, range(1, 1003)))  # one more than is kept
        await say(connection, answer(await heard(connection), 200, {}))
        assert await heard(connection) == {"subscribe": USER, "last_seq": 1001}
        await say(connection, alert(1003), subscribed(), alert(1002), alert(1003))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        assert await read_slowly(live, 1003) == list(range(1, 1004))
