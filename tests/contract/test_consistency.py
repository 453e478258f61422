"""Who has written reads it, wherever the standby is: with the token, never something older."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.pair import Pair, serve_pair
from tests.contract.test_rpc import assert_error, eventually

TOKEN = "x-consistency-token"
MAX_LAG = 1.5


@pytest.fixture(scope="module")
def pair(cluster_directory: Path) -> Iterator[Pair]:
    with serve_pair(cluster_directory, SAFEROUTE_MAX_READ_LAG_S=str(MAX_LAG)) as served:
        yield served


@pytest.fixture(autouse=True)
def caught_up(pair: Pair) -> Iterator[None]:
    """Each test begins with a standby that replays all at once and is read from."""
    pair.replayed()
    eventually(pair.reads_on_standby)
    yield
    delay_replay(pair, 0)
    pair.ask(pair.standby, "select pg_wal_replay_resume()")


def delay_replay(pair: Pair, milliseconds: int) -> None:
    pair.ask(pair.standby, f"alter system set recovery_min_apply_delay = {milliseconds}")
    pair.ask(pair.standby, "select pg_reload_conf()")
    shown = "select setting from pg_settings where name = 'recovery_min_apply_delay'"
    eventually(lambda: pair.ask(pair.standby, shown) == str(milliseconds))


def write(pair: Pair, value: int) -> str:
    answer = pair.client.post("/rpc/write_note", json={"value": value})
    assert answer.status_code == 204
    token: str = answer.headers[TOKEN]
    return token


def read(pair: Pair, token: str | None) -> dict[str, object]:
    headers = {TOKEN: token} if token else {}
    answer = pair.client.get("/rpc/read_note", headers=headers)
    assert answer.status_code == 200, answer.text
    seen: dict[str, object] = answer.json()
    return seen


@pytest.mark.parametrize("delay", [20, 200])
def test_a_read_with_the_token_sees_the_write(pair: Pair, delay: int) -> None:
    delay_replay(pair, delay)
    stale, waited = 0, 0
    for value in range(100, 150):
        token = write(pair, value)
        stale += read(pair, None)["written"] != value
        seen = read(pair, token)
        assert seen["written"] == value
        waited += seen["is_standby"] is True
    assert stale > 0
    assert (waited > 0) == (delay == 20)  # a standby gets 50 ms
    eventually(lambda: read(pair, token)["is_standby"] is True)


def test_with_the_replay_paused_the_primary_answers(pair: Pair) -> None:
    pair.ask(pair.standby, "select pg_wal_replay_pause()")
    token = write(pair, 1000)
    assert read(pair, token) == {"written": 1000, "is_standby": False}
    assert read(pair, None)["written"] != 1000
    pair.ask(pair.standby, "select pg_wal_replay_resume()")
    eventually(lambda: read(pair, token)["is_standby"] is True)


def test_a_replica_too_far_behind_is_left_out_and_taken_back(pair: Pair) -> None:
    pair.ask(pair.standby, "select pg_wal_replay_pause()")
    write(pair, 2000)
    began = time.monotonic()
    assert pair.reads_on_standby()
    eventually(lambda: not pair.reads_on_standby())
    assert time.monotonic() - began > MAX_LAG / 2
    ready = httpx.get(f"{pair.api.admin}/ready")
    assert ready.status_code == 200
    pair.ask(pair.standby, "select pg_wal_replay_resume()")
    eventually(pair.reads_on_standby)


def test_only_writes_answer_with_a_token(pair: Pair) -> None:
    assert TOKEN not in pair.client.get("/rpc/read_note").headers
    assert TOKEN not in pair.client.post("/rpc/read_note").headers
    assert TOKEN not in pair.client.post("/rpc/fail_with", json={"state": "SR018"}).headers


@pytest.mark.parametrize("token", ["", "x", "1", "1-0", "1-0/G", "0-0/1", "1-0/123456789"])
def test_what_is_no_token_is_refused(pair: Pair, token: str) -> None:
    answer = pair.client.get("/rpc/read_note", headers={TOKEN: token})
    assert_error(answer, 400, "SR082")


def test_nobody_serves_a_token_of_a_timeline_to_come(pair: Pair) -> None:
    answer = pair.client.get("/rpc/read_note", headers={TOKEN: "7-0/1"})
    assert_error(answer, 503, "PGRST000")
    assert answer.headers["retry-after"] == "1"


def test_who_hangs_up_has_written_all_the_same(pair: Pair) -> None:
    arguments = {"value": 3000, "seconds": 1}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{pair.api.url}/rpc/write_note", json=arguments, timeout=0.3)
    eventually(lambda: read(pair, None)["written"] == 3000)
