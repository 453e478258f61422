"""The city that `make up` loads: the operator's own files, or the demo city if there is none."""

from dataclasses import dataclass
from pathlib import Path

import psycopg

from ops import crime, demo, demo_city, osm
from ops.errors import OperatorError
from ops.first_route import City, newest_city


@dataclass(frozen=True)
class Wish:
    """What the operator asked for: files to load, and the city they are of."""

    map_file: Path | None
    crime_file: Path | None
    city: str | None

    def __post_init__(self) -> None:
        """Refuse a file that is not there, and crimes of nowhere."""
        for path in (self.map_file, self.crime_file):
            if path and not path.is_file():
                raise OperatorError(f"{path} is not a file")
        if self.crime_file and not self.name:
            raise OperatorError(f"{self.crime_file} is of which city? Add OSM=file or CITY=name")

    @property
    def name(self) -> str | None:
        """The city's name: as given, or the map file's without its endings."""
        if self.city or self.map_file is None:
            return self.city
        return self.map_file.name.partition(".")[0]


def load(conninfo: str, wish: Wish, folder: Path) -> City:
    """Load what was asked for, or the demo city into an empty database; the city to ask about.

    The demo's files are written to `folder`.
    """
    if wish.map_file:
        osm.import_osm(wish.map_file, str(wish.name))
    if wish.name is None and _has_no_whole_city(conninfo):
        demo.demo(folder)
    city = newest_city(conninfo, wish.name)
    if city is None:
        raise OperatorError(f"there is no city {wish.name}: add OSM=file")
    if wish.crime_file:
        crime.import_crime(wish.crime_file, city.name)
    return city


def _has_no_whole_city(conninfo: str) -> bool:
    """Whether there is no city yet, or only a demo city without all of its crimes."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            """
            select not exists (
                select from core.cities as c
                where c.name <> %s or 2 <= (
                    select count(distinct l.file_name)
                    from core.crime_loads as l
                    where l.city_id = c.city_id
                )
            )
            """,
            [demo_city.NAME],
        ).fetchone()
    return row == (True,)
