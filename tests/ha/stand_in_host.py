"""What the gateways of a simulated cluster find on one of its hosts, without its weight: something
that answers like an API process, Patroni's REST API, and servers that say who they are.

`stand_in_host.py NAME ADDRESS ROLES`: ROLES is a file of JSON, the role of each member.
"""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ops.ha import inventory as ports


class StandIn:
    """One host."""

    def __init__(self, name: str, roles: Path) -> None:
        self._name = name
        self._roles = roles

    async def api(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every call with the name of the host."""
        body = json.dumps(self._name)
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        try:
            while await _head(reader):
                writer.write(answer)
        finally:
            writer.close()

    def patroni(self, member: str):
        """Say whether a member has the role that is asked for."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await _head(reader)
            asked = urlsplit(head.split()[1].decode())
            role = json.loads(self._roles.read_text()).get(member)
            wanted = "primary" if asked.path == "/primary" else "replica"
            is_it = role == wanted
            if "tag_analysts" in parse_qs(asked.query):
                is_it = is_it and member == "analysts"
            status = "200 OK" if is_it else "503 Service Unavailable"
            writer.write(f"HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()

        return answer

    def server(self, member: str):
        """Greet with the name, and keep the session."""

        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{member}\n".encode())
            await reader.read()
            writer.close()

        return greet


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def main(name: str, address: str, roles: str) -> None:
    """Serve until it is killed."""
    host = StandIn(name, Path(roles))
    serving = [
        (host.api, ports.API_PORT),
        (host.patroni(name), ports.PATRONI_PORT),
        (host.server(name), ports.POSTGRES_PORT),
        (host.patroni("analysts"), ports.ANALYSTS_PATRONI_PORT),
        (host.server("analysts"), ports.ANALYSTS_PORT),
    ]
    for handler, port in serving:
        await asyncio.start_server(handler, address, port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
