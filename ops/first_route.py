"""One question to the new platform, over HTTP like anyone's: the walks between two positions."""

import json
import shlex
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console
from rich.table import Table

from ops.errors import OperatorError

# Two street corners 1 to 2 km apart, covered by a crime source where any are, the riskiest first:
# where nothing ever happens the shortest walk is also the safest, and shows nothing.
_TRIPS = """
with corners as (
    select v.geom, coalesce(l.all_density, 0) as density
    from core.road_links as l
    inner join core.road_vertices as v on v.vertex_id = l.source
    where l.city_id = %(city_id)s
    order by l.all_density is null, md5(l.edge_id::text)
    limit 80
),

pairs as (
    select
        a.geom as here, b.geom as there, a.density + b.density as density,
        st_distance(a.geom::geography, b.geom::geography) as metres
    from corners as a
    inner join corners as b on a.geom < b.geom
)

select st_x(here), st_y(here), st_x(there), st_y(there)
from pairs
order by greatest(1000 - metres, metres - 2000, 0), density desc
limit 10
"""


@dataclass(frozen=True)
class City:
    """A city of the database."""

    city_id: int
    name: str


def newest_city(conninfo: str, name: str | None = None) -> City | None:
    """The city of this name, or the one imported last; None where there is none."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            "select city_id, name from core.cities where name = %(name)s or %(name)s::text is null "
            "order by imported_at desc limit 1",
            {"name": name},
        ).fetchone()
    return City(*row) if row else None


def ask(url: str, conninfo: str, city: City) -> tuple[dict[str, float], dict[str, Any]]:
    """A request to `safe_routes` and its answer: the first of ten trips that has three walks.

    Where the risk is unknown there is only one walk, and no trip has more.
    """
    best: tuple[dict[str, float], dict[str, Any]] | None = None
    for trip in _trips(conninfo, city):
        answer = _call(url, trip)
        if best is None or len(answer["features"]) > len(best[1]["features"]):
            best = trip, answer
        if len(answer["features"]) == 3 or answer["notice"]:
            break
    if best is None:
        raise OperatorError(f"{city.name} has no two street corners to walk between")
    return best


def show(url: str, trip: dict[str, float], answer: dict[str, Any]) -> None:
    """Print the walks of an answer, and the request as a curl command."""
    console = Console(soft_wrap=True, highlight=False)
    leaving = answer["local_time"][:16].replace("T", " ")
    console.print(
        f"\n[bold]{answer['city']}[/], from {trip['from_lat']}, {trip['from_lon']} "
        f"to {trip['to_lat']}, {trip['to_lon']}, leaving {leaving} local time"
    )
    console.print(_table(answer["features"]))
    if answer.get("notice"):
        console.print(answer["notice"])
    elif answer.get("data_from"):
        console.print(f"Crimes from {' to '.join(map(str, _days(answer)))}.")
    console.print(f"\nAsk again:\n{_curl(url, trip)}\n", markup=False)


def _days(answer: dict[str, Any]) -> tuple[date, date]:
    """The first and the last day that the crimes cover, on the city's calendar."""
    zone = ZoneInfo(answer["time_zone"])
    since, until = (datetime.fromisoformat(answer[key]) for key in ("data_from", "data_until"))
    return since.astimezone(zone).date(), (until - timedelta(seconds=1)).astimezone(zone).date()


def _table(features: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("walk")
    for heading in ("length", "minutes", "exposure", "longer by", "less exposed by"):
        table.add_column(heading, justify="right")
    for feature in features:
        walk = feature["properties"]
        cells = [walk["label"], f"{walk['length_m']:,.0f} m", f"{walk['duration_s'] / 60:.0f}"]
        cells.append(f"{walk['exposure']:,.0f}" if walk["covered_share"] else "unknown")
        if walk["length_diff_m"]:
            reference = walk["exposure"] - walk["exposure_diff"]
            less = -walk["exposure_diff"] / reference if reference else 0
            cells += [f"{walk['length_diff_m']:,.0f} m", f"{less:.0%}"]
        table.add_row(*cells)
    return table


def _trips(conninfo: str, city: City) -> list[dict[str, float]]:
    names = ("from_lon", "from_lat", "to_lon", "to_lat")
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(_TRIPS, {"city_id": city.city_id}).fetchall()
    return [dict(zip(names, (round(value, 5) for value in row), strict=True)) for row in rows]


def _call(url: str, trip: dict[str, float]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/rpc/safe_routes",
        data=json.dumps(trip).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise OperatorError(
            f"safe_routes answered {error.code}: {error.read().decode(errors='replace')}"
        ) from error
    except urllib.error.URLError as error:
        raise OperatorError(f"{url} does not answer: {error.reason}") from error
    return found


def _curl(url: str, trip: dict[str, float]) -> str:
    body = shlex.quote(json.dumps(trip))
    return f"curl -s {url}/rpc/safe_routes -H 'Content-Type: application/json' -d {body}"
