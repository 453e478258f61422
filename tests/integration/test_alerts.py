"""Alerts when many happen at once, each in a transaction of its own."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import conninfo

ZOE = UUID("00000000-0000-4000-8000-000000000001")
MUM = UUID("00000000-0000-4000-8000-000000000002")
WALKERS = [UUID(f"00000000-0000-4000-8000-0000000001{n:02}") for n in range(16)]


@pytest.fixture
def town(db: psycopg.Connection) -> psycopg.Connection:
    """Mum's account is a contact of every walker; Zoë is one of hers."""
    db.autocommit = True
    for walker, contact in [(walker, MUM) for walker in [ZOE, *WALKERS]] + [(MUM, ZOE)]:
        db.execute(
            """insert into core.contacts (contact_id, user_id, name, from_name, channel, address,
                language, priority, state, contact_user_id)
            values (gen_random_uuid(), %s, 'Mum', 'Me', 'email', 'mum@mail.example', 'en', 1,
                'accepted', %s)""",
            [walker, contact],
        )
    return db


@contextmanager
def calling(db: psycopg.Connection, user: UUID) -> Iterator[psycopg.Connection]:
    """A connection of this person, as the API has it."""
    with psycopg.connect(conninfo(db), autocommit=True) as connection:
        claims = json.dumps({"role": "authenticated", "sub": str(user)})
        connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        connection.execute("set role authenticated")
        yield connection


def raise_sos(caller: psycopg.Connection, alert_id: UUID | None = None) -> dict:
    return caller.execute("select api.raise_sos(%s)", [alert_id or uuid4()]).fetchone()[0]


def entries(caller: psycopg.Connection, seq: int) -> list[int]:
    (answer,) = caller.execute("select api.alerts_since(%s)", [seq]).fetchone()
    return [entry["seq"] for entry in answer["alerts"]]


def test_a_commit_that_hangs_holds_back_what_comes_after_it(town: psycopg.Connection) -> None:
    """With one sequence for all, the second would be seen first, and the first never."""
    with (
        calling(town, WALKERS[0]) as slow,
        calling(town, WALKERS[1]) as quick,
        calling(town, MUM) as poller,
        ThreadPoolExecutor() as threads,
    ):
        with slow.transaction():
            raise_sos(slow)
            raised = threads.submit(raise_sos, quick)
            waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            while town.execute(waiting).fetchone() != (1,):
                assert not raised.done(), "the second took a number before the first was seen"
            assert entries(poller, 0) == []
        raised.result(10)
        assert entries(poller, 0) == [1, 2]


def test_a_poller_misses_no_entry_of_many_writers(town: psycopg.Connection) -> None:
    each = 25
    together = Barrier(len(WALKERS) + 1)
    is_over = Event()

    def write(walker: UUID) -> None:
        with calling(town, walker) as caller:
            together.wait()
            for _ in range(each):
                raise_sos(caller)

    def poll() -> list[int]:
        seen: list[int] = []
        with calling(town, MUM) as caller:
            together.wait()
            while not is_over.is_set():
                seen += entries(caller, seen[-1] if seen else 0)
            return seen + entries(caller, seen[-1] if seen else 0)

    with ThreadPoolExecutor(len(WALKERS) + 1) as threads:
        polled = threads.submit(poll)
        list(threads.map(write, WALKERS))
        is_over.set()
        assert polled.result(10) == list(range(1, each * len(WALKERS) + 1))


def test_people_who_are_contacts_of_each_other_call_at_once(town: psycopg.Connection) -> None:
    """Each call locks both inboxes: in one order, or they would wait for each other."""
    together = Barrier(8)

    def write(turn: int) -> None:
        with calling(town, (ZOE, MUM)[turn % 2]) as caller:
            together.wait()
            for _ in range(20):
                raise_sos(caller)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert town.execute("select last_sequence from core.inboxes").fetchall() == [(160,), (160,)]


def test_the_same_call_many_times_at_once_is_one(town: psycopg.Connection) -> None:
    alert_id = uuid4()
    together = Barrier(8)

    def call(_: int) -> str:
        with calling(town, ZOE) as caller:
            together.wait()
            return json.dumps(raise_sos(caller, alert_id))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(call, range(8)))) == 1
    assert town.execute("select count(*) from core.alert_deliveries").fetchone() == (2,)
    assert town.execute("select count(*) from pgmq.q_alarm").fetchone() == (1,)


def test_sweeps_at_once_tell_each_tier_once(town: psycopg.Connection) -> None:
    town.execute(
        "insert into core.escalation_steps (cause, tier, after, channels)"
        " values ('sos', 1, '1 hour', '{email,live}')"
    )
    for walker in WALKERS:
        with calling(town, walker) as caller:
            raise_sos(caller)
    town.execute("update core.alerts set due_at = due_at - interval '1 hour', next_tier_at = now()")
    together = Barrier(8)

    def sweep(_: int) -> int:
        with psycopg.connect(conninfo(town), autocommit=True) as worker:
            worker.execute("set session authorization worker")
            together.wait()
            return worker.execute("select tasks.escalate()").fetchone()[0]

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(sweep, range(8))) == len(WALKERS)
    assert town.execute("select count(*) from pgmq.q_alarm").fetchone() == (len(WALKERS),)
    query = "select last_sequence from core.inboxes where user_id = %s"
    assert town.execute(query, [MUM]).fetchone() == (len(WALKERS),)
    assert town.execute("select * from ops.verify_alert_chain()").fetchall() == []


def test_a_changed_ledger_is_noticed(town: psycopg.Connection) -> None:
    with calling(town, ZOE) as caller:
        for _ in range(3):
            raise_sos(caller)

    def problems(statement: str) -> set[str]:
        with town.transaction(force_rollback=True):
            town.execute(statement)
            rows = town.execute("select problem from ops.verify_alert_chain()").fetchall()
        return {problem for (problem,) in rows}

    events = "core.alert_events"
    assert problems("select") == set()
    assert problems(f"update {events} set event = 'sent' where number = 1") == {"it was changed"}
    assert problems(f"update {events} set at = at + interval '1 us'") == {"it was changed"}
    assert problems(f"""update {events} set content = content || '{{"lon": 1}}'""") == {
        "its content was changed"
    }
    assert problems(f"update {events} set content = null, salt = null") == {
        "its content is missing"
    }
    assert problems(f"delete from {events} where number = 2") == {
        "events after the last one are missing"
    }
    assert problems(f"delete from {events} where number = 1") == {
        "an event before it is missing",
        "it does not follow the event before it",
    }
    assert problems(f"delete from {events}") == {"events after the last one are missing"}


def test_a_call_waits_for_a_standby_whatever_the_session_does(town: psycopg.Connection) -> None:
    with calling(town, ZOE) as caller:
        for setting in ("off", "local", "on"):
            caller.execute(f"set synchronous_commit = {setting}")
            with caller.transaction():
                raise_sos(caller)
                assert caller.execute("show synchronous_commit").fetchone() == ("on",)
