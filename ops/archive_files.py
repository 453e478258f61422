"""Files of pg_dump in the archive directory: writing, checking and reading them.

A file is written under a temporary name, which says that nothing stands for it. Whoever writes it
holds a lock on it, so that what a killed run left can be told from what another database's upkeep
is writing at this moment.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg

from common.settings import REPOSITORY, settings
from ops.cluster import bin_directory
from ops.errors import OperatorError

UNFINISHED = ".unfinished"
"""Ends the name of a file that is being written."""
_BLOCK = 1 << 18
_NAME = re.compile(r'"(?:[^"]|"")+"|[\w$]+')

Line = tuple[str, tuple[str, ...], bytes]
"""Table (without schema), columns, and one row as COPY writes it, with its line end."""


def folder() -> Path:
    """The archive directory, made for its owner alone where it is missing."""
    path = REPOSITORY / settings().archive_directory
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"the archive directory {path} cannot be made: {error.strerror}"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OperatorError(f"the archive directory {path} cannot be written to")
    return path


def require_space(needed: int) -> None:
    """Raise an error where the archive directory has less space than this many bytes."""
    path = folder()
    status = os.statvfs(path)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise OperatorError(
            f"the archive directory {path} has {free / 1e6:,.1f} MB free, and up to "
            f"{needed / 1e6:,.1f} MB are needed; nothing was changed"
        )


def dump(
    connection: psycopg.Connection, snapshot: str, tables: Sequence[str], name: str
) -> tuple[str, int]:
    """Write these tables (quoted names), as this snapshot sees them, to an unfinished file.

    The SHA-256 of the file and its size. It is the caller's to `finish` or `discard`.
    """
    path = folder() / (name + UNFINISHED)
    arguments = [
        # Level 1 takes half the time of the default and 7 % more space (positions of a day).
        *("--format=custom", "--compress=1", "--no-owner", "--no-privileges", "--no-password"),
        *("--snapshot", snapshot, "--lock-wait-timeout=10s"),
        *(f"--table={table}" for table in tables),
    ]
    total = hashlib.sha256()
    try:
        with (
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            _output("pg_dump", arguments, _login(connection)) as stream,
        ):
            fcntl.flock(file, fcntl.LOCK_EX)
            # Through this process: a pg_dump whose reader was killed ends by itself.
            while block := stream.read(_BLOCK):
                total.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OperatorError(
            f"the archive {path} cannot be written: {error.strerror}; nothing was changed"
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return total.hexdigest(), size


def finish(name: str) -> None:
    """Give an unfinished file its name, for good."""
    path = folder() / name
    path.with_name(name + UNFINISHED).rename(path)
    _sync(path.parent)


def discard(name: str) -> None:
    """Remove a file, finished or not; nothing where there is none."""
    path = folder() / name
    path.unlink(missing_ok=True)
    path.with_name(name + UNFINISHED).unlink(missing_ok=True)
    _sync(path.parent)


def unfinished() -> Iterator[str]:
    """The names of files that a killed run left unfinished."""
    for path in folder().glob("*" + UNFINISHED):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path.name.removesuffix(UNFINISHED)


def digest(name: str) -> str:
    """SHA-256 of a finished file."""
    path = folder() / name
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OperatorError(f"the archive {path} cannot be read: {error.strerror}") from error


def lines(name: str, *, is_finished: bool = True) -> Iterator[Line]:
    """Every row of a file."""
    path = folder() / (name if is_finished else name + UNFINISHED)
    table, columns = "", None
    with _output("pg_restore", ["--data-only", "--file=-", str(path)], {}) as stream:
        for line in stream:
            if columns is None:
                if line.startswith(b"COPY "):
                    table, columns = _header(line.decode())
            elif line == b"\\.\n":
                columns = None
            else:
                yield table, columns, line


def _header(line: str) -> tuple[str, tuple[str, ...]]:
    """Table and columns of: COPY core."the table" (a, "b c") FROM stdin;"""
    _copy, _schema, table, *columns, _from, _stdin = (
        name[1:-1].replace('""', '"') if name.startswith('"') else name
        for name in _NAME.findall(line)
    )
    return table, tuple(columns)


def _login(connection: psycopg.Connection) -> dict[str, str]:
    """This session's server and role for PostgreSQL's programs: never a password as argument."""
    info = connection.info
    return {
        "PGHOST": info.host,
        "PGPORT": str(info.port),
        "PGUSER": info.user,
        "PGDATABASE": info.dbname,
        "PGPASSWORD": info.password,
        "PGAPPNAME": "saferoute archive",
        "PGOPTIONS": "-c client_connection_check_interval=1000",
    }


@contextmanager
def _output(program: str, arguments: Sequence[str], login: dict[str, str]) -> Iterator[IO[bytes]]:
    """What one of PostgreSQL's programs writes; an error where it does not end well."""
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(
            [str(bin_directory() / program), *arguments],
            stdout=subprocess.PIPE,
            stderr=messages,
            env={**os.environ, **login},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout
            code = process.wait()
        finally:
            process.kill()
        if code:
            messages.seek(0)
            text = messages.read().decode(errors="replace").strip() or f"exit code {code}"
            raise OperatorError(f"{program} failed: {text.splitlines()[-1]}")


def _sync(directory: Path) -> None:
    """Make a new name survive a power failure."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
