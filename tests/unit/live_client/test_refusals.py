"""What is refused ends, unless a new token helps."""

import pytest
from websockets.asyncio.server import ServerConnection, serve

from saferoute_client import LiveClient, RefusedError
from tests.unit.live_client.gateway import (
    JOURNEY,
    USER,
    alert,
    gateway,
    heard,
    say,
    subscription,
    take,
)


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
