"""Does the risk of a place and an hour tell where the next quarter's street violence happens?

A city is made whose streets are the 50 m cells of wards 3 and 4, one stub of 10 m in each, so that
`core.refresh_risk()` itself says what it knew of every cell before each quarter began.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from bench.report import Result
from bench.risk.washington import ZONE, import_crimes, know_until, midnight, quarter_after

Floats = npt.NDArray[np.float64]
QUARTERS = [midnight(year, month) for year in (2015, 2016, 2017) for month in (1, 4, 7, 10)][:11]
WARDS = ("3", "4")
HOUR_SHARE = np.repeat([5, 2], 24) / 168
UNIFORM = 0.05  # mixed into every forecast, so that one surprise does not cost infinitely many bits
AREA = 0.05
GOAL_BITS, GOAL_PAI = 1.74, 9.15

_CITY = """
    insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
    values ('Wards', 'America/New_York', 32618, st_makeenvelope(-77.13, 38.89, -76.98, 39.0, 4326))
    returning city_id
"""
# Populated cells: those with a crime in the 7 x 7 cells around them, in any period.
_CELLS = """
    create table cells as
    select row_number() over (order by x, y) as edge_id, x, y from (
        select distinct floor(st_x(p) / 50) + dx as x, floor(st_y(p) / 50) + dy as y
        from held_back as h, st_transform(h.geom, 32618) as p,
            generate_series(-3, 3) as dx, generate_series(-3, 3) as dy
        where h.occurred_at >= '2012-01-01 America/New_York') as c
"""
_STUBS = """
    insert into core.road_edges (edge_id, city_id, osm_way_id, source, target, highway,
        walkable_direction, length_m, is_connected, geom)
    select c.edge_id, %(city)s, 0, c.edge_id, 0, 'cell', 0, 10, true, st_transform(st_makeline(
        st_setsrid(st_point(50 * c.x + 20, 50 * c.y + 25), 32618),
        st_setsrid(st_point(50 * c.x + 30, 50 * c.y + 25), 32618)), 4326)
    from cells as c;
"""
_LINKS = """
    insert into core.road_links (edge_id, city_id, source, target, walkable_direction, length_m,
        bounds, source_at, target_at)
    select edge_id, city_id, source, target, 0, length_m, box '((0,0),(1,1))', point '(0,0)',
        point '(1,1)'
    from core.road_edges
"""
_EVERYWHERE = """
    update core.crime_coverage set area = st_multi(st_makeenvelope(-78, 38, -76, 40, 4326)),
        area_method = 'given'
"""
_DENSITIES = """
    select l.neighbourhood, l.all_density, l.street_density from core.road_links as l
    order by l.edge_id
"""
_FACTORS = "select all_factors, street_factors from core.risk_factors order by week_hour"
_VIOLENCE = """
    select c.edge_id - 1, h.occurred_at from held_back as h
    inner join core.crime_categories as k using (category)
    cross join lateral st_transform(h.geom, 32618) as p
    inner join cells as c on c.x = floor(st_x(p) / 50) and c.y = floor(st_y(p) / 50)
    where k.is_street_violence and h.occurred_at >= %s and h.occurred_at < %s
"""


@dataclass(frozen=True)
class Score:
    """Of one quarter: its crimes, information gain (bits a crime), PAI at 5 % of the area-time."""

    crimes: int
    bits: float
    pai: float


def score(forecast: Floats, cells: npt.NDArray[np.int64], hours: npt.NDArray[np.int64]) -> Score:
    """Score a forecast of shape (cells, 48), in any unit per area and time, by what happened.

    Information gain: mean log2 of the forecast density over the uniform one. PAI (Chainey et al.
    2008): share of crimes in the 5 % of area-time forecast highest, over 5 %.
    """
    relative = forecast / (forecast @ HOUR_SHARE).mean()
    at_crimes = relative[cells, hours]
    bits = np.log2((1 - UNIFORM) * at_crimes + UNIFORM).mean()
    order = np.argsort(-relative, axis=None, kind="stable")
    area = np.cumsum(np.tile(HOUR_SHARE, len(relative))[order]) / len(relative)
    is_hot = np.zeros(relative.size, bool)
    is_hot[order[area <= AREA]] = True
    hits = is_hot.reshape(relative.shape)[cells, hours].mean()
    return Score(len(cells), float(bits), float(hits / AREA))


def run(connection: psycopg.Connection, conninfo: str) -> list[Result]:
    """Train before each of eleven quarters, score it; weighted means over their crimes."""
    build(connection, conninfo)
    names = ("with hours", "hour-blind")
    scores: dict[str, list[Score]] = {f"{n}{m}": [] for n in names for m in ("", ", trained cells")}
    for start in QUARTERS:
        know_until(connection, start)
        with_hours = forecast(connection)
        # The profile of a neighbourhood has mean 1 over the week, so this is the same surface.
        blind = np.repeat((with_hours @ HOUR_SHARE)[:, None], 48, axis=1)
        rows = connection.execute(_VIOLENCE, [start, quarter_after(start)]).fetchall()
        cells = np.array([cell for cell, _ in rows])
        hours = np.array([week_hour(at) for _, at in rows])
        trained = trained_cells(connection)
        number = np.cumsum(trained) - 1
        inside = trained[cells]
        for name, each in zip(names, (with_hours, blind), strict=True):
            scores[name].append(score(each, cells, hours))
            scores[f"{name}, trained cells"].append(
                score(each[trained], number[cells[inside]], hours[inside])
            )
    return report(scores)


def build(connection: psycopg.Connection, conninfo: str) -> None:
    """Make the city of cells and hold its crimes back."""
    row = connection.execute(_CITY).fetchone()
    assert row is not None
    import_crimes(connection, conninfo, "Wards", lambda crime: crime["WARD"] in WARDS)
    connection.execute(_CELLS)
    connection.execute(_STUBS, {"city": row[0]})
    connection.execute(_LINKS)
    connection.execute("update core.cities set imported_at = now()")
    connection.execute(_EVERYWHERE)
    connection.execute("analyze")


def forecast(connection: psycopg.Connection) -> Floats:
    """(cells, 48): risk before it is cut at 1, by the contract of core.risk_terms."""
    neighbourhood, everything, street = np.array(connection.execute(_DENSITIES).fetchall()).T
    factors = np.array(connection.execute(_FACTORS).fetchall())
    place = neighbourhood.astype(int) - 1
    return everything[:, None] * factors[:, 0, place].T + street[:, None] * factors[:, 1, place].T


def trained_cells(connection: psycopg.Connection) -> npt.NDArray[np.bool_]:
    """Which cells had a crime in the 7 x 7 cells around them before the quarter."""
    rows: list[Any] = connection.execute(
        """
        select c.edge_id - 1 from cells as c where exists (
            select from (
                select floor(st_x(p) / 50) as x, floor(st_y(p) / 50) as y
                from core.crime_data as d, st_transform(d.geom, 32618) as p group by 1, 2) as t
            where abs(t.x - c.x) <= 3 and abs(t.y - c.y) <= 3)
        """
    ).fetchall()
    row = connection.execute("select count(*) from cells").fetchone()
    assert row is not None
    trained = np.zeros(row[0], bool)
    trained[np.array(rows).ravel()] = True
    return trained


def week_hour(at: datetime) -> int:
    """core.week_hour from 0."""
    local = at.astimezone(ZONE)
    return local.hour + 24 * (local.weekday() >= 5)


def report(scores: dict[str, list[Score]]) -> list[Result]:
    """Weighted means, against the hour-blind model on the same cells."""
    means = {
        name: np.average(
            [(one.bits, one.pai) for one in each], axis=0, weights=[one.crimes for one in each]
        )
        for name, each in scores.items()
    }
    results = []
    for cells, suffix in (("", ""), (", trained cells", ", cells populated before the quarter")):
        ours, blind = means[f"with hours{cells}"], means[f"hour-blind{cells}"]
        count = len(scores["with hours"])
        crimes = sum(one.crimes for one in scores[f"with hours{cells}"])
        for i, (measure, unit, goal) in enumerate(
            (("information gain", "bit/crime", GOAL_BITS), ("PAI at 5 %", "times", GOAL_PAI))
        ):
            what = f"{measure}, {crimes:,} held-out crimes{suffix}"
            # The goals are figures of other models on the cells of any period.
            least = None if cells else f">= {goal}"
            results.append(Result(what, ours[i], unit, goal=least, rounds=count))
            results.append(
                Result(
                    what,
                    ours[i],
                    unit,
                    f"hour-blind: {blind[i]:.2f}",
                    ours[i] / blind[i],
                    ">= 1",
                    rounds=count,
                )
            )
    return results
