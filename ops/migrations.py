"""The files of `migrations/`: how each is applied, its statements, and what of `sql/` it brings.

`NNNN_text.sql`, numbered without gaps. The first line says how the file is applied:

    -- migration: pre|post [no-transaction] [superuser]

`pre`: before the new code serves, `post`: once no old code does. `no-transaction`: each statement
by itself, for what PostgreSQL refuses in a transaction; after a failure the whole file runs again,
so every statement can be repeated. `superuser`: by the superuser, not by saferoute_owner.

Sections begin with a line of their own (`SECTION`): a file of `sql/` copied whole, one that was
changed, one that is gone, or statements written by hand.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from common.settings import REPOSITORY
from ops.errors import OperatorError

DIRECTORY = REPOSITORY / "migrations"
PHASES = ("pre", "post")
SECTION = re.compile(
    r"^-- (source|changed|rest|removed|role|by hand): (\S+)(?: sha256:([0-9a-f]{64}))?\n",
    re.MULTILINE,
)
_NAME = re.compile(r"(\d{4})_([a-z0-9]+(?:_[a-z0-9]+)*)")
_HEADER = "-- migration: "
_FLAGS = ("no-transaction", "superuser")
_BLANK = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
# What may hold a semicolon that ends nothing, and the semicolon that does.
_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/
    |\b[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"
    |(?P<quote>\$(?:[A-Za-z_]\w*)?\$).*?(?P=quote)
    |;""",
    re.DOTALL | re.VERBOSE,
)
_TRANSACTION_CONTROL = re.compile(
    r"(begin|start\s+transaction|commit|end|rollback|abort|savepoint|prepare\s+transaction)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Statement:
    """One statement of a file, without the comments before it; `line` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True)
class Section:
    """A part of a migration: what it is (see SECTION), of which file, the file's digest."""

    kind: str
    path: str
    digest: str | None
    text: str


@dataclass(frozen=True)
class Migration:
    """A file of `migrations/`; `name` is the file's without its ending."""

    name: str
    text: str
    phase: str
    in_transaction: bool
    as_superuser: bool

    @property
    def number(self) -> int:
        """Its place in the order, from 1."""
        return int(self.name[:4])

    @property
    def title(self) -> str:
        """What follows the number in its name."""
        return self.name[5:]

    @property
    def checksum(self) -> str:
        """SHA-256 of the file: an applied migration must not change."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[Statement]:
        """What is to be executed, in order."""
        return list(statements(self.text))

    @property
    def sections(self) -> list[Section]:
        """The parts of the file; what stands before the first belongs to none."""
        found = list(SECTION.finditer(self.text))
        ends = [match.start() for match in found[1:]] + [len(self.text)]
        return [
            Section(match[1], match[2], match[3], self.text[match.end() : end].removesuffix("\n"))
            for match, end in zip(found, ends, strict=False)
        ]


def known(directory: Path = DIRECTORY) -> list[Migration]:
    """Every migration, in order. A file that cannot be one is an error."""
    found = [read(path) for path in sorted(directory.glob("*.sql"))]
    for number, migration in enumerate(found, start=1):
        if migration.number != number:
            raise OperatorError(
                f"migrations/{migration.name}.sql should have number {number:04}: "
                "numbers follow each other, each once"
            )
    return found


def read(path: Path) -> Migration:
    """Read one file and check what can be checked without a database."""
    if not _NAME.fullmatch(path.stem):
        raise OperatorError(f"migrations/{path.name} is not named like 0007_add_a_thing.sql")
    text = path.read_bytes().decode()
    words = text.partition("\n")[0].removeprefix(_HEADER).split()
    unknown = [word for word in words[1:] if word not in _FLAGS]
    if not text.startswith(_HEADER) or words[:1] not in ([p] for p in PHASES) or unknown:
        wrong = f", not with {unknown[0]}" if unknown else ""
        raise OperatorError(
            f"migrations/{path.name} line 1: a migration begins with "
            f"`{_HEADER}pre|post [no-transaction] [superuser]`{wrong}"
        )
    migration = Migration(
        path.stem, text, words[0], "no-transaction" not in words, "superuser" in words
    )
    for statement in migration.statements:
        if control := _TRANSACTION_CONTROL.match(statement.text):
            raise OperatorError(
                f"migrations/{path.name} line {statement.line}: {control[0].lower()}: "
                "the transaction is saferoute's"
            )
    return migration


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text, told apart by the semicolons that end them."""
    begun = 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            yield from _statement(text, begun, token.end())
            begun = token.end()
    yield from _statement(text, begun, len(text))


def newest_sections(migrations: Iterable[Migration]) -> dict[str, Section]:
    """For each file of `sql/`, the last section that brought it; without those that are gone."""
    newest: dict[str, Section] = {}
    for migration in migrations:
        for section in migration.sections:
            if section.kind in ("source", "changed"):
                newest[section.path] = section
            elif section.kind == "removed":
                newest.pop(section.path, None)
    return newest


def first_release_digest(first: Migration) -> str:
    """What the installer of the first release noted in core.installations."""
    total = hashlib.sha256()
    for section in first.sections:
        if section.kind == "source":
            name = section.path.removeprefix("sql/")
            total.update(name.encode() + b"\0" + section.text.encode())
    return total.hexdigest()


def _statement(text: str, begin: int, end: int) -> Iterator[Statement]:
    blank = _BLANK.match(text, begin, end)
    begin = blank.end() if blank else begin
    if text[begin:end].strip("; \n"):
        yield Statement(text.count("\n", 0, begin) + 1, text[begin:end])
