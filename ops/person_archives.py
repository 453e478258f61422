"""The rows of one person in archives: found for an export, left out when a file is written anew."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
from psycopg import sql

from ops import archive, upkeep
from ops.archive import Archive, Columns, Row, Watch
from ops.errors import OperatorError

_OPEN = """
select a.key, a.value from core.erasures as e, jsonb_each(e.archives) as a
where e.erasure_id = %s and a.value ->> 'result' in ('pending', 'rewriting') order by a.key
"""


def candidates(connection: psycopg.Connection, user_id: UUID) -> list[Archive]:
    """The archives that can hold rows of this person, by age."""
    names = connection.execute("select file_name from core.user_archives(%s)", [user_id])
    found = {name for (name,) in names.fetchall()}
    return [entry for entry in _standing(connection).values() if entry.file_name in found]


def rows(
    connection: psycopg.Connection, entry: Archive, user_id: UUID, watch: Watch = bool
) -> Iterator[Row]:
    """The person's rows in an archive, once its digest has been checked."""
    is_theirs = _test(connection, entry, user_id)
    return (row for row in archive.watched(archive.rows(entry), watch) if is_theirs(row))


def settle(
    connection: psycopg.Connection, erasure_id: UUID, user_id: UUID, watch: Watch = bool
) -> list[str]:
    """Write every archive of an open receipt anew without this person; what is out of reach.

    An archive whose file is missing or damaged stays as it is: what `restore` reads from a copy of
    it goes through core.remove_erased.
    """
    _drop_drafts(connection)
    standing = _standing(connection)
    problems = []
    for file_name, note in connection.execute(_OPEN, [erasure_id]).fetchall():
        entry = standing.get(file_name)
        if entry is None:
            # A run that was killed had got as far as the new file; or upkeep has written another.
            result = "rewritten" if note["result"] == "rewriting" else "superseded"
            _note(connection, erasure_id, file_name, result, note.get("removed"))
            continue
        try:
            archive.verify(entry)
        except OperatorError as error:
            problems.append(str(error))
            _note(connection, erasure_id, file_name, "out of reach", None)
            continue
        _remove(connection, erasure_id, entry, user_id, watch)
    return problems


def _remove(
    connection: psycopg.Connection, erasure_id: UUID, entry: Archive, user_id: UUID, watch: Watch
) -> None:
    removed = sum(1 for _ in rows(connection, entry, user_id, watch))
    if removed == 0:
        _note(connection, erasure_id, entry.file_name, "not in it", None)
        return
    # Before the file changes: whoever goes on after a kill cannot count what is gone.
    _note(connection, erasure_id, entry.file_name, "rewriting", removed)
    rewritten = _rewrite(connection, entry, _test(connection, entry, user_id), removed)
    _note(connection, erasure_id, entry.file_name, "rewritten", removed)
    _note(connection, erasure_id, rewritten.file_name, "not in it", None)


def _rewrite(
    connection: psycopg.Connection, entry: Archive, is_theirs: Callable[[Row], bool], removed: int
) -> Archive:
    """Write an archive anew without some rows. The old file goes once the new one is recorded."""
    parent = sql.Identifier(*entry.parent.split("."))
    draft = _draft(entry.parent)
    # Not unlogged: the file says how its table was made, and a DBA may restore it by hand.
    connection.execute(
        sql.SQL(
            "create table {} (like {} including defaults including constraints including storage)"
        ).format(draft, parent)
    )
    try:
        others = (row for row in archive.rows(entry) if not is_theirs(row))
        kept = archive.copy(connection, others, draft.as_string(connection))
        if kept + removed != entry.row_count:
            raise OperatorError(
                f"{entry.file_name} holds {kept + removed:,} rows and was recorded with "
                f"{entry.row_count:,}; it was left as it is"
            )
        return archive.replace(connection, entry, draft.as_string(connection))
    finally:
        if not connection.closed:
            _drop_drafts(connection)


def _drop_drafts(connection: psycopg.Connection) -> None:
    """Drop the tables archives are written from; a killed run leaves its own."""
    for each in upkeep.partition_sets(connection):
        connection.execute(sql.SQL("drop table if exists {}").format(_draft(each.parent)))


def _draft(parent: str) -> sql.Identifier:
    schema, name = parent.split(".")
    return sql.Identifier(schema, f"{name}_kept")


def _standing(connection: psycopg.Connection) -> dict[str, Archive]:
    return {
        entry.file_name: entry
        for each in upkeep.partition_sets(connection)
        for entry in archive.archives(connection, each.parent)
    }


def _test(connection: psycopg.Connection, entry: Archive, user_id: UUID) -> Callable[[Row], bool]:
    """Whether a row is the person's: COPY writes a UUID as it is, between tabs."""
    query = "select user_column from core.user_data where relation = %s::regclass"
    found = connection.execute(query, [entry.parent]).fetchone()
    assert found is not None
    needle = str(user_id).encode()
    places: dict[Columns, int] = {}

    def is_theirs(row: Row) -> bool:
        columns, line = row
        if needle not in line:
            return False
        place = places.setdefault(columns, columns.index(found[0]))
        return line.rstrip(b"\n").split(b"\t")[place] == needle

    return is_theirs


def _note(
    connection: psycopg.Connection,
    erasure_id: UUID,
    file_name: str,
    result: str,
    removed: int | None,
) -> None:
    connection.execute(
        "select core.note_archive(%s, %s, %s, %s)", [erasure_id, file_name, result, removed]
    )
