"""Small posts that are stored together: every caller gets what it would get alone."""

import asyncio
import contextlib
import datetime
import itertools
import json
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.lines import Line, at_once, lines
from tests.contract.serving import Api, bearer, serve
from tests.contract.test_rpc import assert_error

LON, LAT = -77.03, 38.9
GONE_DAYS = 20
"""The day so long ago has no partition."""
ALONE = b" " * 2048
"""Behind a body it makes the call too large to be stored with others."""
_MOMENTS = itertools.count()


@dataclass
class Walk:
    """A journey and its person."""

    journey_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    person: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def headers(self) -> dict[str, str]:
        return {**bearer(sub=self.person), "Content-Type": "application/json"}

    def body(self, points: str) -> bytes:
        return f'{{"journey_id":"{self.journey_id}","points":{points}}}'.encode()


def at(**back: float) -> str:
    """A moment that was never used before."""
    back = back or {"hours": 2}
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**back)
    moment += datetime.timedelta(milliseconds=next(_MOMENTS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def point(recorded_at: str | None = None, **more: object) -> dict[str, object]:
    return {"recorded_at": recorded_at or at(), "lon": LON, "lat": LAT, **more}


def start(database: psycopg.Connection, walks: list[Walk], ended_at: str | None = None) -> None:
    database.cursor().executemany(
        "insert into core.journeys (journey_id, user_id, cell, started_at, origin, ended_at)"
        " select %s, %s, st_geohash(p, 5), now() - interval '28 days', p, %s"
        " from st_point(%s, %s, 4326) as p",
        [(walk.journey_id, walk.person, ended_at, LON, LAT) for walk in walks],
    )


def stored(database: psycopg.Connection, walk: Walk) -> int:
    query = "select count(*) from core.journey_points where journey_id = %s"
    row = database.execute(query, [walk.journey_id]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def gap(database: psycopg.Connection) -> None:
    """A day that has no partition."""
    row = database.execute(
        "select period::text from core.periods('core.journey_points')"
        " where lower_bound = date_trunc('day', now(), 'UTC') - %s * interval '1 day'",
        [GONE_DAYS],
    ).fetchone()
    assert row is not None
    database.execute(f"drop table {row[0]}")


async def post(api: Api, *calls: tuple[Walk, bytes]) -> list[httpx.Response]:
    """The answers to calls that are made at the same moment."""
    return await at_once(api.url, "record_points", [(body, walk.headers) for walk, body in calls])


def single(walk: Walk) -> tuple[Walk, bytes]:
    """A call with one good point."""
    return walk, walk.body(json.dumps([point()]))


def kinds(random: random.Random, sent: list[str]) -> Iterator[str]:
    """The points of one call of every kind, as JSON text."""
    same = json.dumps(point())
    yield json.dumps([point()])
    yield json.dumps([point() for _ in range(5)])
    yield f"[{same},{same}]"
    yield from random.sample(sent, min(2, len(sent)))
    yield json.dumps([point(speed_mps=-1, accuracy_m=1e9, battery_pct=101), point(speed_mps=1.5)])
    yield json.dumps([point(lat=LAT + 2.6), point(lon=LON - 2.6)])
    for extra in (
        {"lon": "west"},
        {"lon": str(LON), "lat": "38.9"},
        {"lon": "NaN"},
        {"lon": None},
        {"lon": 500},
        {"lat": 90.0001},
        {"lat": LAT + 3},
        {"lon": LAT, "lat": LON},
        {"speed_mps": "fast"},
        {"battery_pct": [1]},
        {"recorded_at": None},
        {"recorded_at": 1795431600},
        {"recorded_at": "2026-13-45T00:00:00Z"},
        {"recorded_at": at()[:-1]},
        {"recorded_at": at()[:-1] + "+00:00"},
        {"recorded_at": at().replace("T", " ")},
        {"recorded_at": at(days=40)},
        {"recorded_at": at(days=-1)},
        {"recorded_at": at(days=GONE_DAYS)},
        {"note": "\0"},
        {"note": "\ud800"},
    ):
        yield json.dumps([point(**extra)])
        yield json.dumps([point(), point(**extra)])
    yield json.dumps([point()]).replace(str(LAT), "1e999")
    yield json.dumps([point()]).replace(str(LAT), "38.90000000000000000000001")
    yield from ("null", "[]", "{}", '"many"', "[7]", "[[]]", "[null]", "7")


def kept(database: psycopg.Connection, walk: Walk) -> list[object]:
    """All that is stored of a journey, without its ids."""
    return [
        database.execute(query, [walk.journey_id]).fetchall()
        for query in (
            "select recorded_at, cell, geom::text, speed_mps, accuracy_m, battery_pct"
            " from core.journey_points where journey_id = %s order by 1, 2",
            "select reason, point::text, recorded_at from core.point_quarantine"
            " where journey_id = %s order by digest",
            "select points_from, points_until, (select array_agg(c order by c) from unnest(cells)"
            " as c) from core.journeys where journey_id = %s",
        )
    ]


@pytest.mark.usefixtures("gap")
async def test_every_call_is_answered_and_stored_as_it_would_be_alone(
    database: psycopg.Connection, api: Api
) -> None:
    chance = random.Random(4)
    pairs = [(Walk(), Walk()) for _ in range(40)]
    start(database, [walk for pair in pairs for walk in pair])
    sent: dict[str, list[str]] = {together.journey_id: [] for together, _ in pairs}
    seen: set[str] = set()
    for _ in range(15):
        calls = [chance.choice(list(kinds(chance, sent[walk.journey_id]))) for walk, _ in pairs]
        answers = await post(
            api,
            *((walk, walk.body(points)) for (walk, _), points in zip(pairs, calls, strict=True)),
            *((w, w.body(points) + ALONE) for (_, w), points in zip(pairs, calls, strict=True)),
        )
        for number, ((together, alone), points) in enumerate(zip(pairs, calls, strict=True)):
            one, other = answers[number], answers[number + len(pairs)]
            assert one.status_code == other.status_code, points
            text = one.text.replace(together.journey_id, "the journey")
            assert text == other.text.replace(alone.journey_id, "the journey"), points
            seen.add(text)
            sent[together.journey_id].append(points)
    for together, alone in pairs:
        assert kept(database, together) == kept(database, alone)
    reasons = ("unreadable", "time", "position", "far", "period", "SR019", "SR020")
    assert all(any(reason in answer for answer in seen) for reason in reasons)


async def test_200_at_once_of_as_many_people(database: psycopg.Connection, api: Api) -> None:
    walks = [Walk() for _ in range(200)]
    start(database, walks)
    for _ in range(3):
        answers = await post(api, *map(single, walks))
        assert {answer.text for answer in answers} == {
            '{"accepted" : 1, "duplicates" : 0, "quarantined" : []}'
        }
    assert {stored(database, walk) for walk in walks} == {3}


async def test_nobody_adds_to_the_journey_of_somebody_else(
    database: psycopg.Connection, api: Api
) -> None:
    walks = [Walk() for _ in range(50)]
    start(database, walks)
    thieves = [Walk(walk.journey_id) for walk in walks]
    answers = await post(api, *map(single, walks + thieves))
    for answer in answers[:50]:
        assert answer.json()["accepted"] == 1
    for answer in answers[50:]:
        assert_error(answer, 404, "SR002")
    assert {stored(database, walk) for walk in walks} == {1}


async def test_an_ended_journey(database: psycopg.Connection, api: Api) -> None:
    walk = Walk()
    start(database, [walk], at(hours=3))
    early, late = (walk.body(json.dumps([point(at(hours=hours))])) for hours in (4, 2))
    answers = await post(api, (walk, early), (walk, late))
    assert answers[0].json() == {"accepted": 1, "duplicates": 0, "quarantined": []}
    assert answers[1].json()["quarantined"] == [{"index": 0, "reason": "ended"}]


@pytest.mark.parametrize("sub", [None, "", "nobody", "{a}"])
async def test_without_a_person_the_answer_is_the_ordinary_one(api: Api, sub: str | None) -> None:
    body = Walk().body(json.dumps([point()]))
    headers = {**bearer(sub=sub), "Content-Type": "application/json"}
    one, other = await at_once(api.url, "record_points", [(body, headers), (body + ALONE, headers)])
    assert one.status_code == other.status_code >= 400
    assert one.text == other.text


async def test_an_erasure_holds_up_only_its_person_and_nothing_comes_after_it(
    database: psycopg.Connection, api: Api, primary: Primary
) -> None:
    erased, *others = [Walk() for _ in range(30)]
    start(database, [erased, *others])
    with psycopg.connect(primary.conninfo("contract")) as connection:
        connection.execute("select core.begin_erasure(%s)", [erased.person])
        async with lines(api.url, 1) as [line]:
            body = erased.body(json.dumps([point()]))
            waiting = asyncio.create_task(line.post("record_points", body, erased.headers))
            for _ in range(3):
                answers = await post(api, *map(single, others))
                assert {answer.status_code for answer in answers} == {200}
            assert not waiting.done()
            connection.commit()
            assert_error(await waiting, 404, "SR002")
    assert stored(database, erased) == 0


async def test_what_was_acknowledged_survives_the_sudden_death_of_the_api(
    database: psycopg.Connection, primary: Primary
) -> None:
    walks = [Walk() for _ in range(60)]
    start(database, walks)
    acknowledged = dict.fromkeys((walk.journey_id for walk in walks), 0)
    enough = asyncio.Event()

    async def follow(line: Line, walk: Walk) -> None:
        with contextlib.suppress(httpx.ReadError):
            while True:
                _, body = single(walk)
                answer = await line.post("record_points", body, walk.headers)
                acknowledged[walk.journey_id] += answer.json()["accepted"]
                if sum(acknowledged.values()) > 1000:
                    enough.set()

    with serve([primary.port], "contract", primary.password) as api:
        async with lines(api.url, len(walks)) as opened:
            following = [
                asyncio.create_task(follow(line, walk))
                for line, walk in zip(opened, walks, strict=True)
            ]
            await enough.wait()
            api.process.kill()
            await asyncio.gather(*following)
    for walk in walks:
        assert acknowledged[walk.journey_id] <= stored(database, walk)


async def test_two_processes_may_store_the_same_points_in_opposite_order(
    database: psycopg.Connection, primary: Primary, api: Api
) -> None:
    walks = [Walk() for _ in range(60)]
    start(database, walks)
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    before = database.execute(deadlocks).fetchone()
    # A day and a cell of its own for each: every one widens its journey.
    calls = [
        (walk, walk.body(json.dumps([point(at(days=day), lat=LAT + day / 10)])))
        for day in range(1, 12)
        for walk in walks
    ]
    with serve([primary.port], "contract", primary.password) as second:
        answers = await asyncio.gather(post(api, *calls), post(second, *calls[::-1]))
    both = [answer for each in answers for answer in each]
    assert {answer.status_code for answer in both} == {200}
    assert sum(answer.json()["accepted"] for answer in both) == len(calls)
    assert database.execute(deadlocks).fetchone() == before
    for walk in walks:
        assert stored(database, walk) == 11
        row: Any = database.execute(
            "select cardinality(cells), points_until - points_from >= interval '11 days'"
            " from core.journeys where journey_id = %s",
            [walk.journey_id],
        ).fetchone()
        assert row == (11, True)


@pytest.mark.parametrize("are_same", [True, False])
def test_two_statements_for_the_same_journeys_in_another_order_do_not_wait_for_each_other(
    database: psycopg.Connection, primary: Primary, are_same: bool
) -> None:
    walks = [Walk() for _ in range(30)]
    start(database, walks)
    moments = [at(days=1 + number % 12) for number in range(30)]
    together = threading.Barrier(2)

    def store(speed: int) -> int:
        chance, accepted = random.Random(speed), 0
        conninfo = f"{primary.conninfo('contract')} user=authenticator"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for number, moment in enumerate(moments):
                # Every round widens the journeys by a cell.
                lat = LAT + number / 20
                recorded_at = moment if are_same else moment.replace("Z", f"{speed}Z")
                points = json.dumps([point(recorded_at, lat=lat)])
                shuffled = chance.sample(walks, len(walks))
                bodies = b",".join(walk.body(points) for walk in shuffled).decode()
                together.wait(30)
                row: Any = connection.execute(
                    "select core.record_points_together(%s::uuid[], %s::json)",
                    [[walk.person for walk in shuffled], f"[{bodies}]"],
                ).fetchone()
                accepted += sum(json.loads(answer)["accepted"] for answer in row[0])
        return accepted

    with ThreadPoolExecutor() as threads:
        accepted = sum(threads.map(store, (1, 2)))
    assert accepted == len(walks) * len(moments) * (1 if are_same else 2)


async def test_a_batch_that_is_sent_twice_at_once_in_opposite_order(
    database: psycopg.Connection, api: Api
) -> None:
    walks = [Walk() for _ in range(4)]
    start(database, walks)
    for _ in range(4):
        points = [point(at(days=1 + n % 3), lat=LAT + n / 1000) for n in range(2000)]
        answers = await post(
            api,
            *((walk, walk.body(json.dumps(points))) for walk in walks),
            *((walk, walk.body(json.dumps(points[::-1]))) for walk in walks),
        )
        assert [answer.status_code for answer in answers] == [200] * 8
        assert sum(answer.json()["accepted"] for answer in answers) == 4 * 2000
