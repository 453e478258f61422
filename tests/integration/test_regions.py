"""Splits, merges and default leaves under ingest, with the command killed at any moment."""

import contextlib
import json
import os
import random
import subprocess
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.command import owners_environment, saferoute, saferoute_here, start_saferoute
from tests.conftest import conninfo

REGIONS = ("ez3f", "ez3g", "ez3u", "ez3c", "ez39")
WALKER = "00000000-0000-4000-8000-00000000000a"
TODAY = "core.make_period('core.journey_points', now())"
LEAVES = f"select lower_cell from core.leaves({TODAY}) where lower_cell is not null order by 1"
# Random positions in a region (%s), so that no leaf and no statistics are degenerate.
POSITION = """
st_setsrid(st_translate(st_centroid(st_geomfromgeohash(%s)),
    (random() - 0.5) * 0.3, (random() - 0.5) * 0.15), 4326)
"""
ROWS = f"""
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select gen_random_uuid(), now(), st_geohash(p, 5), gen_random_uuid(), p
from (select {POSITION} from generate_series(1, %s)) as t (p)
"""
REMAINS = """
select relname::text from pg_class where relname ~ '^repartition_[0-9]'
union all select tgname::text from pg_trigger where tgname = '_900_log_change'
union all select conname::text from pg_constraint
    where conname in ('repartition_bounds', 'repartition_guard')
union all select proname::text from pg_proc where proname ~ '^repartition_[0-9]'
"""


class Walkers:
    """Sessions that record points in these regions and delete some, and know what must be there."""

    def __init__(self, db: psycopg.Connection, regions: tuple[str, ...], sessions: int = 2) -> None:
        self.db, self.regions = db, regions
        self.places = [
            db.execute(f"select st_x(p), st_y(p) from (select {POSITION}) as t (p)", [r]).fetchone()
            for r in regions
            for _ in range(40)
        ]
        self.stored: set[tuple[uuid.UUID, datetime]] = set()
        self.slowest = 0.0
        self._stop = threading.Event()
        self._problems: list[BaseException] = []
        self._threads = [threading.Thread(target=self._guard) for _ in range(sessions)]

    def __enter__(self) -> "Walkers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._problems, self._problems

    def _guard(self) -> None:
        try:
            with psycopg.connect(conninfo(self.db), autocommit=True) as session:
                self._walk(session)
        except BaseException as problem:
            self._problems.append(problem)

    def _walk(self, session: psycopg.Connection) -> None:
        claims = json.dumps({"role": "authenticated", "sub": WALKER})
        session.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        session.execute("set role authenticated")
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        journey, at = uuid.uuid4(), max(now - timedelta(hours=1), midnight)
        session.execute(
            "select api.start_journey(%s, %s, %s, started_at => %s)",
            [journey, *self.places[0], at],
        )
        while not self._stop.is_set():
            times = [at + timedelta(milliseconds=n) for n in range(100)]
            at += timedelta(milliseconds=100)
            began = time.monotonic()
            self._record(session, journey, times)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.stored.update((journey, moment) for moment in times)
            if random.random() < 0.2:
                self._delete(session, journey, times[:10])

    def _record(
        self, session: psycopg.Connection, journey: uuid.UUID, times: list[datetime]
    ) -> None:
        places = random.choices(self.places, k=len(times))
        points = [
            {"recorded_at": moment.isoformat(), "lon": lon, "lat": lat}
            for moment, (lon, lat) in zip(times, places, strict=True)
        ]
        row = session.execute(
            "select api.record_points(%s, %s)", [journey, json.dumps(points)]
        ).fetchone()
        assert row[0] == {"accepted": len(times), "duplicates": 0, "quarantined": []}

    def _delete(
        self, session: psycopg.Connection, journey: uuid.UUID, times: list[datetime]
    ) -> None:
        session.execute("reset role")
        session.execute(
            "delete from core.journey_points where journey_id = %s and recorded_at = any(%s)",
            [journey, times],
        )
        session.execute("set role authenticated")
        self.stored.difference_update((journey, moment) for moment in times)

    def check(self) -> None:
        """Every point that was acknowledged is there, once; none that was deleted."""
        rows = self.db.execute(
            "select journey_id, recorded_at from core.journey_points where user_id = %s", [WALKER]
        ).fetchall()
        assert len(rows) == len(self.stored) == len(set(rows) & self.stored)


@pytest.fixture
def environment(db: psycopg.Connection) -> dict[str, str]:
    found = owners_environment(db)
    db.autocommit = True
    db.execute("set role saferoute_owner")
    return found


def add_regions(db: psycopg.Connection, *prefixes: str, rows: int = 2000) -> None:
    """Regions with a leaf today, and rows in them."""
    db.execute("insert into core.regions select unnest(%s::text[]), 'Porto'", [list(prefixes)])
    db.execute(
        "select core.make_period('core.journey_points', now(), %s::text[])", [list(prefixes)]
    )
    for prefix in prefixes:
        db.execute(ROWS, [prefix, rows])


def leaves(db: psycopg.Connection) -> list[str]:
    return [cell for (cell,) in db.execute(LEAVES)]


def children(*prefixes: str) -> list[str]:
    return sorted(p + c for p in prefixes for c in "0123456789bcdefghjkmnpqrstuvwxyz")


def go_on(environment: dict[str, str], *arguments: str) -> None:
    """The command until it ends well: the session of a killed one frees its lock within 1 s."""
    while True:
        ended = saferoute(*arguments, **environment)
        if "another upkeep command" not in ended.stderr:
            break
    assert ended.returncode == 0 or "already" in ended.stderr, ended.stderr


def test_splits_under_ingest_lose_nothing(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    print(f"SEED={seed}")
    moments = random.Random(seed)
    add_regions(db, *REGIONS)
    before = db.execute("select count(*) from core.journey_points").fetchone()[0]
    with Walkers(db, REGIONS) as walkers:
        began = time.monotonic()
        go_on(environment, "partitions", "split", REGIONS[0])
        whole = time.monotonic() - began
        for region in REGIONS[1:4]:
            killed = start_saferoute("partitions", "split", region, **environment)
            with contextlib.suppress(subprocess.TimeoutExpired):
                killed.wait(moments.uniform(0.1, 1) * whole)
            killed.kill()
            killed.wait()
            go_on(environment, "partitions", "split", region)
        go_on(environment, "partitions", "split", REGIONS[4])
    walkers.check()
    print(f"slowest batch {walkers.slowest * 1000:.0f} ms")
    after = db.execute("select count(*) from core.journey_points").fetchone()[0]
    assert after == before + len(walkers.stored)
    assert leaves(db) == children(*REGIONS)
    assert db.execute(REMAINS).fetchall() == []


def test_merge_reverses(db: psycopg.Connection, environment: dict[str, str]) -> None:
    """Also where not every child has a leaf and rows of the others stand in the default leaf."""
    add_regions(db, "ez3f", "ez3g", rows=500)
    rows = "select * from core.journey_points order by journey_id"
    before = db.execute(rows).fetchall()
    assert saferoute_here("partitions", "split", "ez3f", **environment).returncode == 0
    tomorrow = "core.make_period('core.journey_points', now() + interval '1 day', '{ez3f0,ez3fz}')"
    db.execute(f"select {tomorrow}")
    db.execute(
        "insert into core.journey_points select journey_id, recorded_at + interval '1 day',"
        " cell, user_id, geom from core.journey_points"
    )
    assert saferoute_here("partitions", "merge", "ez3f", **environment).returncode == 0
    assert leaves(db) == ["ez3f", "ez3g"]
    assert [cell for (cell,) in db.execute(LEAVES.replace(TODAY, tomorrow))] == ["ez3f"]
    assert [prefix for (prefix,) in db.execute("select prefix from core.regions order by 1")] == [
        "ez3f",
        "ez3g",
    ]
    after = db.execute(rows.replace("order", "where recorded_at <= now() order")).fetchall()
    assert after == before
    where = (
        "select right(tableoid::regclass::text, 5), count(*) from core.journey_points"
        " where recorded_at > now() group by 1 order by 1"
    )
    assert db.execute(where).fetchall() == [("_ez3f", 500), ("fault", 500)]
    assert db.execute(REMAINS).fetchall() == []


def test_default_leaf_under_ingest(db: psycopg.Connection, environment: dict[str, str]) -> None:
    places = ("ez3f", "ez3g", "gcpv")
    for place in places:
        db.execute(ROWS, [place, 2000])
    db.execute("insert into core.regions values ('ez3f', 'Porto'), ('ez3g', 'Porto')")
    with Walkers(db, places[:2]) as walkers:
        assert saferoute_here("partitions", "regions", "fill", **environment).returncode == 0
    walkers.check()
    assert leaves(db) == ["ez3f", "ez3g"]
    default = f"(select leaf from core.leaves({TODAY}) where lower_cell is null)"
    rows = db.execute(
        f"select count(*), count(*) filter (where cell like 'gcpv%%') from core.journey_points"
        f" where tableoid = {default}"
    ).fetchone()
    assert rows == (2000, 2000)
    again = saferoute_here("partitions", "regions", "fill", **environment)
    assert again.stdout == "There are none.\n"
    assert db.execute(REMAINS).fetchall() == []


def test_maintain_moves_rows_and_undoes_what_was_killed(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    db.execute(ROWS, ["ez3f", 100])
    db.execute("insert into core.regions values ('ez3f', 'Porto')")
    db.execute("select core.begin_repartition(period, old_leaves, prefixes) from core.fill_plan()")
    assert len(db.execute(REMAINS).fetchall()) == 6
    ended = saferoute_here("partitions", "maintain", "journey_points", **environment)
    assert ended.returncode == 0, ended.stderr
    assert leaves(db) == ["ez3f"]
    assert db.execute(REMAINS).fetchall() == []
    states = "select array_agg(state order by repartition_id) from core.repartitions"
    assert db.execute(states).fetchone()[0] == ["abandoned", "done"]


def test_a_dry_run_changes_nothing(db: psycopg.Connection, environment: dict[str, str]) -> None:
    add_regions(db, "ez3f", rows=10)
    ended = saferoute_here("partitions", "split", "ez3f", "--dry-run", "--json", **environment)
    (row,) = json.loads(ended.stdout)
    assert (row["set"], row["leaves"], row["new leaves"]) == ("journey_points", 1, 32)
    assert leaves(db) == ["ez3f"]
    assert db.execute("select prefix from core.regions").fetchall() == [("ez3f",)]
    assert db.execute("select from core.repartitions").fetchall() == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("split", "ez3a"), "ez3a is not a geohash prefix"),
        (("split", "EZ3F"), "EZ3F is not a geohash prefix"),
        (("split", "ez3fb"), "it has no children"),
        (("split", "gcpv"), "gcpv is not a region"),
        (("split", "ez3"), "ez3 has been split already"),
        (("merge", "ez3f"), "ez3f is one region already"),
        (("merge", "ez3fb"), "it has no children"),
        (("merge", "gcp"), "gcp has no regions below it"),
        (("merge", "e"), "e cannot be merged while its child ez is split"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_refused(
    db: psycopg.Connection, environment: dict[str, str], arguments: tuple[str, str], reason: str
) -> None:
    add_regions(db, "ez3f", "ez3g", rows=1)
    ended = saferoute_here("partitions", *arguments, **environment)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert leaves(db) == ["ez3f", "ez3g"]
    assert db.execute("select prefix from core.regions order by 1").fetchall() == [
        ("ez3f",),
        ("ez3g",),
    ]


def test_a_second_maintainer_is_refused(
    db: psycopg.Connection, environment: dict[str, str]
) -> None:
    add_regions(db, "ez3f", rows=1)
    db.execute("select pg_advisory_lock(hashtextextended('saferoute upkeep', 0))")
    ended = saferoute_here("partitions", "split", "ez3f", **environment)
    assert ended.returncode == 2
    assert "another upkeep command is at work" in ended.stderr
    assert leaves(db) == ["ez3f"]


def test_after_a_split(db: psycopg.Connection, environment: dict[str, str]) -> None:
    """New periods have the new leaves; a walk is read from its own, and by its walker only."""
    add_regions(db, "ez3f", rows=200)
    with Walkers(db, ("ez3f",), sessions=1) as walkers:
        assert saferoute_here("partitions", "split", "ez3f", **environment).returncode == 0
    db.execute(
        "update partman.part_config set premake = premake + 1"
        " where parent_table = 'core.journey_points'"
    )
    db.execute("select core.ensure_partitions()")
    newest = db.execute(
        "select array_agg(l.lower_cell order by l.lower_cell) from core.leaves(("
        " select period from core.periods('core.journey_points') order by lower_bound desc limit 1"
        ")) as l where l.lower_cell is not null"
    ).fetchone()[0]
    assert newest
    assert set(newest) <= set(children("ez3f"))

    journey = next(iter(walkers.stored))[0]
    cells = db.execute(
        "select array_agg(distinct cell) from core.journey_points where journey_id = %s", [journey]
    ).fetchone()[0]
    for person, count in ((WALKER, 1), (str(uuid.uuid4()), 0)):
        with psycopg.connect(conninfo(db)) as session:
            claims = json.dumps({"role": "authenticated", "sub": person})
            session.execute("select set_config('request.jwt.claims', %s, false)", [claims])
            session.execute("set role authenticated")
            if count == 0:
                with pytest.raises(psycopg.Error, match="journey"):
                    session.execute("select api.journey_track(%s)", [journey])
                continue
            session.execute("select api.journey_track(%s)", [journey])
            opened = session.execute(
                "select count(*) from pg_locks as l inner join pg_class as c on c.oid = l.relation"
                " where l.pid = pg_backend_pid() and c.relkind = 'r' and c.relispartition"
            ).fetchone()[0]
            assert opened == len(cells) < 32


def test_suggest(db: psycopg.Connection, environment: dict[str, str]) -> None:
    add_regions(db, "ez3f", rows=3000)
    db.execute("analyze core.journey_points")
    suggest = ("partitions", "regions", "suggest", "--json", "--rows")
    (row,) = json.loads(saferoute_here(*suggest, "2000", **environment).stdout)
    assert (row["action"], row["prefix"], row["row_estimate"]) == ("split", "ez3f", 3000)
    assert saferoute_here("partitions", "split", "ez3f", **environment).returncode == 0
    (row,) = json.loads(saferoute_here(*suggest, "40000", **environment).stdout)
    assert (row["action"], row["prefix"], row["row_estimate"]) == ("merge", "ez3f", 3000)
    listed = json.loads(
        saferoute_here("partitions", "regions", "list", "--json", **environment).stdout
    )
    assert [row["prefix"] for row in listed] == children("ez3f")
    assert {row["leaves"] for row in listed} == {1}
    assert sum(row["row_estimate"] for row in listed) == 3000
