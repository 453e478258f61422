"""CSV as publishers really write it, and as downloads really break."""

import gzip
from pathlib import Path

import pytest

from ops.crime_files import rows
from ops.errors import OperatorError


def read(tmp_path: Path, content: bytes) -> list[tuple[int, list[str]]]:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with path.open("rb") as stream:
        return list(rows(path, stream))


PLAIN = b"a,b\n1,x\n2,y\n"
ROWS = [(1, ["a", "b"]), (2, ["1", "x"]), (3, ["2", "y"])]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip(),
        PLAIN.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + PLAIN,
        gzip.compress(PLAIN),
        PLAIN.replace(b"x", b'"x"'),
    ],
    ids=["plain", "no last newline", "windows lines", "byte order mark", "gzip", "quotes"],
)
def test_the_same_rows(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, content) == ROWS


def test_blank_lines_and_repeated_headers_are_left_out(tmp_path: Path) -> None:
    read_rows = read(tmp_path, b"a,b\n1,x\n\na,b\n2,y\n\n")
    assert read_rows == [(1, ["a", "b"]), (2, ["1", "x"]), (5, ["2", "y"])]


def test_a_quoted_field_may_span_lines(tmp_path: Path) -> None:
    assert read(tmp_path, b'a,b\n1,"x\ny, z"\n2,y\n')[1:] == [
        (3, ["1", "x\ny, z"]),
        (4, ["2", "y"]),
    ]


def test_bytes_that_are_no_utf8_are_windows_1252(tmp_path: Path) -> None:
    content = "a,b\n1,Café\n2,".encode() + b"O\x92Connell Street\n"
    assert [fields[1] for _, fields in read(tmp_path, content)] == ["b", "Café", "O’Connell Street"]


def test_a_short_row_in_the_middle_is_handed_on(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n1\n2,y\n")[1] == (2, ["1"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (gzip.compress(b""), "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n\x00\x01\n", "not a text file"),
        ("a,b\n1,2\n".encode("utf-16"), "not a text file"),
        (b"a,b\n1,x\n2\n", "cut off: its last line, 3, has 1 of 2 fields"),
        (b'a,b\n1,x\n2,"y\n', "cut off: line 3"),
        (gzip.compress(PLAIN * 99)[:-12], "cut off"),
        (gzip.compress(PLAIN)[:15] + b"??????????????", "cut off"),
        (b'a,b\n1,"x"y\n2,y\n', "no CSV: line 2"),
    ],
)
def test_broken_files(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=message):
        read(tmp_path, content)
