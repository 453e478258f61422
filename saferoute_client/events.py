"""The same stream as Server-Sent Events, for networks that let no WebSocket through."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from saferoute_client.client import pause
from saferoute_client.cursors import Cursor
from saferoute_client.errors import BUSY, REFUSALS, RefusedError
from saferoute_client.messages import READERS, Message

_CONNECT_S = 10.0
_SILENCE_S = 60.0
"""Without a sign of life for so long the stream is dead: there is one every 25 s."""


async def watch_events(
    url: str, topic: str, *, token: str, since: int | None = None
) -> AsyncGenerator[Message, None]:
    """As `LiveClient.watch`, of one topic: `url` is `https://example.org/live/events`.

    `since` is the last `seq` that was shown before. Raises RefusedError.
    """
    cursor, failures = Cursor(since), 0
    timeout = httpx.Timeout(_CONNECT_S, read=_SILENCE_S)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=timeout, headers=headers) as client:
        while True:
            async with contextlib.aclosing(_frames(client, url, topic, cursor.seq)) as frames:
                async for frame in frames:
                    failures = 0
                    read = READERS.get(frame["type"])
                    if read is not None and cursor.admits(message := read(frame)):
                        yield message
            await asyncio.sleep(pause(failures))
            failures += 1


async def _frames(
    client: httpx.AsyncClient, url: str, topic: str, since: int | None
) -> AsyncGenerator[dict[str, Any], None]:
    """The frames of one stream. Raises RefusedError where the next would end the same."""
    asked = {"topic": topic} if since is None else {"topic": topic, "last_seq": str(since)}
    with contextlib.suppress(httpx.TransportError):
        async with client.stream("GET", url, params=asked) as response:
            if response.status_code in BUSY:
                return
            if response.status_code != httpx.codes.OK:
                error = json.loads(await response.aread())
                raise RefusedError(error["code"], error["message"])
            async for event in _events(response):
                if "type" in event:
                    yield event
                elif event["code"] in REFUSALS:  # it is being closed
                    raise RefusedError(event["code"], event["reason"])


async def _events(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """The data of events. Lines end with a line feed, and not, as Python has it, at U+2028 too."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
