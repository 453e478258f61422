"""An archive of a period holds every row of every leaf, and can be read without us."""

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops import archive, archive_files, upkeep
from ops.cluster import bin_directory
from ops.errors import OperatorError
from tests.upkeep import POINTS, add_points, day, fingerprint, make_day, upkeep_of

START, END = day(40), day(39)
FOLDER_IS_PRIVATE, FILE_IS_PRIVATE = 0o700, 0o600


@pytest.fixture
def folder(db: psycopg.Connection, tmp_path: Path) -> Iterator[Path]:
    db.autocommit = True
    with upkeep_of(db, tmp_path / "archive"):
        yield tmp_path / "archive"


@pytest.fixture
def owner(folder: Path) -> Iterator[psycopg.Connection]:
    with upkeep.exclusive() as connection:
        yield connection


def entries(db: psycopg.Connection) -> list[tuple[int, int | None]]:
    return db.execute(
        "select row_count, superseded_by from core.partition_archives order by archive_id"
    ).fetchall()


def test_every_leaf_is_in_the_archive_and_comes_back(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    period = make_day(db, START, 3000)
    before = fingerprint(db, period)
    written = archive.write(owner, POINTS, START, END, period)
    name = period.removeprefix("core.")
    assert written.leaf_rows == {f"{name}_{leaf}": 1000 for leaf in ("dqcj", "ez3f", "default")}
    assert archive.archives(owner, POINTS) == [written]
    assert (written.row_count, written.dropped_at) == (3000, None)

    db.execute("create table public.copy_of_day (like core.journey_points)")
    db.execute("alter table public.copy_of_day owner to saferoute_owner")
    assert archive.load(owner, written, "public.copy_of_day") == 3000
    assert fingerprint(db, "public.copy_of_day") == before
    assert stat.S_IMODE(folder.stat().st_mode) == FOLDER_IS_PRIVATE
    file = folder / written.file_name
    assert stat.S_IMODE(file.stat().st_mode) == FILE_IS_PRIVATE
    assert [path.name for path in folder.iterdir()] == [written.file_name]


def test_plain_pg_restore_reads_it(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    """A DBA without this product: an empty database, PostGIS and the schema's name will do."""
    period = make_day(db, START, 300)
    written = archive.write(owner, POINTS, START, END, period)
    info = db.info
    db.execute("create database elsewhere")
    login = f"host={info.host} port={info.port} user={info.user} password={info.password}"
    try:
        with psycopg.connect(f"{login} dbname=elsewhere", autocommit=True) as elsewhere:
            elsewhere.execute("create extension postgis")
            elsewhere.execute("create schema core")
            program = [bin_directory() / "pg_restore", "-d", f"{login} dbname=elsewhere"]
            done = subprocess.run(
                [*program, folder / written.file_name], capture_output=True, text=True, check=False
            )
            assert fingerprint(elsewhere, period) == fingerprint(db, period)
            # Only its place in the set is missing: pg_restore says so and goes on.
            refused = [line for line in done.stderr.splitlines() if "Command was:" in line]
            assert all("ATTACH PARTITION" in line for line in refused)
    finally:
        db.execute("drop database elsewhere")


def test_a_file_that_lacks_rows_is_not_recorded(
    db: psycopg.Connection,
    owner: psycopg.Connection,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    period = make_day(db, START, 300)
    dump = archive_files.dump

    def dump_without_a_leaf(connection, snapshot, tables, name):
        return dump(connection, snapshot, [t for t in tables if not t.endswith("_default")], name)

    monkeypatch.setattr(archive_files, "dump", dump_without_a_leaf)
    with pytest.raises(OperatorError, match="_default holds 0 rows and the table 100"):
        archive.write(owner, POINTS, START, END, period)
    assert entries(db) == []
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_not_read(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    written = archive.write(owner, POINTS, START, END, make_day(db, START, 300))
    file = folder / written.file_name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(OperatorError, match="is damaged"):
        next(archive.rows(written))
    file.unlink()
    with pytest.raises(OperatorError, match="No such file"):
        next(archive.rows(written))


def test_a_full_disk_is_one_readable_line(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    """As a full disk does, the limit of file size makes a write fail in the middle."""
    period = make_day(db, START, 30_000)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OperatorError, match="cannot be written: File too large"):
            archive.write(owner, POINTS, START, END, period)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert entries(db) == []
    assert list(folder.iterdir()) == []


def test_too_little_space_is_said_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(OperatorError, match=r"MB free, and up to 1,000,000,000\.0 MB are needed"):
        archive_files.require_space(10**15)


def test_an_archive_of_the_same_table_takes_the_place_of_the_earlier_one(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    period = make_day(db, START, 300)
    first = archive.write(owner, POINTS, START, END, period)
    add_points(db, START, 30)
    second = archive.write(owner, POINTS, START, END, period)
    assert entries(db) == [(300, second.archive_id), (330, None)]
    assert [path.name for path in folder.iterdir()] == [second.file_name]

    db.execute("update core.partition_archives set dropped_at = now()")
    third = archive.write(owner, POINTS, START, END, period)
    assert archive.archives(owner, POINTS, START) == [
        archive.archives(owner, POINTS)[0],
        third,
    ], "rows of a table that was dropped are only in its own archive"
    assert first.file_name not in {path.name for path in folder.iterdir()}


def test_replace_keeps_the_history_of_an_archive(
    db: psycopg.Connection, owner: psycopg.Connection, folder: Path
) -> None:
    written = archive.write(owner, POINTS, START, END, make_day(db, START, 300))
    db.execute("update core.partition_archives set dropped_at = now()")
    (written,) = archive.archives(owner, POINTS)
    owner.execute("create temporary table smaller (like core.journey_points)")
    archive.load(owner, written, "smaller")
    owner.execute("delete from smaller where cell = 's0000'")
    owner.execute("create table core.smaller as select * from smaller")
    replaced = archive.replace(owner, written, "core.smaller")
    assert (replaced.row_count, replaced.dropped_at) == (200, written.dropped_at)
    assert archive.archives(owner, POINTS) == [replaced]
    assert [path.name for path in folder.iterdir()] == [replaced.file_name]


@pytest.mark.parametrize("moment", ["finish", "_record"])
def test_a_killed_run_leaves_nothing_that_the_next_does_not_settle(
    db: psycopg.Connection, folder: Path, moment: str
) -> None:
    period = make_day(db, START, 300)
    module = "archive_files" if moment == "finish" else "archive"
    script = f"""
import os, signal
from ops import archive, archive_files, upkeep
from tests.integration.test_archive import END, START
{module}.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with upkeep.exclusive() as connection:
    archive.write(connection, "core.journey_points", START, END, {period!r})
"""
    killed = subprocess.run(
        [sys.executable, "-c", script], check=False, env={**os.environ, "PYTHONPATH": Path.cwd()}
    )
    assert killed.returncode == -signal.SIGKILL
    assert [path.suffix for path in folder.iterdir()] == [archive_files.UNFINISHED]

    recorded = moment == "finish"
    assert len(entries(db)) == recorded
    with upkeep.connect() as connection:
        archive.tidy(connection)
        assert len(list(folder.iterdir())) == recorded
        for entry in archive.archives(connection, POINTS):
            assert len(list(archive.rows(entry))) == 300
