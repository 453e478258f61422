"""What core.find_path must equal: pgr_dijkstra over every link of the city."""

from datetime import datetime

import psycopg

# From either end of the first link to either end of the last, and within one link.
_QUERY = """
with link as (
    select l.*, l.length_m * (1 + %(aversion)s * core.link_risk(
        l.all_density, l.street_density, l.neighbourhood,
        t.all_factors, t.street_factors, t.mean_risk)) as cost
    from core.road_links as l cross join core.risk_terms(%(city_id)s, %(at)s) as t
    where l.edge_id in (%(from_edge)s, %(to_edge)s)
),
leave as (
    select a.vertex, a.cost
    from link as l
    cross join lateral (values
        (l.source, l.cost * %(from_fraction)s, -1), (l.target, l.cost * (1 - %(from_fraction)s), 1)
    ) as a (vertex, cost, direction)
    where l.edge_id = %(from_edge)s and (l.walkable_direction in (0, a.direction) or a.cost = 0)
),
arrive as (
    select a.vertex, a.cost
    from link as l
    cross join lateral (values
        (l.source, l.cost * %(to_fraction)s, 1), (l.target, l.cost * (1 - %(to_fraction)s), -1)
    ) as a (vertex, cost, direction)
    where l.edge_id = %(to_edge)s and (l.walkable_direction in (0, a.direction) or a.cost = 0)
),
walks as (
    select leave.cost + arrive.cost + coalesce(between.agg_cost, 0) as cost
    from leave
    cross join arrive
    left join pgr_dijkstraCost(
        format($$
            select l.edge_id as id, l.source, l.target,
                case when l.walkable_direction = -1 then -1 else l.cost end as cost,
                case when l.walkable_direction = 1 then -1 else l.cost end as reverse_cost
            from (
                select l.*, l.length_m * (1 + %%s * core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood,
                    t.all_factors, t.street_factors, t.mean_risk)) as cost
                from core.road_links as l cross join core.risk_terms(%%s, %%L) as t
                where l.city_id = %%s
            ) as l $$, %(aversion)s, %(city_id)s, %(at)s, %(city_id)s),
        array(select vertex from leave), array(select vertex from arrive)) as between
        on between.start_vid = leave.vertex and between.end_vid = arrive.vertex
    where leave.vertex = arrive.vertex or between.agg_cost is not null
    union all
    select l.cost * abs(%(to_fraction)s - %(from_fraction)s)
    from link as l
    where l.edge_id = %(from_edge)s and l.edge_id = %(to_edge)s
        and l.walkable_direction in (0, sign(%(to_fraction)s - %(from_fraction)s))
)
select min(cost) from walks
"""


def least_cost(
    connection: psycopg.Connection,
    city_id: int,
    start: tuple[int, float],
    end: tuple[int, float],
    at: datetime,
    aversion: float,
) -> float | None:
    """Cost of the best walk between two points, each an edge and the fraction along it; None
    where no walk leads there.
    """
    row = connection.execute(
        _QUERY,
        {
            "city_id": city_id,
            "from_edge": start[0],
            "from_fraction": start[1],
            "to_edge": end[0],
            "to_fraction": end[1],
            "at": at,
            "aversion": aversion,
        },
    ).fetchone()
    return row[0] if row else None
