"""When calls are stored together: a primary that answers when the test says so."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from api import ingest
from api.errors import RequestError, unavailable
from api.ingest import Ingest
from api.tokens import Caller

CALLER = Caller("authenticated", "{}", True, float("inf"), "00000000-0000-4000-8000-000000000001")


class Primary:
    """In the place of Servers; each statement waits for `answer`."""

    def __init__(self) -> None:
        self.statements: list[list[str]] = []
        self.running: list[asyncio.Future[Any]] = []

    async def write(
        self, _text: str, arguments: Sequence[Any], _timeout: float, *, is_repeatable: bool
    ) -> Any:
        assert is_repeatable
        users, bodies = arguments
        assert bodies[0] + bodies[-1] == "[]"
        assert len(users) == bodies.count("c")
        self.statements.append(bodies[1:-1].split(","))
        self.running.append(asyncio.get_running_loop().create_future())
        return await self.running[-1]

    def until(self, asked_at: float, seconds: float) -> float:
        return asked_at + seconds

    def answer(self, number: int, error: Exception | None = None) -> None:
        if error:
            self.running[number].set_exception(error)
        else:
            self.running[number].set_result([[[f"+{body}" for body in self.statements[number]]]])


@pytest.fixture
def primary() -> Primary:
    return Primary()


@pytest.fixture
def collector(primary: Primary) -> Ingest:
    return Ingest(primary)  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def post(collector: Ingest, *bodies: str) -> list["asyncio.Task[str | None]"]:
    return [asyncio.create_task(collector.record(CALLER, body, 10)) for body in bodies]


async def fill(collector: Ingest) -> None:
    """As many statements as may be in flight."""
    for number in range(ingest._IN_FLIGHT):
        post(collector, f"c{number}")
        await settle()


async def test_a_lone_call_goes_at_once(collector: Ingest, primary: Primary) -> None:
    [call] = post(collector, "c")
    await settle()
    assert primary.statements == [["c"]]
    primary.answer(0)
    assert await call == "+c"


async def test_what_comes_meanwhile_goes_together(collector: Ingest, primary: Primary) -> None:
    await fill(collector)
    calls = post(collector, "ca", "cb", "cd")
    await settle()
    assert len(primary.statements) == ingest._IN_FLIGHT
    primary.answer(0)
    await settle()
    assert primary.statements[-1] == ["ca", "cb", "cd"]
    primary.answer(-1)
    assert await asyncio.gather(*calls) == ["+ca", "+cb", "+cd"]


async def test_a_statement_holds_no_more_than_512(collector: Ingest, primary: Primary) -> None:
    await fill(collector)
    post(collector, *(f"c{number}" for number in range(600)))
    await settle()
    primary.answer(0)
    await settle()
    assert len(primary.statements[-1]) == 512


async def test_after_an_error_of_one_every_call_goes_its_own_way(
    collector: Ingest, primary: Primary
) -> None:
    calls = post(collector, "ca", "cb")
    await settle()
    primary.answer(0, asyncpg.DeadlockDetectedError("deadlock"))
    assert await asyncio.gather(*calls) == [None, None]


async def test_without_a_database_every_call_is_refused(
    collector: Ingest, primary: Primary
) -> None:
    calls = post(collector, "ca", "cb")
    await settle()
    primary.answer(0, unavailable("gone"))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [RequestError] * 2
    [after] = post(collector, "c")
    await settle()
    primary.answer(-1)
    assert await after == "+c"


async def test_the_queue_has_an_end(
    collector: Ingest, primary: Primary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_MOST_WAITING", 3)
    await fill(collector)
    post(collector, "c", "c", "c")
    await settle()
    with pytest.raises(RequestError) as refused:
        await collector.record(CALLER, "c", 10)
    assert (refused.value.status, refused.value.extra) == (503, {"retry-after": "1"})


async def test_nobody_waits_for_ever(
    collector: Ingest, primary: Primary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_WAIT", 0.01)
    await fill(collector)
    with pytest.raises(RequestError) as refused:
        await collector.record(CALLER, "c", 10)
    assert refused.value.status == 503
    primary.answer(0)
    await settle()
    assert len(primary.statements) == ingest._IN_FLIGHT  # nothing is left to store


async def test_a_caller_who_goes_takes_nobody_along(collector: Ingest, primary: Primary) -> None:
    gone, staying = post(collector, "ca", "cb")
    await settle()
    gone.cancel()
    await settle()
    primary.answer(0)
    assert await staying == "+cb"


async def test_what_was_collected_is_stored_before_the_end(
    collector: Ingest, primary: Primary
) -> None:
    await fill(collector)
    [call] = post(collector, "c")
    await settle()
    ending = asyncio.create_task(collector.close())
    for number in range(ingest._IN_FLIGHT + 1):
        await settle()
        assert not ending.done()
        primary.answer(number)
    await ending
    assert await call == "+c"
