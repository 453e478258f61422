"""`make migration`: what it writes from a change of sql/, and what it leaves to be written."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ops import draft, migrations, schema
from ops.errors import OperatorError

ROLES = "create role painter;\n"
PAINT = """\
-- What is painted with.
create table if not exists core.paint (
    colour text primary key,
    litres float8 not null
);
comment on table core.paint is 'Paint.';
grant select on core.paint to painter;
"""
MIX = """\
create or replace function core.mix(p_one text) returns text
language sql immutable as $$ select p_one; $$;
"""
STOCK = "create or replace view ops.stock as select * from core.paint;\n"


@dataclass
class Sources:
    """A sql/ and a migrations/ of a test's own."""

    folder: Path

    def write(self, path: str, text: str) -> None:
        file = self.folder / "sql" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def draft(self, title: str, anew: bool = False) -> draft.Draft:
        return draft.write(title, anew, self.folder / "migrations")

    def text(self, title: str, anew: bool = False) -> str:
        return self.draft(title, anew).path.read_text()

    def newest(self) -> migrations.Migration:
        return migrations.known(self.folder / "migrations")[-1]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch) -> Sources:
    """Four files, all of them in migration 0001."""
    monkeypatch.setattr(schema, "SQL", tmp_path / "sql")
    monkeypatch.setattr(draft, "REPOSITORY", tmp_path)
    (tmp_path / "migrations").mkdir()
    sources = Sources(tmp_path)
    sources.write("schema/000_roles.sql", ROLES)
    sources.write("schema/100_paint.sql", PAINT)
    sources.write("functions/paint/mix.sql", MIX)
    sources.write("schema/930_stock.sql", STOCK)
    sources.draft("first")
    return sources


def test_the_first_migration_is_every_file_in_install_order(sources: Sources) -> None:
    first = sources.newest()
    assert first.as_superuser
    assert [section.text for section in first.sections if section.kind == "source"] == [
        ROLES,
        PAINT,
        MIX,
        STOCK,
    ]
    role = first.text.index("set local role saferoute_owner")
    assert first.text.index(ROLES) < role < first.text.index(PAINT)
    assert list(draft.changes([first])) == []


def test_what_can_be_made_again_is_copied(sources: Sources) -> None:
    mixed = MIX.replace("select p_one", "select lower(p_one)")
    sources.write("functions/paint/mix.sql", mixed)
    sources.write("schema/930_stock.sql", STOCK.replace("*", "colour"))
    sources.write("schema/110_brushes.sql", "create table if not exists core.brushes ();\n")
    written = sources.draft("mix_again")
    assert written.path.name == "0002_mix_again.sql"
    assert written.to_do == []
    newest = sources.newest()
    assert not newest.as_superuser
    assert [section.path for section in newest.sections if section.kind == "source"] == [
        "sql/schema/110_brushes.sql",
        "sql/functions/paint/mix.sql",
        "sql/schema/930_stock.sql",
    ]
    assert mixed in newest.text
    assert "drop" not in newest.text


def test_a_changed_table_is_shown_and_the_rest_of_its_file_copied(sources: Sources) -> None:
    changed = PAINT.replace("not null\n", "not null,\n    is_matt boolean\n")
    changed = (
        changed.replace("'Paint.'", "'All the paint.'") + "create index p on core.paint (x);\n"
    )
    sources.write("schema/100_paint.sql", changed)
    written = sources.draft("matt")
    assert written.to_do == ["what has changed in sql/schema/100_paint.sql"]
    text = written.path.read_text()
    assert [line for line in text.splitlines() if line.startswith("--|")] == [
        "--|   create table if not exists core.paint (",
        "--| -     litres float8 not null",
        "--| +     litres float8 not null,",
        "--| +     is_matt boolean",
    ]
    statements = [statement.text for statement in sources.newest().statements]
    assert statements == [
        "comment on table core.paint is 'All the paint.';",
        "create index p on core.paint (x);",
    ]


def test_what_is_written_by_hand_stays_when_it_is_written_anew(sources: Sources) -> None:
    sources.write("schema/100_paint.sql", PAINT.replace("float8", "numeric"))
    path = sources.draft("numbers").path
    by_hand = "alter table core.paint alter column litres type numeric;\n"
    text = path.read_text().replace("\n-- by hand: last", f"{by_hand}\n-- by hand: last")
    text = text.replace("-- by hand: first\n", "-- by hand: first\ndrop view ops.stock;\n")
    path.write_text(
        text.replace("-- migration: pre", "-- migration: post").rstrip() + "\nselect 1;\n"
    )

    with pytest.raises(OperatorError, match="ANEW=1"):
        sources.draft("numbers")
    sources.write("schema/930_stock.sql", STOCK.replace("*", "litres"))
    written = sources.draft("numbers", anew=True)
    assert written.to_do == [], "the ALTER that answers the change is there"
    again = written.path.read_text()
    assert [statement.text for statement in sources.newest().statements] == [
        "drop view ops.stock;",
        by_hand.strip(),
        STOCK.replace("*", "litres").strip(),
        "select 1;",
    ]
    assert sources.newest().phase == "post"
    assert sources.text("numbers", anew=True) == again
    sources.write("schema/100_paint.sql", PAINT.replace("float8", "bigint"))
    assert sources.draft("numbers", anew=True).to_do != []
    sources.draft("next")
    with pytest.raises(OperatorError, match="the newest migration is not numbers"):
        sources.draft("numbers", anew=True)


def test_a_function_that_is_gone_or_takes_something_else_is_dropped(sources: Sources) -> None:
    sources.write("functions/paint/mix.sql", MIX.replace("p_one text", "p_one text, p_two text"))
    assert "drop function if exists core.mix;\n\n-- source:" in sources.text("two")
    (sources.folder / "sql/functions/paint/mix.sql").unlink()
    assert [statement.text for statement in _drops(sources, "gone")] == [
        "drop function if exists core.mix;"
    ]
    assert _drops(sources, "after_it") == []


def test_a_function_that_moved_is_not_dropped(sources: Sources) -> None:
    (sources.folder / "sql/functions/paint/mix.sql").unlink()
    sources.write("functions/colours/mix.sql", MIX)
    assert "drop" not in sources.text("moved")
    assert list(draft.changes(migrations.known(sources.folder / "migrations"))) == []


def test_a_table_that_is_gone_is_left_to_be_dropped_by_hand(sources: Sources) -> None:
    (sources.folder / "sql/schema/100_paint.sql").unlink()
    written = sources.draft("gone")
    assert written.to_do == ["what drops sql/schema/100_paint.sql"]
    assert "--| - create table if not exists core.paint (" in written.path.read_text()
    assert sources.newest().statements == []


def test_roles_are_the_superusers_part(sources: Sources) -> None:
    sources.write("schema/000_roles.sql", ROLES + "create role viewer;\n")
    sources.write("functions/paint/mix.sql", MIX.replace("immutable", "stable"))
    text = sources.text("viewer")
    newest = sources.newest()
    assert newest.as_superuser
    role = text.index("set local role saferoute_owner;")
    assert text.index("create role viewer") < role < text.index("core.mix")


def test_without_a_change_it_is_empty_and_says_so(sources: Sources) -> None:
    written = sources.draft("data")
    assert "sql/ has not changed" in written.to_do[0]
    assert sources.newest().statements == []
    with pytest.raises(OperatorError, match="is not a name"):
        sources.draft("Add-Data")


def test_a_migration_may_be_written_without_any_section(sources: Sources) -> None:
    written = sources.draft("data")
    written.path.write_text("-- migration: pre\nupdate core.paint set litres = 0;\n")
    assert list(draft.changes(migrations.known(sources.folder / "migrations"))) == []


def _drops(sources: Sources, title: str) -> list[migrations.Statement]:
    sources.draft(title)
    return sources.newest().statements
