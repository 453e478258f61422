"""The export of a person: a ZIP with GeoJSON or JSON for each table, and a manifest."""

import json
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ops import archive, person_archives, proof, repartition
from ops.errors import OperatorError
from ops.progress import progress

_DESCRIBE = """
select d.relation::text, d.name, d.has_geometry, d.description, d.fields, u.user_column
from core.describe_user_data() as d inner join core.user_data as u on u.relation = d.relation
order by u.erase_order desc
"""
_ROWS = "select core.export_user_data(%s::regclass, %s, %s, %s)"
_BATCH = 2000
_ARCHIVE_FIELD = "The archive the row stands in; null where it stands in the database."
_COORDINATES = "WGS 84 (EPSG:4326), degrees, longitude before latitude, as RFC 7946 wants it."


@dataclass(frozen=True)
class Source:
    """A table with rows of the person, and the archive it was loaded from."""

    relation: str
    table: str
    archive: str | None


def export(
    connection: psycopg.Connection, user_id: UUID, path: Path, *, incomplete: bool = False
) -> dict[str, Any]:
    """Write all that is kept of a person to a new file, readable by its owner alone; its manifest.

    `connection` is `upkeep.exclusive()`'s: no archive goes away meanwhile. An archive that cannot
    be read is an error, unless `incomplete`. So is a person of whom nothing is kept.
    """
    repartition.abandon_unfinished(connection)  # copies of rows, which would be there twice
    missing = _unreadable(connection, user_id) if incomplete else []
    archived = _load_archives(connection, user_id, missing)
    with _new_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        # One snapshot of all tables. The archives need none: only upkeep changes them.
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            files = _write_tables(connection, user_id, bundle, archived)
        if not any(entry["rows"] for entry in files):
            raise OperatorError("nothing is kept of this person; no file was written")
        manifest = {
            "user_id": str(user_id),
            "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "coordinates": _COORDINATES,
            "times": "UTC, ISO 8601",
            "files": files,
            "archives_that_could_not_be_read": missing,
        }
        with _entry(bundle, "manifest.json") as stream:
            stream.write(json.dumps(manifest, indent=2).encode())
    return manifest


def _unreadable(connection: psycopg.Connection, user_id: UUID) -> list[str]:
    names = []
    for entry in person_archives.candidates(connection, user_id):
        try:
            archive.verify(entry)
        except OperatorError:
            names.append(entry.file_name)
    return names


def _load_archives(
    connection: psycopg.Connection, user_id: UUID, missing: Sequence[str]
) -> list[Source]:
    """Load the person's rows of each archive into a temporary table."""
    loaded = []
    with progress() as bars:
        task = bars.add_task("Archives, rows read", total=None)
        for entry in person_archives.candidates(connection, user_id):
            if entry.file_name in missing:
                continue
            table = f"archived_{entry.archive_id}"
            connection.execute(
                sql.SQL("create temporary table {} (like {})").format(
                    sql.Identifier(table), sql.Identifier(*entry.parent.split("."))
                )
            )
            rows = person_archives.rows(
                connection, entry, user_id, lambda number: bars.advance(task, number)
            )
            archive.copy(connection, rows, f"pg_temp.{table}")
            loaded.append(Source(entry.parent, f"pg_temp.{table}", entry.file_name))
    return loaded


def _write_tables(
    connection: psycopg.Connection,
    user_id: UUID,
    bundle: zipfile.ZipFile,
    archived: Sequence[Source],
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        described = cursor.execute(_DESCRIBE).fetchall()
    standing = [Source(relation, leaf, None) for leaf, _, relation in proof.tables(connection)]
    sources = [*standing, *archived]
    with progress() as bars:
        task = bars.add_task("Tables read", total=len(sources))
        return [
            _write_table(
                connection,
                user_id,
                bundle,
                table,
                [source for source in sources if source.relation == table["relation"]],
                lambda: bars.advance(task),
            )
            for table in described
        ]


def _write_table(
    connection: psycopg.Connection,
    user_id: UUID,
    bundle: zipfile.ZipFile,
    table: dict[str, Any],
    sources: Sequence[Source],
    advance: Callable[[], object],
) -> dict[str, Any]:
    """Write one file of the export; its entry in the manifest."""
    counts: Counter[str | None] = Counter()
    is_map = table["has_geometry"]
    name = f"{table['name']}.{'geojson' if is_map else 'json'}"
    with _entry(bundle, name) as stream:
        stream.write(b'{"type": "FeatureCollection", "features": [\n' if is_map else b"[\n")
        for source in sources:
            for line in _rows(connection, user_id, source, table["user_column"]):
                stream.write((b",\n" if counts else b"") + line)
                counts[source.archive] += 1
            advance()
        stream.write(b"\n]}\n" if is_map else b"\n]\n")
    return {
        "name": name,
        "description": table["description"],
        "rows": counts.total(),
        "rows_of_archives": counts.total() - counts[None],
        "fields": {**table["fields"], "archive": _ARCHIVE_FIELD},
    }


def _rows(
    connection: psycopg.Connection, user_id: UUID, source: Source, user_column: str
) -> Iterator[bytes]:
    """The person's rows in one table, each as JSON, a batch at a time."""
    with connection.cursor("exported") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_ROWS, [source.table, user_column, user_id, source.archive])
        for (line,) in cursor:
            yield line.encode()


def _entry(bundle: zipfile.ZipFile, name: str) -> IO[bytes]:
    entry = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return bundle.open(entry, "w", force_zip64=True)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name, which nobody may have taken, once it is complete."""
    try:
        # Readable by its owner alone, and gone at the end: what stays is the second name.
        with tempfile.NamedTemporaryFile(
            prefix=f".{path.name}.", dir=path.absolute().parent
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(path).hardlink_to(file.name)
    except FileExistsError as error:
        raise OperatorError(f"{path} exists: name a new file") from error
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}") from error
