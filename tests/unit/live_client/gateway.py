"""A gateway that does what each test tells it to, and what a client shows of what it says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve

from saferoute_client import LiveClient

USER = "user:00000000-0000-4000-8000-000000000001"
JOURNEY = "journey:00000000-0000-7000-8000-000000000001"
AT = "2026-11-23T18:00:00+00:00"
HELLO = {"type": "hello", "user_id": USER[5:], "journey_id": None, "expires_at": None}

Script = Callable[[ServerConnection], Awaitable[None]]


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
