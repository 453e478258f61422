"""`saferoute_client` against a gateway that does what each test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

import pytest
from websockets.asyncio.server import ServerConnection, serve

from saferoute_client import (
    Alert,
    LiveClient,
    LiveError,
    Position,
    RefusedError,
    Reminder,
    Snapshot,
    State,
    client,
)

USER = "user:00000000-0000-4000-8000-000000000001"
JOURNEY = "journey:00000000-0000-7000-8000-000000000001"
AT = "2026-11-23T18:00:00+00:00"

Script = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are made anew without a pause."""
    monkeypatch.setattr(client, "pause", lambda _failures: 0)


@asynccontextmanager
async def gateway(*scripts: Script) -> AsyncIterator[str]:
    """A server whose first connection runs the first script, and so on; the last one stays."""
    left = list(scripts)

    async def run(connection: ServerConnection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(connection)

    async with serve(run, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/live"


async def heard(connection: ServerConnection) -> dict:
    return json.loads(await connection.recv())


async def say(connection: ServerConnection, *frames: dict) -> None:
    for frame in frames:
        await connection.send(json.dumps(frame))


def alert(seq: int, **more: object) -> dict:
    return {
        "type": "alert",
        "topic": USER,
        "seq": seq,
        "alert_id": "a",
        "event": "raised",
        "drill": False,
        "at": AT,
        **more,
    }


def position(seq: int) -> dict:
    where = {"lon": 2.0, "lat": 48.5, "recorded_at": AT, "speed_mps": None}
    return {"type": "position", "topic": JOURNEY, "seq": seq, **where}


def state(seq: int, name: str) -> dict:
    more = {"state": name, "reason": None, "eta": None, "at": AT}
    return {"type": "state", "topic": JOURNEY, "seq": seq, **more}


def snapshot(seq: int, state_seq: int, name: str) -> dict:
    last = {"lon": 2.0, "lat": 48.5, "recorded_at": AT, "speed_mps": None, "seq": seq}
    return {
        "type": "snapshot",
        "topic": JOURNEY,
        "seq": seq,
        "state_seq": state_seq,
        "state": name,
        "reason": None,
        "expected_at": None,
        "eta": AT,
        "ended_at": None,
        "position": last,
        "path": [[1.9, 48.4, seq - 1], [2.0, 48.5, seq]],
    }


def subscribed(topic: str = USER, seq: int = 0) -> dict:
    return {"type": "subscribed", "topic": topic, "seq": seq}


def answer(asked: dict, status: int, body: dict) -> dict:
    return {"type": "answer", "id": asked["id"], "status": status, "body": body}


HELLO = {"type": "hello", "user_id": USER[5:], "journey_id": None, "expires_at": None}


async def subscription(connection: ServerConnection) -> dict:
    """Greet, and answer what the client subscribes to."""
    await say(connection, HELLO)
    asked = await heard(connection)
    await say(connection, subscribed(asked["subscribe"]))
    return asked


async def take(live: LiveClient, count: int, *topics: str, **how) -> list:
    messages: list = []
    async with asyncio.timeout(5), aclosing(live.watch(*topics, **how)) as watched:
        async for message in watched:
            messages.append(message)
            if len(messages) == count:
                break
    return messages


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


@pytest.mark.parametrize("code", [1009, 4400, 4401, 4403, 4404, 4409])
async def test_a_refusal_is_raised_and_not_tried_again(code):
    connections = []

    async def refuse(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.close(code, "no")

    async with gateway(refuse) as url, LiveClient(url, token="t") as live:
        with pytest.raises(RefusedError, match=f"{code}: no"):
            await take(live, 1, USER)
        with pytest.raises(RefusedError):
            await live.send_points("j", [])
    assert len(connections) == 1


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403), (404, 4404), (400, 400)])
async def test_a_refused_handshake_is_raised(status, code):
    async def answer(connection: ServerConnection, _request) -> object:
        return connection.respond(status, "no\n")

    async def never(_connection: ServerConnection) -> None:
        raise AssertionError("it was refused")

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with LiveClient(f"ws://127.0.0.1:{port}/live", token="t") as live:
            with pytest.raises(RefusedError) as refused:
                await take(live, 1, USER)
    assert refused.value.code == code


async def test_a_refused_topic_ends_only_who_watches_it():
    async def script(connection: ServerConnection) -> None:
        asked = await heard(connection)
        error = {"code": "SR003", "message": "Not yours", "topic": asked["subscribe"]}
        await say(connection, {"type": "error", **error})
        await heard(connection)  # unsubscribe
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token="t") as live:
        with pytest.raises(RefusedError, match="SR003: Not yours"):
            await take(live, 1, JOURNEY)
        assert len(await take(live, 1, USER)) == 1


async def test_a_token_that_has_expired_is_replaced():
    tokens = ["old", "new", "new"]

    async def token() -> str:
        return tokens.pop(0)

    async def script(connection: ServerConnection) -> None:
        if connection.request.headers["Authorization"] == "Bearer old":
            await connection.close(4401)
            return
        await subscription(connection)
        await say(connection, alert(1))
        await connection.wait_closed()

    async with gateway(script) as url, LiveClient(url, token=token) as live:
        assert len(await take(live, 1, USER)) == 1
    assert tokens == ["new"]


async def test_a_new_token_that_is_refused_too_is_the_end():
    async def token() -> str:
        return "wrong"

    async def refuse(connection: ServerConnection) -> None:
        await connection.close(4401)

    async with gateway(refuse) as url, LiveClient(url, token=token) as live:
        with pytest.raises(RefusedError, match="4401"):
            await take(live, 1, USER)


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


async def test_closing_ends_what_waits():
    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with gateway(script) as url:
        async with LiveClient(url, token="t") as live:
            waiting = asyncio.create_task(live.send_points("j", []))
            await asyncio.sleep(0)
        with pytest.raises(LiveError, match="closed"):
            await waiting


def test_pauses_grow_to_half_a_minute_and_are_drawn(monkeypatch):
    monkeypatch.undo()
    longest = [max(client.pause(failures) for _ in range(300)) for failures in (0, 3, 100)]
    assert longest[0] <= 0.5 < longest[1] <= 4 < longest[2] <= 30
    assert min(client.pause(100) for _ in range(300)) < 5
