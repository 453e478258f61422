"""A person is erased on the primary, on the replica and in the archives; nobody else is touched."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories

from ops import archive_files
from ops.cluster import free_port
from tests.conftest import Primary, conninfo, wait_for_replay
from tests.people import (
    ANNA,
    ARCHIVED,
    BERT,
    EVERYWHERE,
    POINTS_A_DAY,
    Town,
    assert_refused,
    others,
    town_of,
    walk,
)
from tests.redis_cluster import TestCluster
from tests.upkeep import day

IN_ARCHIVES = POINTS_A_DAY * len(ARCHIVED)


people_db = factories.postgresql("people")


@pytest.fixture
def town(
    people_db: psycopg.Connection, tmp_path: Path, redis_cluster: TestCluster
) -> Iterator[Town]:
    with town_of(people_db, tmp_path / "archive", redis_cluster) as town:
        yield town


def test_nothing_is_left_and_nobody_else_is_touched(
    town: Town, primary: Primary, standby: Primary, tmp_path: Path
) -> None:
    hosts = f"{standby.host}:{standby.port},{primary.host}:{primary.port}"
    environment = {"SAFEROUTE_DATABASE_HOSTS": hosts}
    town.db.execute(f"alter database {town.db.info.dbname} set log_min_duration_statement = 0")
    begun = primary.server.log.stat().st_size
    before = others(town.db, town.archives)
    assert sorted(town.archived().values()) == [0, POINTS_A_DAY, POINTS_A_DAY]
    copy = tmp_path / "receipt.json"
    done = town.run("erase", ANNA, "--yes", "--save", copy, **environment)
    assert done.returncode == 0, done.stderr

    assert town.left() == 0
    assert list(town.archived().values()) == [0, 0, 0]
    assert others(town.db, town.archives) == before
    wait_for_replay(primary, standby)
    with psycopg.connect(standby.conninfo(town.db.info.dbname)) as replica:
        query = "select sum(core.count_user_rows(leaf, user_column, %s)) from core.user_tables()"
        assert replica.execute(query, [ANNA]).fetchone() == (0,)
        assert replica.execute(query, [BERT]).fetchone()[0] > 0

    receipt = json.loads(copy.read_text())
    assert receipt["removed"] == EVERYWHERE
    results = sorted(
        (entry["result"], entry.get("removed")) for entry in receipt["archives"].values()
    )
    assert results == [
        *[("not in it", None)] * 3,
        *[("rewritten", POINTS_A_DAY)] * 2,
    ]
    assert receipt["proof"]["primary"] == 0
    assert receipt["proof"]["asked"] == {f"{standby.host}:{standby.port}": 0}
    assert list(receipt["proof"]["replayed"]) == ["standby"]
    assert str(ANNA) not in copy.read_text() + done.stdout + done.stderr
    with primary.server.log.open(errors="replace") as log:
        log.seek(begun)
        logged = log.read()
    assert "core.erase_user" in logged
    assert str(ANNA) not in logged
    assert "-77.03" not in logged

    assert town.run("receipt", copy).returncode == 0
    assert town.run("receipt", receipt["erasure_id"]).returncode == 0
    copy.write_text(json.dumps(dict(reversed(receipt.items()))))
    assert town.run("receipt", copy).returncode == 0, "layout is not content"
    copy.write_text(json.dumps(receipt).replace('"journeys": 5', '"journeys": 2'))
    assert_refused(town.run("receipt", copy), "its digest differs")
    town.db.execute("""update core.erasures set removed = '{"journeys": 9}'""")
    assert_refused(town.run("receipt", receipt["erasure_id"]), "was changed in the ledger")


def test_an_old_copy_that_is_loaded_by_hand_does_not_bring_the_person_back(
    town: Town, tmp_path: Path
) -> None:
    (file,) = town.archives.glob(f"*{day(ARCHIVED[0]):%Y-%m-%d}*")
    shutil.copy(file, tmp_path / "offline.dump")
    town.erase()
    shutil.copy(tmp_path / "offline.dump", town.archives / "offline.dump")
    town.db.execute("create table core.from_offline (like core.journey_points)")
    with town.db.cursor().copy("copy core.from_offline from stdin") as stream:
        for _, _, line in archive_files.lines("offline.dump"):
            stream.write(line)
    assert town.db.execute("select core.remove_erased('core.from_offline')").fetchone() == (
        POINTS_A_DAY,
    )
    counts = town.db.execute(
        "select count(*) filter (where user_id = %s), count(*) filter (where user_id = %s),"
        " count(*) from core.from_offline",
        [ANNA, BERT],
    )
    assert counts.fetchone() == (0, POINTS_A_DAY, POINTS_A_DAY + 90)


@pytest.mark.parametrize(
    ("place", "moment"),
    [
        ("archive", "replace"),
        ("archive", "tidy"),
        ("archive_files", "finish"),
        ("erasure", "_vacuum"),
        ("proof", "replicas"),
    ],
)
def test_a_killed_erasure_is_run_again(town: Town, place: str, moment: str) -> None:
    before = others(town.db, town.archives)
    script = f"""
import os, signal
from uuid import UUID
from ops import archive, archive_files, erasure, proof, upkeep
calls = []
def killed(*arguments, **options):
    calls.append(arguments)
    if {moment!r} != "tidy" or len(calls) == 3:  # the one after the new file is recorded
        os.kill(os.getpid(), signal.SIGKILL)
{place}.{moment} = killed
with upkeep.exclusive() as connection:
    erasure.erase(connection, UUID({str(ANNA)!r}), 10)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        env={**os.environ, **town.environment, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.returncode == -signal.SIGKILL
    assert [finished for finished, _ in town.receipts()] == [False]
    receipt = town.erase()
    assert receipt["removed"] == EVERYWHERE, "one receipt has it all"
    removed = sum(entry.get("removed", 0) for entry in receipt["archives"].values())
    assert removed == IN_ARCHIVES
    assert town.left() == sum(town.archived().values()) == 0
    assert others(town.db, town.archives) == before
    assert len(list(town.archives.iterdir())) == 3


def test_erasing_again_and_erasing_nobody(town: Town) -> None:
    first = town.erase()
    second = town.erase()
    assert second["erasure_id"] != first["erasure_id"]
    assert set(second["removed"].values()) == {0}
    assert second["archives"] == {}
    done = town.run("erase", "00000000-0000-4000-8000-00000000dead", "--yes", "--json")
    assert set(json.loads(done.stdout)["removed"].values()) == {0}


def test_uploads_of_the_person_end_cleanly(town: Town) -> None:
    """Whatever is acknowledged after the erasure began is not there when it has ended."""
    (journey_id,) = town.db.execute(
        "select journey_id from core.journeys where user_id = %s and started_at >= %s",
        [ANNA, day(1)],
    ).fetchone()
    claims = json.dumps({"role": "authenticated", "sub": str(ANNA)})
    under_way = threading.Barrier(5, timeout=30)
    ends: list[str | None] = []

    def upload(number: int) -> None:
        with psycopg.connect(conninfo(town.db), autocommit=True) as session:
            session.execute("select set_config('request.jwt.claims', %s, false)", [claims])
            session.execute("set role authenticated")
            for batch in range(100_000):
                points = """
                    select api.record_points(%s, json_agg(json_build_object('lon', -77, 'lat', 38.9,
                        'recorded_at', now() - (%s::integer + n * 4) * interval '1 ms')))
                    from generate_series(%s::integer, %s::integer) as n"""
                try:
                    session.execute(points, [journey_id, number, batch * 50, batch * 50 + 49])
                except psycopg.Error as error:
                    ends.append(error.sqlstate)
                    return
                if batch == 3:
                    under_way.wait()

    threads = [threading.Thread(target=upload, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    under_way.wait()
    receipt = town.erase()
    for thread in threads:
        thread.join()
    assert ends == ["SR002"] * 4
    assert town.left() == 0
    assert receipt["removed"]["journey_points"] >= EVERYWHERE["journey_points"] + 4 * 4 * 50


def test_an_upload_under_way_is_waited_for(town: Town) -> None:
    """A batch that has read its journey and is committed later would stay for ever."""
    (journey_id,) = town.db.execute(
        "select journey_id from core.journeys where user_id = %s and started_at >= %s",
        [ANNA, day(1)],
    ).fetchone()
    claims = json.dumps({"role": "authenticated", "sub": str(ANNA)})
    erasure = threading.Thread(target=town.erase)
    waiting = "select from pg_locks where locktype = 'advisory' and not granted"
    with psycopg.connect(conninfo(town.db)) as session:
        session.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        session.execute("set local role authenticated")
        session.execute(
            """select api.record_points(%s, json_build_array(json_build_object(
                'recorded_at', now(), 'lon', -77, 'lat', 38.9)))""",
            [journey_id],
        )
        erasure.start()
        while erasure.is_alive() and town.db.execute(waiting).fetchone() is None:
            pass
        session.commit()
    erasure.join()
    assert town.left() == 0


def test_sessions_end_and_a_redis_that_is_gone_keeps_the_receipt_open(
    town: Town, redis_cluster: TestCluster
) -> None:
    sessions = f"sessions:{{{ANNA}}}"
    with redis_cluster.master_of(sessions).connect(redis_cluster.password) as redis:
        redis.hset(sessions, "her phone", "{}")
        done = town.run("erase", ANNA, "--yes", SAFEROUTE_REDIS_HOSTS="127.0.0.1:1")
        assert_refused(done, "sessions", "Run it again")
        assert town.left() == 0
        assert town.db.execute("select finished_at from core.erasures").fetchall() == [(None,)]
        assert redis.exists(sessions)
        town.erase()
        assert not redis.exists(sessions)


def test_an_archive_out_of_reach(town: Town, tmp_path: Path) -> None:
    (file,) = town.archives.glob(f"*{day(ARCHIVED[0]):%Y-%m-%d}*")
    file.rename(tmp_path / file.name)
    done = town.run("erase", ANNA, "--yes", "--json")
    assert_refused(done, "archives out of reach", file.name)
    receipt = json.loads(done.stdout)
    assert receipt["archives"][file.name]["result"] == "out of reach"
    assert town.left() == sum(town.archived().values()) == 0

    shutil.copy(tmp_path / file.name, file)
    town.restore(ARCHIVED[0])
    assert town.left() == 0, "restore leaves her out"
    receipt = town.erase()
    assert receipt["archives"][file.name]["result"] == "rewritten", "her journeys are gone by now"
    assert sum(town.archived().values()) == 0


def test_what_is_restored_is_everybody_elses(town: Town) -> None:
    start, end = day(ARCHIVED[0]), day(ARCHIVED[0] - 1)
    town.erase()
    town.restore(ARCHIVED[0])
    counts = town.db.execute(
        "select count(*) filter (where user_id = %s), count(*) filter (where user_id = %s),"
        " count(*) from core.journey_points where recorded_at >= %s and recorded_at < %s",
        [ANNA, BERT, start, end],
    )
    assert counts.fetchone() == (0, POINTS_A_DAY, POINTS_A_DAY + 90)


def test_what_a_killed_split_has_left_goes_too(town: Town) -> None:
    (period,) = town.db.execute(
        "select period::text from core.periods('core.journey_points') where lower_bound = %s",
        [day(2)],
    ).fetchone()
    town.db.execute(
        "select core.begin_repartition(%s::regclass, %s::regclass[], %s)",
        [period, [f"{period}_dqcj"], ["dqcjr", "dqcjq"]],
    )
    walk(town.db, ANNA, 2)  # its keys are logged for the split
    assert town.erase()["removed"]["journey_points"] == EVERYWHERE["journey_points"] + POINTS_A_DAY
    left = "select relname from pg_class where relname like 'repartition\\_%\\_log'"
    assert town.db.execute(left).fetchall() == []
    assert town.left() == 0


def test_a_day_that_stands_beside_the_set(town: Town) -> None:
    town.restore(ARCHIVED[0], "--beside")
    assert town.left() == sum(EVERYWHERE.values()) + POINTS_A_DAY
    query = (
        "select restored_as, keep_until from core.partition_archives"
        " where superseded_by is null and restored_as is not null"
    )
    before = town.db.execute(query).fetchall()
    town.erase()
    assert town.left() == sum(town.archived().values()) == 0
    assert town.db.execute(query).fetchall() == before, "the new file stands for the same table"


def test_a_replica_that_does_not_answer_keeps_the_receipt_open(town: Town) -> None:
    hosts = town.environment["SAFEROUTE_DATABASE_HOSTS"]
    absent = f"127.0.0.1:{free_port()}"
    done = town.run("erase", ANNA, "--yes", SAFEROUTE_DATABASE_HOSTS=f"{hosts},{absent}")
    assert_refused(done, absent, "does not answer", "run it again")
    assert town.receipts() == [(False, EVERYWHERE)]
    assert town.erase()["removed"] == EVERYWHERE
    assert [finished for finished, _ in town.receipts()] == [True]


def test_rows_to_which_no_journey_leads(town: Town) -> None:
    town.db.execute("create table core.by_hand as select * from core.journey_points")
    town.db.execute("delete from core.journeys where user_id = %s", [ANNA])
    done = town.run("erase", ANNA, "--yes")
    assert_refused(done, "by_hand", "does not belong to saferoute_owner")
    town.db.execute("alter table core.by_hand owner to saferoute_owner")
    town.erase()
    assert town.left() == 0
    query = "select count(*) filter (where user_id = %s), count(*) from core.by_hand"
    remaining, everybody = town.db.execute(query, [ANNA]).fetchone()
    assert (remaining, everybody > 0) == (0, True)


def test_a_dry_run_counts_and_changes_nothing(town: Town) -> None:
    before = others(town.db, town.archives), town.left(), town.archived()
    done = town.run("erase", ANNA, "--dry-run", "--json")
    counted = {entry["from"]: entry["rows"] for entry in json.loads(done.stdout)}
    in_files = {name: counted.pop(name) for name in list(counted) if name.endswith(".dump")}
    assert {name.removeprefix("core."): rows for name, rows in counted.items()} == EVERYWHERE
    assert in_files == town.archived()
    assert (others(town.db, town.archives), town.left(), town.archived()) == before
    assert town.receipts() == []


def test_a_receipt_finds_who_came_back_with_an_old_backup(town: Town, tmp_path: Path) -> None:
    copy = tmp_path / "receipt.json"
    town.run("erase", ANNA, "--yes", "--save", copy)
    assert_refused(town.run("erase", copy, "--yes"), "nothing of the person")
    walk(town.db, ANNA, 0)
    town.db.execute("delete from core.erasures")
    done = town.run("erase", copy, "--yes", "--json")
    assert json.loads(done.stdout)["removed"]["journey_points"] == POINTS_A_DAY
    assert town.left() == 0


def test_what_is_asked_wrongly(town: Town, tmp_path: Path) -> None:
    assert_refused(town.run("erase", "anna", "--yes"), "UUID")
    assert_refused(town.run("erase", "-", "--yes", stdin="anna\n"), "UUID")
    taken = tmp_path / "taken"
    taken.touch()
    assert_refused(town.run("erase", ANNA, "--yes", "--save", taken), "exists")
    assert_refused(town.run("receipt", taken), "neither the id of an erasure nor a receipt")
    assert_refused(town.run("receipt", ANNA), "no receipt")
    done = town.run("erase", ANNA)
    assert done.returncode == 1
    assert "It cannot be undone" in done.stderr
    assert town.left() == sum(EVERYWHERE.values())
    with psycopg.connect(conninfo(town.db), autocommit=True) as other:
        key = "pg_advisory_lock(hashtextextended('saferoute upkeep', 0))"
        other.execute(f"select {key}")
        assert_refused(town.run("erase", ANNA, "--yes"), "another upkeep command is at work")


def test_walking_again_after_an_erasure(town: Town) -> None:
    town.erase()
    walk(town.db, ANNA, 0)
    town.db.execute("create temporary table copied as select * from core.journey_points")
    assert town.db.execute("select core.remove_erased('pg_temp.copied')").fetchone() == (0,)
    assert town.erase()["removed"]["journey_points"] == POINTS_A_DAY
