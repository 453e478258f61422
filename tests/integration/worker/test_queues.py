"""What is queued in PostgreSQL runs once its transaction has committed."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ops import redis_cluster
from ops.cluster import free_port
from tests.conftest import Primary
from tests.integration.worker.conftest import Workers, end_sessions, wait_until

PROBE = "tests.integration.worker.probe"


def test_tasks_run_once_they_are_committed_and_not_when_rolled_back(workers: Workers) -> None:
    for number in range(50):
        try:
            with workers.db.transaction():
                workers.enqueue("alarm", "probe", str(number))
                if number % 2:
                    raise RuntimeError
        except RuntimeError:
            pass
    process = workers.start("alarm", PROBE)
    wait_until(lambda: len(workers.probes()) >= 25)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert sorted(map(int, workers.probes())) == list(range(0, 50, 2))
    assert workers.db.execute("select count(*) from pgmq.q_alarm").fetchone() == (0,)


def test_an_alarm_overtakes_what_is_bulk(workers: Workers) -> None:
    workers.db.execute(
        "select core.enqueue_task('bulk', 'probe', '[\"bulk\", 0.05]') from generate_series(1, 500)"
    )
    workers.start("bulk", PROBE)
    workers.start("alarm", PROBE)
    wait_until(lambda: "bulk" in workers.probes())
    workers.enqueue("alarm", "probe", "alarm")
    wait_until(lambda: "alarm" in workers.probes())
    assert workers.probes().index("alarm") < 200


def test_alarms_wait_for_no_sweeps_of_yesterday(workers: Workers) -> None:
    workers.enqueue("alarm", "sweep")
    workers.db.execute(
        "insert into pgmq.q_alarm (vt, message) select q.vt, jsonb_set(q.message,"
        " '{headers,expires}', '\"2026-01-01T00:00:00+00:00\"')"
        " from pgmq.q_alarm as q, generate_series(1, 30000)"
    )
    workers.enqueue("alarm", "probe", "alarm")
    workers.start("alarm", PROBE)
    wait_until(lambda: workers.probes() == ["alarm"])


def test_a_worker_waits_for_a_primary_that_is_away(workers: Workers, primary: Primary) -> None:
    """A server that is none, and one that is: as on the day of a failover."""
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{primary.port}"
    workers.start("alarm", PROBE, SAFEROUTE_DATABASE_HOSTS=hosts)
    workers.enqueue("alarm", "probe", "before")
    wait_until(lambda: workers.probes() == ["before"])
    workers.db.execute("alter role worker nologin")
    end_sessions(workers.db)
    workers.enqueue("alarm", "probe", "after")
    wait_until(lambda: "does not answer" in workers.logs())
    workers.db.execute("alter role worker login")
    wait_until(lambda: workers.probes() == ["before", "after"])


def test_a_plain_redis_hands_tasks_out_too(workers: Workers) -> None:
    with redis_server() as url:
        settings = {"SAFEROUTE_BROKER_URL": url}
        workers.enqueue("bulk", "probe", "queued before there was a worker")
        workers.start("alarm", PROBE, **settings)
        workers.start("bulk", PROBE, **settings)
        workers.start("beat", **settings)
        wait_until(lambda: len(workers.probes()) == 1)
        workers.enqueue("alarm", "probe", "carried over by the sweep")
        wait_until(lambda: len(workers.probes()) == 2)
        left = (
            "select count(*) from (select from pgmq.q_alarm union all select from pgmq.q_bulk) as q"
        )
        assert workers.db.execute(left).fetchone() == (0,)


@contextmanager
def redis_server() -> Iterator[str]:
    """One Redis, no cluster; its address."""
    port = free_port()
    with subprocess.Popen(
        [redis_cluster.program(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


def test_a_walk_that_cannot_be_looked_at_keeps_no_alarm_from_being_raised(
    workers: Workers,
) -> None:
    workers.db.execute(
        "create or replace function tasks.sweep_journeys(p_now timestamptz default null, p_limit"
        " integer default 500) returns json language sql as $$select (1 / 0)::text::json$$;"
        "create or replace function tasks.sound_alarm(p_now timestamptz default null) returns json"
        " language sql as $$insert into probes values ('sounded'); select null::json$$"
    )
    workers.start("alarm")
    workers.enqueue("alarm", "sweep")
    wait_until(lambda: workers.probes() == ["sounded"])


def test_workers_keep_to_their_connections(workers: Workers) -> None:
    """The server refuses the next, the log names why, and who has some works on."""
    limit = "select rolconnlimit from pg_roles where rolname = 'worker'"
    open_now = "select count(*) from pg_stat_activity where usename = 'worker'"
    before = workers.db.execute(limit).fetchone()
    workers.start("alarm", PROBE)
    workers.enqueue("alarm", "probe", "first")
    wait_until(lambda: workers.probes() == ["first"])
    most = workers.db.execute(open_now).fetchone()
    assert before is not None
    assert most is not None
    try:
        workers.db.execute(f"alter role worker connection limit {most[0]}".encode())
        workers.start("alarm", PROBE)
        wait_until(lambda: "too many connections for role" in workers.logs())
        workers.enqueue("alarm", "probe", "within")
        wait_until(lambda: "within" in workers.probes())
        assert workers.db.execute(open_now).fetchone() == most
    finally:
        workers.db.execute(f"alter role worker connection limit {before[0]}".encode())
