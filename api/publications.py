"""What watchers are to see at once: told through Redis, by sharded pub/sub, after the commit.

A publication only wakes: who watches also asks the ledger every 2 s. So nobody waits for it here,
what Redis does not take is dropped and counted, and a dead Redis costs a request nothing.

- Channel `live:{<topic>}`, a topic being `user:<id>` or `journey:<id>`.
- Key `last:{journey:<id>}`: the newest position of a journey, kept for `KEPT_S` seconds.
"""

import asyncio
import contextlib
import hashlib
import re
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import hiredis
import orjson
from redis.exceptions import NoScriptError, RedisError

from api.lines import Lines
from api.metrics import PUBLICATIONS
from common.redis import Redis, RedisGoneError

HEADER = "Saferoute-Publish"
"""What `core.call` puts publications into: it is for the API, never for its callers."""
KEPT_S = 600
"""Seconds that the newest position of a journey stays in Redis: longer than a standby that is read
from is ever behind, and not longer than that: an erasure does not reach it."""
_MOST = 2048  # on their way to Redis; what is beyond is dropped
_NOTHING_NEW = '{"accepted" : 0,'
_ALL_TAKEN = '"quarantined" : []}'
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Phones upload late and twice: only what is newer than all before is the last position, and told.
# KEYS: the last position, the channel. ARGV: its seq, the message, seconds to keep it.
_MOVE = f"""
local last = redis.call('GET', KEYS[1])
if last and tonumber(string.match(last, '"seq":(%d+)')) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', {KEPT_S})
redis.call('SPUBLISH', KEYS[2], ARGV[2])
return 1
"""
_MOVE_DIGEST = hashlib.sha1(_MOVE.encode(), usedforsecurity=False).hexdigest()
_SENT, _DROPPED = PUBLICATIONS.labels("sent"), PUBLICATIONS.labels("dropped")


def channel(topic: str) -> str:
    """The channel of a topic; the braces put it on the node that also has the last position."""
    return f"live:{{{topic}}}"


def last_key(topic: str) -> str:
    """Where the newest position of a journey is."""
    return f"last:{{{topic}}}"


class Publications:
    """Publishes without waiting. One per process."""

    def __init__(self, redis: Redis, lines: Lines) -> None:
        """What it is sent through."""
        self._redis = redis
        self._lines = lines
        self._on_their_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def publish_all(self, publications: str) -> None:
        """What `core.publish` has collected: a JSON array of objects with topic and message."""
        for publication in orjson.loads(publications):
            name = channel(publication["topic"])
            self._send(name, ("SPUBLISH", name, orjson.dumps(publication["message"])))

    def publish_position(self, arguments: Mapping[str, Any], answer: str | None) -> None:
        """The newest point that a call of record_points has stored, by its arguments and answer."""
        if answer is None or answer.startswith(_NOTHING_NEW):
            return
        point = _newest(arguments["points"], answer)
        if point is None:
            return
        recorded_at, seq, lon, lat, speed = point
        journey_id = arguments["journey_id"]
        if not _ID.fullmatch(journey_id):
            journey_id = str(uuid.UUID(journey_id))
        topic = f"journey:{journey_id}"
        message = orjson.dumps(
            {
                "type": "position",
                "topic": topic,
                "seq": seq,
                "lon": lon,
                "lat": lat,
                "recorded_at": recorded_at,
                "speed_mps": speed,
            },
            option=orjson.OPT_UTC_Z,
        )
        key = last_key(topic)
        self._send(key, ("EVALSHA", _MOVE_DIGEST, 2, key, channel(topic), seq, message))

    async def close(self) -> None:
        """Send what is on its way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _send(self, key: str, command: tuple[Any, ...]) -> None:
        if self._on_their_way >= _MOST:
            _DROPPED.inc()
            return
        self._on_their_way += 1
        answer = self._lines.send(key, command)
        if answer is None:
            self._start(self._redis.execute_command(*command), command)
        else:
            answer.add_done_callback(partial(self._answered, command))

    def _answered(self, command: tuple[Any, ...], answer: "asyncio.Future[Any]") -> None:
        if answer.exception() is not None:
            self._on_their_way -= 1
            _DROPPED.inc()
        elif isinstance(answer.result(), hiredis.ReplyError):
            # Another master has the key now, or does not know the script yet.
            self._start(self._redis.execute_command(*command), command)
        else:
            self._on_their_way -= 1
            _SENT.inc()

    def _start(self, answer: Awaitable[Any], command: tuple[Any, ...]) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(answer, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, answer: Awaitable[Any], command: tuple[Any, ...]) -> None:
        outcome = _DROPPED
        with contextlib.suppress(RedisGoneError, RedisError):
            try:
                await answer
            except NoScriptError:  # a node that is new
                await self._redis.execute_command("EVAL", _MOVE, *command[2:])
            outcome = _SENT
        self._on_their_way -= 1
        outcome.inc()


def _newest(
    points: Sequence[Mapping[str, Any]], answer: str
) -> tuple[datetime, int, float, float, float | None] | None:
    """Time, the same in microseconds since 1970, longitude, latitude and speed of the newest point.

    None where PostgreSQL has read what Python cannot, which a later point makes good.
    """
    try:
        if len(points) == 1:
            point = points[0]
            recorded_at = datetime.fromisoformat(point["recorded_at"])
        else:
            if not answer.endswith(_ALL_TAKEN):
                left_out = {refused["index"] for refused in orjson.loads(answer)["quarantined"]}
                points = [point for index, point in enumerate(points) if index not in left_out]
            times = [datetime.fromisoformat(point["recorded_at"]) for point in points]
            recorded_at = max(times)
            point = points[times.index(recorded_at)]
        speed = point.get("speed_mps")
        return (
            recorded_at if recorded_at.tzinfo is UTC else recorded_at.astimezone(UTC),
            round(recorded_at.timestamp() * 1_000_000),
            float(point["lon"]),
            float(point["lat"]),
            speed if speed is None or 0 <= (speed := float(speed)) <= 1000 else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
