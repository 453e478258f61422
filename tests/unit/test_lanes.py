import asyncio

import pytest

from api import lanes
from api.errors import RequestError
from api.lanes import Lanes


def fill(queue: Lanes, count: int, is_priority: bool = False) -> None:
    for _ in range(count):
        assert queue.enter(is_priority)


async def waits(queue: Lanes, is_priority: bool = False) -> "asyncio.Task[None]":
    task = asyncio.create_task(queue.wait(is_priority))
    await asyncio.sleep(0)
    assert not task.done()
    return task


@pytest.mark.parametrize(("size", "kept"), [(2, 1), (8, 1), (16, 2)])
def test_some_connections_are_for_priority_calls_alone(size: int, kept: int) -> None:
    queue = Lanes(size)
    fill(queue, size - kept)
    assert not queue.enter(False)
    fill(queue, kept, is_priority=True)
    assert not queue.enter(True)


async def test_who_waits_longest_goes_next_and_priority_before_all() -> None:
    queue = Lanes(2)
    fill(queue, 1)
    fill(queue, 1, is_priority=True)
    first, second = await waits(queue), await waits(queue)
    urgent = await waits(queue, is_priority=True)
    queue.leave(False)
    await urgent
    queue.leave(True)
    await first
    assert not second.done()
    queue.leave(False)
    await second
    assert queue.waiting == 0


async def test_waiting_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.01)
    queue = Lanes(2)
    fill(queue, 1)
    with pytest.raises(RequestError) as raised:
        await queue.wait(False)
    assert (raised.value.status, raised.value.code) == (503, "PGRST003")
    queue.leave(False)
    assert queue.enter(False)


async def test_a_long_queue_is_refused_at_once() -> None:
    queue = Lanes(2)
    fill(queue, 1)
    tasks = [await waits(queue) for _ in range(128)]
    with pytest.raises(RequestError) as raised:
        await queue.wait(False)
    assert raised.value.code == "PGRST003"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert queue.waiting == 0


async def test_who_gives_up_leaves_the_place_to_the_next() -> None:
    queue = Lanes(2)
    fill(queue, 1)
    first, second, third = await waits(queue), await waits(queue), await waits(queue)
    first.cancel()
    queue.leave(False)  # the first has not noticed yet: the second gets it
    second.cancel()  # and gives up with the connection in its hand
    await asyncio.gather(first, second, return_exceptions=True)
    await third
    assert not queue.enter(False)
