"""Reading crime files: CSV, plain or gzip, and how they are broken."""

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ops.errors import OperatorError

if TYPE_CHECKING:
    import _csv

_GZIP_MAGIC = b"\x1f\x8b"


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Some publishers still write Windows-1252: take the bytes that are no UTF-8 as such."""
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", errors="replace"), error.end


codecs.register_error("windows-1252", _as_windows_1252)


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def rows(path: Path, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The header, then each row, as (number of its last line, fields).

    Blank lines and repeated headers of joined files are left out. Raises OperatorError where the
    file is empty, is no text, is no CSV or is cut off; a file is cut off where its gzip stream
    ends early, or where its last row is shorter than the header.
    """
    packed = stream.read(2) == _GZIP_MAGIC
    stream.seek(0)
    plain = cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if packed else stream
    try:
        with io.TextIOWrapper(
            plain, encoding="utf-8-sig", errors="windows-1252", newline=""
        ) as text:
            reader = csv.reader(_without_nul(path, text), strict=True)
            yield from _whole_rows(path, reader)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OperatorError(f"{path.name} is cut off: {error}") from error
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise OperatorError(f"{path.name} is cut off: line {reader.line_num}") from error
        raise OperatorError(f"{path.name} is no CSV: line {reader.line_num}: {error}") from error


def _whole_rows(path: Path, reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    header: list[str] = next((fields for fields in reader if fields), [])
    if not header:
        raise OperatorError(f"{path.name} is empty")
    yield reader.line_num, header
    fields = header
    count = 0
    for fields in reader:
        if fields and fields != header:
            count += 1
            yield reader.line_num, fields
    if 0 < len(fields) < len(header):
        raise OperatorError(
            f"{path.name} is cut off: its last line, {reader.line_num}, "
            f"has {len(fields)} of {len(header)} fields"
        )
    if count == 0:
        raise OperatorError(f"{path.name} holds a header and no rows")


def _without_nul(path: Path, lines: io.TextIOWrapper) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            raise OperatorError(f"{path.name} is not a text file")
        yield line
