"""Daily upkeep: what it does for every set, what it says, and what holds it off."""

import json

import psycopg

from tests.command import saferoute_here
from tests.conftest import Primary, wait_for_replay
from tests.upkeep import POINTS, day, fingerprint, make_day, state

START = day(40)
WALKER = "0192f0c1-0000-4000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-000000000002"


def test_one_failing_set_stops_no_other(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    make_day(db, START, 300)
    db.execute("delete from partman.part_config where parent_table = 'core.crime_data'")
    done = saferoute_here("partitions", "maintain", "--json")
    assert done.returncode == 2
    assert done.stderr.startswith("saferoute: crime_data: ")
    assert done.stderr.count("\n") == 1
    runs = {run["set"]: run for run in json.loads(done.stdout)}
    assert (runs["journey_points"]["retired"], runs["journey_points"]["problem"]) == (1, None)
    assert state(db, START) == "archived"
    recorded = db.execute(
        "select parent::text, retired, problem is null, ended_at is not null"
        " from core.maintenance_runs order by 1"
    ).fetchall()
    assert recorded == [("core.crime_data", 0, False, True), ("core.journey_points", 1, True, True)]


def test_maintain_tells_beforehand_and_then_leaves_nothing_to_do(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    make_day(db, START, 300)
    db.execute(
        "drop table "
        + db.execute(
            "select period::text from core.periods('core.journey_points') order by lower_bound desc"
        ).fetchone()[0]
    )
    wanted = {"set": "journey_points", "premade": 1, "replayed": 0, "retired": 1, "problem": None}
    for options in (["--dry-run"], []):
        done = saferoute_here("partitions", "maintain", "journey_points", "--json", *options)
        assert json.loads(done.stdout) == [wanted]
    done = saferoute_here("partitions", "maintain", "journey_points", "--json")
    assert json.loads(done.stdout) == [{**wanted, "premade": 0, "retired": 0}]


def test_points_that_waited_for_their_day_are_stored(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    db.execute(
        "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
        " select %s, %s, 'dqcjr', now(), st_point(-77.03, 38.91, 4326)",
        [JOURNEY, WALKER],
    )
    (today,) = db.execute(
        "select period::text from core.periods('core.journey_points')"
        " where now() >= lower_bound and now() < upper_bound"
    ).fetchone()
    db.execute(f"drop table {today}")
    (answer,) = db.execute(
        "select core.record_points(%s, %s, json_build_array(json_build_object("
        "'recorded_at', now(), 'lon', -77.03, 'lat', 38.91)))",
        [WALKER, JOURNEY],
    ).fetchone()
    assert (answer["accepted"], answer["quarantined"][0]["reason"]) == (0, "period")
    done = saferoute_here("partitions", "maintain", "journey_points", "--json")
    (run,) = json.loads(done.stdout)
    assert (run["premade"], run["replayed"], run["problem"]) == (1, 1, None)
    assert fingerprint(db, POINTS)[0] == 1


def test_a_lagging_replica_holds_off_what_writes_much(
    db: psycopg.Connection,
    environment: dict[str, str],
    primary: Primary,
    standby: Primary,
) -> None:
    make_day(db, START, 300)
    (period,) = db.execute(
        "select period::text from core.periods('core.journey_points') order by lower_bound desc"
    ).fetchone()
    limit = {**environment, "SAFEROUTE_MAX_REPLAY_LAG_S": "0.1"}
    with psycopg.connect(standby.conninfo("postgres"), autocommit=True) as replica:
        replica.execute("select pg_wal_replay_pause()")
        try:
            db.execute(f"drop table {period}")
            lag = "select max(replay_lag) > interval '100 ms' from pg_stat_replication"
            while db.execute(lag).fetchone() != (True,):
                db.execute("select pg_logical_emit_message(true, 'test', 'traffic')")
            refused = saferoute_here("partitions", "retire", **limit)
            assert refused.returncode == 2
            assert "s behind, more than SAFEROUTE_MAX_REPLAY_LAG_S" in refused.stderr
            done = saferoute_here("partitions", "maintain", "journey_points", "--json", **limit)
            (run,) = json.loads(done.stdout)
            assert (done.returncode, run["premade"], run["retired"]) == (2, 1, 0)
            assert "behind" in run["problem"]
            assert "pg_partman" not in run["problem"], "it is not run beside what is due"
            assert state(db, START) == "attached"
            tolerant = {**limit, "SAFEROUTE_LAG_TOLERANT_REPLICAS": "standby, walreceiver"}
            assert saferoute_here("partitions", "retire", **tolerant).returncode == 0
        finally:
            replica.execute("select pg_wal_replay_resume()")
    wait_for_replay(primary, standby)
