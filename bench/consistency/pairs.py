"""Write, then read what was written: how often is the answer older than the write?"""

import asyncio
import itertools
import json
import time
import uuid
from dataclasses import dataclass, field

import jwt

from bench.consistency.servers import SECRET

CLIENTS = 16
TOKEN = b"x-consistency-token"
START = {"from_lon": -1.98, "from_lat": 51.22}


@dataclass
class Outcome:
    """Of many pairs."""

    pairs: int = 0
    stale: int = 0
    read_ms: list[float] = field(default_factory=list)


class Client:
    """One keep-alive connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, head: str, body: str = "") -> tuple[dict[bytes, bytes], bytes]:
        """Headers and body of the answer, which must be a success."""
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        pairs = [line.partition(b": ") for line in lines]
        headers = {name.lower(): value for name, _, value in pairs}
        answer = await self._reader.readexactly(int(headers.get(b"content-length", 0)))
        assert b" 200 " in status, (status, answer)
        return headers, answer

    async def write_and_read(self, outcome: Outcome, *, with_token: bool) -> None:
        """Begin the first journey of a person who has none, then list that person's journeys."""
        claims = {"role": "authenticated", "sub": str(uuid.uuid4()), "exp": int(time.time()) + 60}
        common = (
            "Host: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {jwt.encode(claims, SECRET, 'HS256')}\r\n"
        )
        journey = {"journey_id": str(uuid.uuid4()), **START}
        written, _ = await self.ask(
            f"POST /rpc/start_journey HTTP/1.1\r\n{common}", json.dumps(journey)
        )
        if with_token:
            common += f"X-Consistency-Token: {written[TOKEN].decode()}\r\n"
        began = time.perf_counter()
        _, found = await self.ask(f"GET /rpc/my_journeys HTTP/1.1\r\n{common}")
        outcome.read_ms.append((time.perf_counter() - began) * 1e3)
        outcome.pairs += 1
        outcome.stale += not json.loads(found)


async def write_and_read(port: int, pairs: int, *, with_token: bool) -> Outcome:
    """So many pairs, by clients that each wait for one answer before they ask again."""
    outcome = Outcome()
    numbers = itertools.count()

    async def drive() -> None:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        while next(numbers) < pairs:
            await client.write_and_read(outcome, with_token=with_token)

    await asyncio.gather(*(drive() for _ in range(CLIENTS)))
    assert outcome.pairs == pairs
    return outcome
