"""Periods leave their set and come back, and every row is somewhere all the time."""

import json
import resource
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ops import archive, detaching, maintenance, restore, retention, upkeep
from ops.errors import OperatorError
from tests.command import saferoute_here
from tests.conftest import conninfo
from tests.upkeep import POINTS, day, fingerprint, make_day, state

START = day(40)
PERIOD = f"{START:%Y-%m-%d}"
WEEK = timedelta(days=7)


@pytest.fixture
def owner(environment: dict[str, str]) -> Iterator[psycopg.Connection]:
    with upkeep.exclusive() as connection:
        yield connection


@pytest.fixture
def points(owner: psycopg.Connection) -> upkeep.PartitionSet:
    return upkeep.find_set(owner, "journey_points")


def retire(owner: psycopg.Connection, entry: upkeep.PartitionSet) -> retention.Retired:
    period = retention.named(owner, entry, PERIOD, early=True)
    return retention.retire_period(owner, entry, period)


def release(db: psycopg.Connection) -> None:
    """Let the time pass for which restored periods are held."""
    db.execute("update core.partition_archives set keep_until = now() where keep_until is not null")


def test_what_is_due_is_archived_and_dropped(
    db: psycopg.Connection, environment: dict[str, str], tmp_path: Path
) -> None:
    make_day(db, START, 300)
    make_day(db, day(35), 30)
    make_day(db, day(3), 3)
    planned = json.loads(saferoute_here("partitions", "retire", "--dry-run", "--json").stdout)
    assert [(each["period"], each["rows"]) for each in planned] == [
        (PERIOD, 300),
        (f"{day(35):%Y-%m-%d}", 30),
    ]
    assert state(db, START) == "attached"

    done = saferoute_here("partitions", "retire", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["rows"] for each in json.loads(done.stdout)] == [300, 30]
    assert state(db, START) == "archived"
    assert fingerprint(db, POINTS)[0] == 3
    assert len(list((tmp_path / "archive").iterdir())) == 2
    again = saferoute_here("partitions", "retire")
    assert (again.returncode, again.stdout) == (0, "There are none.\n")
    again = saferoute_here("partitions", "retire", "journey_points", PERIOD)
    assert again.returncode == 0
    assert again.stdout == f"journey_points {PERIOD} has been retired already.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["journeys"], "journeys is not a partition set; there are crime_data, journey_points"),
        (["journey_points", "1999-01-01"], "journey_points has no period 1999-01-01"),
        (["journey_points", "yesterday"], "yesterday is not a period of journey_points"),
        (["journey_points", f"{day(0):%Y-%m-%d}", "--early"], "is not over: it cannot be retired"),
        (["journey_points", f"{day(3):%Y-%m-%d}"], "is not due"),
    ],
)
def test_a_wrong_period_is_one_line(
    db: psycopg.Connection, environment: dict[str, str], arguments: list[str], message: str
) -> None:
    refused = saferoute_here("partitions", "retire", *arguments)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert fingerprint(db, "core.partition_archives")[0] == 0


def test_what_has_never_been_cannot_be_restored(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    refused = saferoute_here("partitions", "restore", "journey_points", "1999-01-01")
    assert refused.returncode == 2
    assert refused.stderr == (
        "saferoute: journey_points 1999-01-01 neither stands nor is in an archive\n"
    )


def test_one_set_that_cannot_retire_stops_no_other(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    make_day(db, START, 300)
    db.execute("update partman.part_config set retention = '1 day' where control = 'occurred_at'")
    with psycopg.connect(conninfo(db)) as reader:
        reader.execute("select count(*) from core.crime_data")
        done = saferoute_here("partitions", "retire", "--patience", "0.3", "--json")
    assert done.returncode == 2
    assert "crime_data" in done.stderr
    assert [each["period"] for each in json.loads(done.stdout)] == [PERIOD]


def test_a_second_maintainer_is_refused(
    db: psycopg.Connection, owner: psycopg.Connection, environment: dict[str, str]
) -> None:
    make_day(db, START, 3)
    for command in (["maintain"], ["retire"], ["restore", "journey_points", PERIOD]):
        refused = saferoute_here("partitions", *command)
        assert refused.returncode == 2
        assert f"another upkeep command is at work (process {owner.info.backend_pid}" in (
            refused.stderr
        )
        assert refused.stderr.count("\n") == 1
    assert state(db, START) == "attached"


def test_a_detach_that_was_interrupted_is_finished(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    make_day(db, START, 300)
    before = fingerprint(db, POINTS)
    with psycopg.connect(conninfo(db), application_name="a long report") as reader:
        reader.execute("select count(*) from core.journey_points")
        stuck = saferoute_here("partitions", "retire", "--patience", "0.3")
        assert stuck.returncode == 2
        blocker = f"(process {reader.info.backend_pid}, a long report, is in a transaction since"
        assert "could not be detached within 0.3 s" in stuck.stderr
        assert blocker in stuck.stderr
        assert state(db, START) == "detaching"
        stuck = saferoute_here("partitions", "maintain", "--patience", "0.3")
        assert stuck.returncode == 2
        assert blocker in stuck.stderr
    assert saferoute_here("partitions", "maintain").returncode == 0
    assert state(db, START) == "archived"
    assert saferoute_here("partitions", "restore", POINTS, PERIOD).returncode == 0
    assert fingerprint(db, POINTS) == before


def test_what_was_detached_by_hand_is_archived_before_it_is_dropped(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    period = make_day(db, START, 300)
    db.execute(f"alter table core.journey_points detach partition {period}")
    assert retire(owner, points).rows == 300
    (kept,) = archive.archives(owner, POINTS)
    assert len(list(archive.rows(kept))) == 300
    assert state(db, START) == "archived"


@pytest.mark.parametrize(
    "change",
    [
        "insert into {0} select gen_random_uuid(), recorded_at, cell, user_id, geom"
        " from {0} limit 1",
        "update {0} set geom = st_point(1, 2, 4326) where cell = 's0000'",
        "delete from {0} where cell = 's0000'",
    ],
)
def test_rows_that_change_after_the_archive_are_archived_again(
    db: psycopg.Connection,
    owner: psycopg.Connection,
    points: upkeep.PartitionSet,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    period = make_day(db, START, 300)
    detach = detaching.detach

    def change_and_detach(*arguments: object) -> None:
        db.execute(change.format(period))
        detach(*arguments)

    monkeypatch.setattr(detaching, "detach", change_and_detach)
    retire(owner, points)
    (kept,) = archive.archives(owner, POINTS)
    restore.restore_period(owner, points, START, WEEK)
    assert fingerprint(db, period)[0] == kept.row_count
    assert fingerprint(db, "core.partition_archives")[0] == 2, "the first was superseded"
    rows = db.execute(f"select count(*) from {period} where st_x(geom) = 1").fetchone()
    assert rows == (100 if change.startswith("update") else 0,)


def test_only_an_archive_of_these_very_rows_allows_the_drop(
    db: psycopg.Connection, owner: psycopg.Connection
) -> None:
    period = make_day(db, START, 300)
    kept = archive.write(owner, POINTS, START, day(39), period)
    drop = "select core.drop_archived(%s, %s::regclass)"
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        owner.execute(drop, [kept.archive_id, period])
    db.execute(f"alter table core.journey_points detach partition {period}")
    db.execute(f"delete from {period} where cell = 's0000'")
    assert owner.execute(drop, [kept.archive_id, period]).fetchone() == (False,)
    assert fingerprint(db, period)[0] == 200


def test_a_full_disk_changes_nothing(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    make_day(db, START, 30_000)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OperatorError, match="cannot be written: File too large"):
            retire(owner, points)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert state(db, START) == "attached"
    assert fingerprint(db, POINTS)[0] == 30_000
    assert fingerprint(db, "core.partition_archives")[0] == 0


def test_a_period_comes_back_is_held_and_goes_again(
    db: psycopg.Connection, environment: dict[str, str], tmp_path: Path
) -> None:
    make_day(db, START, 300)
    before = fingerprint(db, POINTS)
    assert saferoute_here("partitions", "retire").returncode == 0
    (first,) = (tmp_path / "archive").iterdir()

    done = saferoute_here("partitions", "restore", "journey_points", PERIOD, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert (report["rows"], report["already_there"], report["erased"]) == (300, 0, 0)
    assert fingerprint(db, POINTS) == before
    name = report["table"]
    leaves = db.execute(
        "select leaf::text, lower_cell from core.leaves(%s::regclass)", [name]
    ).fetchall()
    assert leaves == [(f"{name}_default", None)], "the regions of today, which are none"

    again = saferoute_here("partitions", "restore", "journey_points", PERIOD)
    assert (again.returncode, "in its set already" in again.stdout) == (0, True)
    assert saferoute_here("partitions", "retire").stdout == "There are none.\n"
    refused = saferoute_here("partitions", "retire", "journey_points", PERIOD)
    assert "or it was restored and is held" in refused.stderr
    release(db)
    assert saferoute_here("partitions", "maintain").returncode == 0
    assert state(db, START) == "archived"
    (second,) = (tmp_path / "archive").iterdir()
    assert second != first, "the first archive is superseded, and its file gone"


def test_a_restored_period_has_the_regions_of_today(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    make_day(db, START, 300)
    retire(owner, points)
    db.execute("insert into core.regions (prefix, label) values ('dqcj', 'a'), ('u33d', 'b')")
    (done,) = restore.restore_period(owner, points, START, WEEK)
    leaves = db.execute("select lower_cell from core.leaves(%s::regclass)", [done.table]).fetchall()
    assert leaves == [("dqcj",), (None,)]


def test_beside_its_set_and_then_in_it(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    make_day(db, START, 300)
    before = fingerprint(db, POINTS)
    retire(owner, points)
    (beside,) = restore.restore_period(owner, points, START, WEEK, beside=True)
    assert beside.table is not None
    assert fingerprint(db, beside.table) == before
    assert fingerprint(db, POINTS)[0] == 0
    assert state(db, START) == "beside"
    assert restore.restore_period(owner, points, START, WEEK, beside=True) == []

    restore.restore_period(owner, points, START, WEEK)
    assert fingerprint(db, POINTS) == before
    assert db.execute("select to_regclass(%s)", [beside.table]).fetchone() == (None,)


def test_what_stood_beside_is_dropped_while_its_archive_is_sound(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet, tmp_path: Path
) -> None:
    make_day(db, START, 300)
    retire(owner, points)
    (beside,) = restore.restore_period(owner, points, START, WEEK, beside=True)
    assert maintenance.maintain_set(owner, points).retired == 0, "it is held"
    release(db)
    (file,) = (tmp_path / "archive").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert "is damaged" in (maintenance.maintain_set(owner, points).problem or "")
    assert fingerprint(db, beside.table)[0] == 300
    file.write_bytes(content)
    run = maintenance.maintain_set(owner, points)
    assert (run.retired, run.problem) == (1, None)
    assert state(db, START) == "archived"
    assert db.execute("select to_regclass(%s)", [beside.table]).fetchone() == (None,)


def test_a_period_begun_anew_is_joined(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    """Twice retired in two parts, the period comes back whole; rows in both parts count once."""
    period = make_day(db, START, 300)
    db.execute(f"create table public.first_part as select * from {period}")
    retire(owner, points)
    make_day(db, START, 30)
    db.execute(f"insert into {period} select * from public.first_part limit 5")
    before = db.execute(
        f"create table public.whole as select * from public.first_part union select * from {period}"
    ).rowcount
    assert before == 330
    retire(owner, points)
    assert len(archive.archives(owner, POINTS)) == 2
    done = restore.restore_period(owner, points, START, WEEK)
    assert [(each.rows, each.already_there) for each in done] == [(300, 0), (30, 5)]
    assert fingerprint(db, POINTS) == fingerprint(db, "public.whole")
    retire(owner, points)
    (kept,) = archive.archives(owner, POINTS)
    assert kept.row_count == 330


def test_a_detached_period_is_put_back(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    period = make_day(db, START, 300)
    before = fingerprint(db, POINTS)
    db.execute(f"alter table core.journey_points detach partition {period}")
    restore.restore_period(owner, points, START, WEEK)
    assert fingerprint(db, POINTS) == before
    assert maintenance.maintain_set(owner, points).retired == 0, "it is held"


def test_columns_that_were_added_since_have_their_default(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    make_day(db, START, 300)
    retire(owner, points)
    db.execute("alter table core.journey_points add altitude_m real not null default 7")
    db.execute("create index on core.journey_points (altitude_m)")
    (done,) = restore.restore_period(owner, points, START, WEEK)
    rows = db.execute("select count(*) from core.journey_points where altitude_m = 7").fetchone()
    assert rows == (300,)
    retire(owner, points)
    db.execute("alter table core.journey_points drop altitude_m")
    with pytest.raises(OperatorError, match=r'column "altitude_m" of relation .* does not exist'):
        restore.restore_period(owner, points, START, WEEK)
    assert state(db, START) == "archived"
    standing = db.execute("select count(*) from pg_class where relname like '%%restoring%%'")
    assert standing.fetchone() == (0,)
    assert done.rows == 300


def test_who_was_erased_does_not_come_back(
    db: psycopg.Connection, owner: psycopg.Connection, points: upkeep.PartitionSet
) -> None:
    period = make_day(db, START, 300)
    db.execute(
        "insert into core.erasures (user_digest, removed)"
        f" select core.user_digest(user_id), '{{}}' from {period} limit 2"
    )
    retire(owner, points)
    (done,) = restore.restore_period(owner, points, START, WEEK)
    assert (done.rows, done.erased) == (298, 2)
    assert fingerprint(db, POINTS)[0] == 298
