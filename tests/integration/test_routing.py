"""Routes on real streets: never worse than a search over the whole city, and whole."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import psycopg
import pytest
from psycopg.rows import dict_row
from pytest_postgresql import factories

from bench.routing.oracle import least_cost
from tests.conftest import Primary, wait_for_replay

monaco_db = factories.postgresql("monaco")
washington_db = factories.postgresql("washington")

AT = datetime(2016, 2, 5, 22, tzinfo=UTC)
PAIRS = 30


@pytest.fixture(params=["monaco_db", "washington_db"])
def city(request: pytest.FixtureRequest) -> psycopg.Connection:
    """A city with risk that differs from street to street, unknown and one-way ones among them."""
    connection = request.getfixturevalue(request.param)
    connection.execute("""
        update core.road_links
        set all_density = case when edge_id % 11 = 0 then null
                else ((hashint8(edge_id) % 1000 + 1000) / 2000.0) ^ 3 end,
            street_density = case when edge_id % 11 = 0 then null else 0 end,
            neighbourhood = 1,
            walkable_direction = case edge_id % 17 when 0 then 1 when 1 then -1
                else walkable_direction end
    """)
    connection.execute("delete from core.risk_factors")
    connection.execute("""
        insert into core.risk_factors (city_id, week_hour, all_factors, street_factors, mean_risk)
        select city_id, hour, '{1}', '{0}', 0.25
        from core.cities cross join generate_series(1, 48) as hour
    """)
    connection.commit()
    return connection


def scalar(connection: psycopg.Connection, query: str, *arguments: object) -> object:
    return connection.execute(query, arguments).fetchone()[0]


@pytest.mark.parametrize("aversion", [0, 3, 12])
def test_no_walk_of_the_whole_city_costs_less(city: psycopg.Connection, aversion: float) -> None:
    city_id = scalar(city, "select city_id from core.cities")
    edges = [row[0] for row in city.execute("select edge_id from core.road_links order by 1")]
    dice = random.Random(aversion)
    found = 0
    for _ in range(PAIRS):
        start = (dice.choice(edges), dice.choice([0.0, dice.random(), 1.0]))
        end = (dice.choice(edges), dice.random())
        path = city.execute(
            "select cost, proven_optimal from core.find_path(%s, %s, %s, %s, %s, %s, %s)",
            [city_id, *start, *end, AT, aversion],
        ).fetchone()
        best = least_cost(city, city_id, start, end, AT, aversion)
        assert path == (best and pytest.approx(best, rel=1e-9), best is not None)
        found += best is not None
    assert found > PAIRS * 2 / 3


LEGS = """
    select u.i, u.f, u.t, e.source, e.target, l.walkable_direction,
        (u.t - u.f) * e.length_m as walked
    from core.find_path(%s, %s, %s, %s, %s, %s, %s) as p
    cross join lateral unnest(p.edge_ids, p.from_fractions, p.to_fractions)
        with ordinality as u (edge_id, f, t, i)
    inner join core.road_edges as e using (edge_id)
    inner join core.road_links as l using (edge_id)
    order by u.i
"""


def test_each_leg_begins_where_the_last_one_ended(city: psycopg.Connection) -> None:
    city_id = scalar(city, "select city_id from core.cities")
    edges = [row[0] for row in city.execute("select edge_id from core.road_links order by 1")]
    dice = random.Random(1)
    with city.cursor(row_factory=dict_row) as cursor:
        for _ in range(PAIRS):
            ends = (dice.choice(edges), dice.random(), dice.choice(edges), dice.random())
            legs = cursor.execute(LEGS, [city_id, *ends, AT, 3]).fetchall()
            assert all(leg["walked"] * leg["walkable_direction"] >= 0 for leg in legs)
            for leg, following in pairwise(legs):
                assert leg["t"] in (0, 1)
                assert following["f"] in (0, 1)
                arrived = leg["target"] if leg["t"] else leg["source"]
                assert arrived == (following["target"] if following["f"] else following["source"])


def test_lines_and_lengths_add_up(city: psycopg.Connection) -> None:
    corners = city.execute("""
        select st_x(geom), st_y(geom) from core.road_vertices
        where vertex_id in (select source from core.road_links)
        order by md5(vertex_id::text) limit 20
    """).fetchall()
    walked = "select st_length(st_setsrid(st_geomfromgeojson(%s), 4326)::geography)"
    for start, end in pairwise(corners):
        try:
            answer = scalar(city, "select api.safe_routes(%s, %s, %s, %s, %s)", *start, *end, AT)
        except psycopg.errors.Error as error:
            assert error.sqlstate == "SR012"  # noqa: PT017
            city.rollback()
            continue
        exposures = []
        for feature in answer["features"]:
            told, line = feature["properties"], feature["geometry"]["coordinates"]
            assert line[0] == pytest.approx(start, abs=2e-6)
            assert line[-1] == pytest.approx(end, abs=2e-6)
            length = scalar(city, walked, psycopg.types.json.Json(feature["geometry"]))
            assert told["length_m"] == pytest.approx(length, rel=2e-3, abs=1)
            assert sum(step["metres"] for step in told["steps"]) == pytest.approx(
                told["length_m"], abs=0.06 * len(told["steps"]) + 0.1
            )
            assert told["exposure"] == pytest.approx(
                told["risk"] * told["length_m"], rel=1e-2, abs=0.2
            )
            exposures.append(told["exposure"])
        assert exposures == sorted(exposures, reverse=True)


def test_a_standby_answers(
    monaco_db: psycopg.Connection, primary: Primary, standby: Primary
) -> None:
    start, end = monaco_db.execute("""
        select st_x(geom), st_y(geom) from core.road_vertices
        where vertex_id in (select source from core.road_links)
        order by md5(vertex_id::text) limit 2
    """).fetchall()
    ask = "select api.safe_routes(%s, %s, %s, %s, %s)"
    told = scalar(monaco_db, ask, *start, *end, AT)
    line = psycopg.types.json.Json(told["features"][0]["geometry"])
    judge = "select api.route_safety(%s::json::text, %s)"
    monaco_db.commit()
    wait_for_replay(primary, standby)
    with psycopg.connect(standby.conninfo(monaco_db.info.dbname)) as reader:
        assert scalar(reader, ask, *start, *end, AT) == told
        assert scalar(reader, judge, line, AT) == scalar(monaco_db, judge, line, AT)
