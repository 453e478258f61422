"""Many posts at the same moment: connections that are open before the first byte is sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx


class Line:
    """A connection to the API, one request at a time. httpx takes 2 ms for each."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, name: str, body: bytes, headers: dict[str, str]) -> None:
        """Post arguments to a function."""
        lines = [f"POST /rpc/{name} HTTP/1.1", "Host: api", f"Content-Length: {len(body)}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "\r\n"]).encode() + body)

    async def receive(self) -> httpx.Response:
        """The answer."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = httpx.Headers([tuple(line.split(": ", 1)) for line in lines])
            content = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise httpx.ReadError("the connection was lost") from error
        return httpx.Response(int(status.split()[1]), headers=headers, content=content)

    async def post(self, name: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Post and wait for the answer."""
        self.send(name, body, headers)
        return await self.receive()


@asynccontextmanager
async def lines(url: str, count: int) -> AsyncIterator[list[Line]]:
    """So many open connections."""
    where = urlsplit(url)
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            stack.callback(writer.close)
            opened.append(Line(reader, writer))
        yield opened


async def at_once(
    url: str, name: str, posts: Sequence[tuple[bytes, dict[str, str]]]
) -> list[httpx.Response]:
    """The answers to posts that are all sent before any answer is read."""
    async with lines(url, len(posts)) as opened:
        for line, (body, headers) in zip(opened, posts, strict=True):
            line.send(name, body, headers)
        return [await line.receive() for line in opened]
