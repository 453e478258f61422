"""`make migration`: write the next migration from what has changed in `sql/`.

What can be made again (functions, views, policies, triggers, roles) is copied whole. Of a table
file, the statements that are new are copied; a statement that would leave an existing table as it
is (`create table if not exists`) is shown as a difference, for its ALTER to be written by hand.
Each section names the file and its digest: the next migration begins where this one ends.
"""

import difflib
import hashlib
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.settings import REPOSITORY
from ops import migrations, schema
from ops.errors import OperatorError
from ops.migrations import Migration, Section, statements

_DIFFERENCE = "--| "
_OWNER = "-- role: saferoute_owner\nset local role saferoute_owner;\n"
# What a file makes: `create or replace` replaces it, `if not exists` leaves it.
_MADE = re.compile(
    r"create (?:or replace )?(?:unlogged |unique |constraint )*"
    r"(table|index|type|sequence|function|procedure|view|extension|schema|materialized view) "
    r"(?:if not exists )?([\w.\"]+)",
    re.IGNORECASE,
)

_SIGNATURE = re.compile(r"\bcreate or replace (function|procedure)\b.*?\blanguage\b", re.DOTALL)
_REPLACED = ("comment", "insert", "function", "procedure", "view")


@dataclass(frozen=True)
class Change:
    """A file of `sql/` that differs from what the migrations bring; None where it is not there."""

    path: str
    before: Section | None
    text: str | None

    @property
    def is_remade(self) -> bool:
        """Whether running the file again brings what it makes up to date."""
        if not self.path.startswith("sql/schema/"):
            return True
        number = schema.number(Path(self.path))
        return number < schema.SUPERUSER_FILES or number >= schema.LAST_FILES


@dataclass
class Draft:
    """The migration that was written, what it copies, and what it leaves to be written.

    `differing`: the files whose changes it can only show.
    """

    path: Path
    copied: list[str] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)
    to_do: list[str] = field(default_factory=list)


def write(title: str, anew: bool = False, directory: Path = migrations.DIRECTORY) -> Draft:
    """Write the next migration; with `anew` the newest again, keeping what is written by hand."""
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", title):
        raise OperatorError(f"{title} is not a name: lower case, digits and _, as in add_a_thing")
    earlier = migrations.known(directory)
    old = earlier[-1] if earlier and earlier[-1].title == title else None
    if old and not anew:
        raise OperatorError(f"migrations/{old.name}.sql is there: ANEW=1 writes it anew")
    if anew:
        if old is None or old.number == 1:
            raise OperatorError(f"the newest migration is not {title}: only it is written anew")
        earlier.pop()
    draft = Draft(directory / f"{len(earlier) + 1:04}_{title}.sql")
    draft.path.write_text(_composed(draft, list(changes(earlier)), old))
    return draft


def changes(earlier: Sequence[Migration]) -> Iterator[Change]:
    """The files of `sql/` that these migrations do not bring as they are now, in install order."""
    before = migrations.newest_sections(earlier)
    for file in schema.files():
        path = file.relative_to(REPOSITORY).as_posix()
        section, content = before.pop(path, None), file.read_bytes()
        if section is None or section.digest != _digest(content.decode()):
            yield Change(path, section, content.decode())
    for path, section in before.items():
        yield Change(path, section, None)


def source(path: str, text: str, kind: str = "source") -> str:
    """The line that begins a section which brings a file of `sql/`."""
    return f"-- {kind}: {path} sha256:{_digest(text)}\n"


def _composed(draft: Draft, found: Sequence[Change], old: Migration | None) -> str:
    by_hand = _written_by_hand(old) if old else {}
    answered = {(section.path, section.digest) for section in old.sections} if old else set()
    there = [change for change in found if change.text is not None]
    superusers = [c for c in there if not schema.is_owners(REPOSITORY / c.path)]
    owners = [change for change in there if change not in superusers]
    header = _header(old) or (
        f"-- migration: pre{' superuser' if superusers else ''}\n"
        f"-- {draft.path.stem[5:].replace('_', ' ').capitalize()}.\n"
    )
    if superusers and " superuser" not in header.partition("\n")[0]:
        header = header.replace("\n", " superuser\n", 1)
    parts = [header]
    parts += [_brought(draft, change, by_hand) for change in superusers]
    parts += [_OWNER] if superusers else []
    parts += ["-- by hand: first\n" + by_hand.get("first", "")]
    parts += [_brought(draft, change, by_hand) for change in owners]
    parts += [_removed(draft, c, there, by_hand) for c in found if c.text is None]
    parts += ["-- by hand: last\n" + by_hand.get("last", "")]
    for change in found:
        digest = None if change.text is None else _digest(change.text)
        if change.path in draft.differing and (change.path, digest) not in answered:
            draft.to_do.append(
                f"what {'drops' if digest is None else 'has changed in'} {change.path}"
            )
    if not found and not old:
        draft.to_do.append("everything: sql/ has not changed since the last migration")
    return "\n".join(parts)


def _header(old: Migration | None) -> str:
    """What stands before the first section."""
    if old is None:
        return ""
    first = migrations.SECTION.search(old.text)
    return (old.text[: first.start()] if first else old.text).rstrip() + "\n"


def _written_by_hand(old: Migration) -> dict[str, str]:
    """What of a migration was not generated, by the file or place it belongs to."""
    kept = {}
    for section in old.sections:
        if section.kind in ("changed", "removed", "by hand"):
            lines = section.text.splitlines(keepends=True)
            text = "".join(line for line in lines if not line.startswith(_DIFFERENCE.strip()))
            kept[section.path] = text.strip() + "\n" if text.strip() else ""
    return kept


def _brought(draft: Draft, change: Change, by_hand: dict[str, str]) -> str:
    assert change.text is not None
    if change.before is None or change.is_remade:
        draft.copied.append(change.path)
        return _drop(change) + source(change.path, change.text) + change.text
    before = _text_before(change.before)
    difference, rest = _compared(before, change.text)
    if difference:
        draft.differing.add(change.path)
    if rest:
        draft.copied.append(f"what is new in {change.path}")
    return (
        source(change.path, change.text, "changed")
        + "".join(f"{_DIFFERENCE}{line}\n" for line in difference)
        + by_hand.get(change.path, "")
        + (f"\n-- rest: {change.path}\n" + "\n".join(rest) + "\n" if rest else "")
    )


def _drop(change: Change) -> str:
    """`create or replace` cannot change what a function takes or returns: it is dropped first."""
    if change.before is None or change.text is None:
        return ""
    before, now = (_SIGNATURE.search(text) for text in (change.before.text, change.text))
    if before is None or now is None or before[0].split() == now[0].split():
        return ""
    return f"-- removed: {change.path}\n{_drops(change.before.text)}\n"


def _removed(draft: Draft, change: Change, there: Iterable[Change], by_hand: dict[str, str]) -> str:
    assert change.before is not None
    head = f"-- removed: {change.path}\n"
    if not change.path.startswith("sql/schema/"):
        moved = {name for other in there for name in _names(other.text or "")}
        return head + ("" if moved & _names(change.before.text) else _drops(change.before.text))
    draft.differing.add(change.path)
    before = _text_before(change.before) or "its text is not in this clone\n"
    shown = "".join(f"{_DIFFERENCE}- {line}\n" for line in before.splitlines())
    return head + shown + by_hand.get(change.path, "")


def _compared(before: str | None, now: str) -> tuple[list[str], list[str]]:
    """What has to be written by hand, as a difference; the statements that only need to run."""
    if before is None:
        return [f"+ {line}" for line in now.splitlines()], []
    old, new = _keyed(before), _keyed(now)
    difference, rest = [], []
    for key, text in new.items():
        stood = old.get(key)
        if stood is None or (stood != text and key[0] in _REPLACED):
            rest.append(text)
        elif stood != text:
            was, now_is = stood.splitlines(), text.splitlines()
            lines = difflib.unified_diff(was, now_is, lineterm="", n=0)
            changed = [line for line in list(lines)[2:] if not line.startswith("@@")]
            difference += [f"  {now_is[0]}", *(f"{line[0]} {line[1:]}" for line in changed)]
    for key, text in old.items():
        if key not in new:
            difference += [f"- {line}" for line in text.splitlines()]
    return difference, rest


def _keyed(text: str) -> dict[tuple[str, ...], str]:
    """The statements, by what they make or speak of; by their text where that is unclear."""
    keyed: dict[tuple[str, ...], str] = {}
    blocks = 0
    for statement in statements(text):
        words = statement.text.split(maxsplit=4)
        key: tuple[str, ...] = (statement.text,)
        if made := _MADE.match(statement.text):
            key = made.groups()
        elif words[:2] in (["comment", "on"], ["insert", "into"]):
            key = (words[0], *words[2:4]) if words[0] == "comment" else (words[0], words[2])
        elif words[0] == "do":
            blocks += 1
            key = ("do", str(blocks))
        keyed[key] = statement.text
    return keyed


def _names(text: str) -> set[str]:
    return {made[2] for each in statements(text) if (made := _MADE.match(each.text))}


def _drops(text: str) -> str:
    made = (_MADE.match(each.text) for each in statements(text))
    return "".join(f"drop {each[1]} if exists {each[2]};\n" for each in made if each)


def _text_before(section: Section) -> str | None:
    """A file of `sql/` as the section brought it; None where neither it nor git has the text."""
    if section.kind == "source":
        return section.text
    revisions = _git("log", "--format=%H", "--", section.path).split()
    for revision in revisions:
        text = _git("show", f"{revision}:{section.path}")
        if _digest(text) == section.digest:
            return text
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
