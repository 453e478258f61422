"""Archives of periods: `core.partition_archives` and the files it names.

An archive counts from the moment its row is committed: its file has been read back and holds, leaf
by leaf, as many rows as the table. Every step can be cut off; `tidy` then finishes or undoes it.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ops import archive_files
from ops.errors import OperatorError

_COLUMNS = """
    archive_id, parent::text, lower_bound, upper_bound, file_name, file_digest, file_bytes,
    row_count, leaf_rows, archived_at, dropped_at, restored_at, restored_as::text, keep_until,
    superseded_by, content_digest"""
_TABLES = """
select format('%%I.%%I', n.nspname, c.relname), pg_table_size(c.oid)
from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
where c.oid = %(table)s::regclass or c.oid in (select relid from pg_partition_tree(%(table)s))
order by c.relname
"""
_BLOCK_ROWS = 500
_WATCHED = 10_000

Columns = tuple[str, ...]
Row = tuple[Columns, bytes]
"""Columns, and one row as COPY writes it, with its line end."""
Item = TypeVar("Item")
Watch = Callable[[int], object]
"""Called with a number of rows that have been dealt with."""


@dataclass(frozen=True)
class Archive:
    """A row of core.partition_archives."""

    archive_id: int
    parent: str
    lower_bound: datetime
    upper_bound: datetime
    file_name: str
    file_digest: str
    file_bytes: int
    row_count: int
    leaf_rows: dict[str, int]
    archived_at: datetime
    dropped_at: datetime | None
    restored_at: datetime | None
    restored_as: str | None
    keep_until: datetime | None
    superseded_by: int | None
    content_digest: Decimal | None


def archives(
    connection: psycopg.Connection, parent: str, lower: datetime | None = None
) -> list[Archive]:
    """The archives of a partition set, or of one of its periods, that have a file; by age."""
    with connection.cursor(row_factory=class_row(Archive)) as cursor:
        return cursor.execute(
            f"select {_COLUMNS} from core.partition_archives"  # noqa: S608
            " where parent = %s::regclass and lower_bound = coalesce(%s, lower_bound)"
            " and superseded_by is null order by lower_bound, archive_id",
            [parent, lower],
        ).fetchall()


def find(connection: psycopg.Connection, archive_id: int) -> Archive:
    """The archive of this id."""
    with connection.cursor(row_factory=class_row(Archive)) as cursor:
        query = f"select {_COLUMNS} from core.partition_archives where archive_id = %s"  # noqa: S608
        found = cursor.execute(query, [archive_id]).fetchone()
    assert found is not None
    return found


def size(connection: psycopg.Connection, table: str) -> int:
    """Bytes of a table and all its leaves, without indexes: more than their archive will have."""
    return sum(row[1] for row in connection.execute(_TABLES, {"table": table}))


def contents(connection: psycopg.Connection, table: str) -> tuple[dict[str, int], Decimal]:
    """Rows of every leaf of a table, by name, and a digest of them all (core.leaf_contents)."""
    leaves = connection.execute(
        "select leaf, row_count, digest from core.leaf_contents(%s::regclass)", [table]
    ).fetchall()
    return {row[0]: row[1] for row in leaves}, sum((row[2] for row in leaves), Decimal())


def current(
    connection: psycopg.Connection, parent: str, lower: datetime, table: str
) -> Archive | None:
    """The archive of a table that stands, if there is one, of every row, and its file is sound."""
    for entry in reversed(archives(connection, parent, lower)):
        if entry.dropped_at is None:
            same = (entry.leaf_rows, entry.content_digest) == contents(connection, table)
            return entry if same and is_sound(entry) else None
    return None


def write(
    connection: psycopg.Connection,
    parent: str,
    lower: datetime,
    upper: datetime,
    table: str,
    watch: Watch = bool,
) -> Archive:
    """Archive the table of a period: one file with every leaf, verified, then recorded.

    Takes the place of earlier archives of the period whose rows the table holds: it has not been
    dropped since, or they were restored into the set. `connection` is `upkeep.exclusive()`'s.
    """
    return _write(
        connection,
        {"parent": parent, "lower": lower, "upper": upper, "replaced": None},
        table,
        "parent = %(parent)s::regclass and lower_bound = %(lower)s"
        " and (dropped_at is null or restored_at is not null and restored_as is null)",
        watch,
    )


def replace(
    connection: psycopg.Connection, archive: Archive, table: str, watch: Watch = bool
) -> Archive:
    """Archive `table` in the place of `archive`, whose file is deleted; its history is kept."""
    values = {
        "parent": archive.parent,
        "lower": archive.lower_bound,
        "upper": archive.upper_bound,
        "replaced": archive.archive_id,
    }
    return _write(connection, values, table, "archive_id = %(replaced)s", watch)


def tidy(connection: psycopg.Connection) -> None:
    """Finish or undo what a killed run left, and delete the files of superseded archives."""
    names = list(archive_files.unfinished())
    recorded = connection.execute(
        "select file_name from core.partition_archives"
        " where file_name = any(%s) and superseded_by is null",
        [names],
    ).fetchall()
    for name in names:
        if (name,) in recorded:
            archive_files.finish(name)
        else:
            archive_files.discard(name)
    standing = [path.name for path in archive_files.folder().iterdir()]
    superseded = connection.execute(
        "select file_name from core.partition_archives"
        " where file_name = any(%s) and superseded_by is not null",
        [standing],
    )
    for (name,) in superseded.fetchall():
        archive_files.discard(name)


def is_sound(archive: Archive) -> bool:
    """Whether the file of an archive is there, byte for byte."""
    path = archive_files.folder() / archive.file_name
    return path.exists() and archive_files.digest(archive.file_name) == archive.file_digest


def verify(archive: Archive) -> None:
    """Raise an error where the file of an archive is not the one that was recorded."""
    if archive_files.digest(archive.file_name) != archive.file_digest:
        raise OperatorError(
            f"the archive {archive_files.folder() / archive.file_name} is damaged: its SHA-256 is "
            f"not the recorded {archive.file_digest}; put it back from a backup"
        )


def rows(archive: Archive) -> Iterator[Row]:
    """Every row of an archive, once its digest has been checked."""
    verify(archive)
    for _, columns, line in archive_files.lines(archive.file_name):
        yield columns, line


def watched(source: Iterable[Item], watch: Watch) -> Iterator[Item]:
    """The same items; the watcher is told of every _WATCHED of them."""
    for number, item in enumerate(source, start=1):
        if number % _WATCHED == 0:
            watch(_WATCHED)
        yield item


def load(connection: psycopg.Connection, archive: Archive, table: str, watch: Watch = bool) -> int:
    """COPY every row of an archive into a table that has its columns; how many rows."""
    return copy(connection, rows(archive), table, watch)


def copy(
    connection: psycopg.Connection, source: Iterable[Row], table: str, watch: Watch = bool
) -> int:
    """COPY rows into a table that has their columns; how many rows."""
    total = 0
    for columns, group in groupby(source, key=lambda row: row[0]):
        statement = sql.SQL("copy {} ({}) from stdin").format(
            sql.SQL(_quoted(connection, table)), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        try:
            with connection.cursor() as cursor, cursor.copy(statement) as stream:
                for block, number in _blocks(line for _, line in group):
                    stream.write(block)
                    watch(number)
                    total += number
        except psycopg.errors.UndefinedColumn as error:
            raise OperatorError(
                f"the archive holds a column that {table} does not have any more: "
                f"{error.diag.message_primary}; nothing was changed"
            ) from error
    return total


def _write(
    connection: psycopg.Connection,
    values: dict[str, object],
    table: str,
    supersedes: str,
    watch: Watch,
) -> Archive:
    tidy(connection)
    archive_files.require_space(size(connection, table))
    set_name = str(values["parent"]).rpartition(".")[2]
    name = f"{set_name}_{values['lower']:%Y-%m-%d}_{secrets.token_hex(4)}.dump"
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        # No write can be lost between the counts and the dump: both read this snapshot.
        (snapshot,) = connection.execute("select pg_export_snapshot()").fetchone()  # type: ignore[misc]
        counts, content = contents(connection, table)
        tables = [row[0] for row in connection.execute(_TABLES, {"table": table})]
        digest, file_bytes = archive_files.dump(connection, snapshot, tables, name)
    try:
        _compare(name, counts, watch)
    except BaseException:
        archive_files.discard(name)
        raise
    entry = {
        **values,
        "name": name,
        "digest": digest,
        "bytes": file_bytes,
        "rows": sum(counts.values()),
        "leaf_rows": Jsonb(counts),
        "content": content,
    }
    archive_id = _record(connection, entry, supersedes)
    tidy(connection)
    return find(connection, archive_id)


def _compare(name: str, counts: dict[str, int], watch: Watch) -> None:
    """Raise an error where the file holds other numbers of rows than the tables did."""
    found: Counter[str] = Counter()
    for table, _, _ in watched(archive_files.lines(name, is_finished=False), watch):
        found[table] += 1
    for table in sorted({*counts, *found}):
        if found[table] != counts.get(table, 0):
            raise OperatorError(
                f"the archive of {table} holds {found[table]:,} rows and the table "
                f"{counts.get(table, 0):,}; nothing was changed"
            )


def _record(connection: psycopg.Connection, entry: dict[str, object], supersedes: str) -> int:
    """Enter the archive of an unfinished file; its id. From here on the file counts."""
    statement = f"""
        with entered as (
            insert into core.partition_archives (
                parent, lower_bound, upper_bound, file_name, file_digest, file_bytes,
                row_count, leaf_rows, dropped_at, restored_at, restored_as, keep_until,
                content_digest
            )
            select %(parent)s::regclass, %(lower)s, %(upper)s, %(name)s, %(digest)s, %(bytes)s,
                %(rows)s, %(leaf_rows)s, r.dropped_at, r.restored_at, r.restored_as, r.keep_until,
                %(content)s
            from (values (%(replaced)s::bigint)) as v (archive_id)
            left join core.partition_archives as r on r.archive_id = v.archive_id
            returning archive_id
        ),

        earlier as (
            update core.partition_archives
            set superseded_by = (select archive_id from entered)
            where superseded_by is null and {supersedes}
        )

        select archive_id from entered"""  # noqa: S608
    row = connection.execute(statement, entry).fetchone()
    assert row is not None
    return int(row[0])


def _quoted(connection: psycopg.Connection, table: str) -> str:
    row = connection.execute(
        "select format('%%I.%%I', n.nspname, c.relname) from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace where c.oid = %s::regclass",
        [table],
    ).fetchone()
    assert row is not None
    return str(row[0])


def _blocks(source: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """Rows joined to blocks, with their number: one call of psycopg per row would take longest."""
    while block := list(islice(source, _BLOCK_ROWS)):
        yield b"".join(block), len(block)
