"""Write the demo city and load it as any city is loaded: `saferoute demo`."""

from pathlib import Path
from typing import Annotated

from typer import Context, Option

from common.settings import REPOSITORY
from ops import crime, demo_city, demo_crimes, osm

DIRECTORY = REPOSITORY / ".local" / "demo"
STREETS, STREET_CRIMES, INCIDENTS = "wexbourne.osm.pbf", "wexshire-street.csv", "incidents.csv"
INCIDENT_MAP = "id=id,time=time,lon=lon,lat=lat,category=category"
INCIDENT_SOURCE = "wexbourne.example/incidents"


def command(
    context: Context,
    directory: Annotated[
        Path, Option(help="Where the files are written.", show_default=".local/demo")
    ] = DIRECTORY,
    seed: Annotated[int, Option(help="Another number draws another city.")] = 1,
    write_only: Annotated[bool, Option("--write-only", help="Write the files; load nothing.")] = (
        False
    ),
) -> None:
    """Write a made-up city and its crimes as files, and load them through the importers."""
    if context.invoked_subcommand is None:
        demo(directory, seed, write_only)


def demo(directory: Path, seed: int = 1, write_only: bool = False) -> None:
    """Write the city's files and, unless `write_only`, load them."""
    streets, street_crimes, incidents = write(directory, seed)
    print(f"wrote {', '.join(str(path) for path in (streets, street_crimes, incidents))}")
    if write_only:
        return
    osm.import_osm(streets, demo_city.NAME)
    crime.import_crime(street_crimes, demo_city.NAME)
    crime.import_crime(incidents, demo_city.NAME, mapping=INCIDENT_MAP, source=INCIDENT_SOURCE)


def write(directory: Path, seed: int) -> tuple[Path, Path, Path]:
    """Write the streets, the street-level crimes and the incidents; the same bytes every time."""
    directory.mkdir(parents=True, exist_ok=True)
    streets, crimes = directory / STREETS, directory / STREET_CRIMES
    incidents = directory / INCIDENTS
    city = demo_city.draw(seed)
    demo_city.write(city, streets)
    demo_crimes.write_street_crimes(city, crimes, seed)
    demo_crimes.write_incidents(city, incidents, seed)
    return streets, crimes, incidents
