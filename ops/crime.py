"""Load a crime file: `saferoute import crime`.

Python reads the file and names its columns; what a row means, whether it is valid, and what is
new, replaced or gone is decided in SQL (`core.import_crimes`).
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psycopg
from psycopg.types.json import Json, Jsonb
from typer import Argument, Option

from common.settings import settings
from ops import crime_files, risk
from ops.crime_formats import Format, FormatName, choose
from ops.errors import OperatorError
from ops.progress import bar, print_summary, progress
from ops.regions import fill_after_import

REASONS = {
    "fields": "more or fewer fields than the header",
    "time": "no time that can be read",
    "future": "later than tomorrow",
    "position": "no position that can be read",
    "outside": "more than 300 km from the city",
}


@dataclass(frozen=True)
class Request:
    """What an operator says about a crime file."""

    city: str
    format_name: FormatName = FormatName.AUTO
    mapping: str | None = None
    source: str | None = None
    coverage: Path | None = None
    time_zone: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Summary:
    """What an import does with the rows of a file (`core.crime_import_summary`)."""

    read: int
    loaded: int
    replaced: int
    unchanged: int
    removed: int
    rejected: dict[str, int]
    outside_the_streets: int
    unknown_categories: dict[str, int]
    coverage: list[dict[str, Any]]


def import_crime(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="CSV, plain or gzip.")],
    city: Annotated[str, Option(help="The imported city whose crimes these are.")],
    format_name: Annotated[
        FormatName, Option("--format", help="Found from the header where not given.")
    ] = FormatName.AUTO,
    mapping: Annotated[
        str | None,
        Option("--map", help="Columns: id=...,time=...,lon=...,lat=...,category=...,srid=..."),
    ] = None,
    source: Annotated[str | None, Option(help="The publisher; needed with --map.")] = None,
    coverage: Annotated[
        Path | None,
        Option(exists=True, dir_okay=False, help="GeoJSON of the area the source reports on."),
    ] = None,
    time_zone: Annotated[
        str | None, Option(help="Of times without one; the city's where not given.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Load and roll back.")] = False,
) -> None:
    """Load a crime file. The same file again changes nothing; a corrected file replaces."""
    request = Request(city, format_name, mapping, source, coverage, time_zone, dry_run)
    summary = load(settings().owner_conninfo, file, request)
    if not dry_run:
        fill_after_import()
    figures: dict[str, int | str] = {
        "read": summary.read,
        "loaded": summary.loaded,
        "replaced": summary.replaced,
        "unchanged": summary.unchanged,
        "removed": summary.removed,
        "outside the streets, kept": summary.outside_the_streets,
    }
    for name, count in sorted(summary.unknown_categories.items()):
        figures[f"loaded as other: {name or '(no category)'}"] = count
    for area in summary.coverage:
        period = f"{area['since']} to {area['until']}"
        figures[f"covered by {area['source']}"] = f"{area['square_km']} km², {period}"
    rejected = Counter({REASONS[reason]: count for reason, count in summary.rejected.items()})
    print_summary(f"{city}{' (dry run: rolled back)' if dry_run else ''}", figures, rejected)


def load(conninfo: str, path: Path, request: Request) -> Summary:
    """Bring the file into the database in one transaction, then refresh the risk.

    Any failure leaves the database as it was, as a dry run does. Imports wait for each other.
    `conninfo` is the owner's. Raises OperatorError where nothing can be loaded.
    """
    with psycopg.connect(conninfo) as connection:
        summary = _import(connection, path, request)
        if sum(summary.rejected.values()) == summary.read:
            reasons = ", ".join(f"{REASONS[why]}: {n:,}" for why, n in summary.rejected.items())
            raise OperatorError(f"{path.name} holds no row that can be loaded ({reasons})")
        if request.dry_run:
            connection.rollback()
            return summary
        connection.commit()
        if summary.loaded + summary.replaced + summary.removed:
            # Or searches read whole months: autovacuum never looks at a partitioned table.
            with bar("Counting for the planner"):
                connection.execute("analyze core.crime_data")
        risk.refresh(connection)
    return summary


def _import(connection: psycopg.Connection, path: Path, request: Request) -> Summary:
    area = None if request.coverage is None else _read_json(request.coverage)
    statement = """
        select core.import_crimes(
            p_city_id => %s, p_publisher => %s, p_header => %s, p_columns => %s, p_srid => %s,
            p_file_name => %s, p_file_digest => %s, p_time_zone => %s, p_coverage => %s
        )
    """
    try:
        city_id = _value(connection, "select core.begin_crime_import(%s)", [request.city])
        header, chosen = _stage(connection, path, request)
        columns = Jsonb(chosen.positions(header))
        with progress() as bars:
            bars.add_task("Loading", total=None)
            summary = _value(
                connection,
                statement,
                [
                    *(city_id, chosen.publisher, header, columns, chosen.srid),
                    *(path.name, crime_files.digest(path), request.time_zone),
                    None if area is None else Json(area),
                ],
            )
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.NoDataFound) as error:
        raise OperatorError(error.diag.message_primary or str(error)) from error
    return Summary(**summary)


def _stage(
    connection: psycopg.Connection, path: Path, request: Request
) -> tuple[list[str], Format]:
    """Copy the file's rows into core.crime_staging; its header and format."""
    statement = "copy core.crime_staging (line_number, fields) from stdin"
    with path.open("rb") as stream, progress() as bars:
        reading = bars.add_task("Reading bytes", total=path.stat().st_size)
        rows = crime_files.rows(path, stream)
        _, header = next(rows)
        chosen = choose(request.format_name, header, request.mapping, request.source)
        chosen.positions(header)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for count, (line_number, fields) in enumerate(rows):
                copy.write_row((line_number, _array(fields)))
                if count % 1000 == 0:
                    bars.update(reading, completed=stream.tell())
    return header, chosen


def _array(fields: list[str]) -> str:
    """The text of a PostgreSQL array; psycopg's own took 1.2 of 1.7 s for 45,808 rows."""
    escaped = [field.replace("\\", "\\\\").replace('"', '\\"') for field in fields]
    return '{"' + '","'.join(escaped) + '"}'


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise OperatorError(f"{path.name} is not a GeoJSON file: {error}") from error


def _value(connection: psycopg.Connection, statement: str, parameters: list[Any]) -> Any:
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]
