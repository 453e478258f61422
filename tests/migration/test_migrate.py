"""`saferoute migrate` as an operator runs it."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ops.upgrade import Patience
from tests.conftest import conninfo
from tests.migration.checkout import Checkout

NAMES = "select name from core.migrations where finished_at is not null order by number"


def test_a_database_that_is_not_there_is_installed_whole(absent_checkout: Checkout) -> None:
    assert set(absent_checkout.status()) == {"pending"}
    result = absent_checkout.run("migrate", "--json")
    assert [entry["name"] for entry in json.loads(result.stdout)] == ["schema"]
    noted = [name for (name,) in absent_checkout.query(NAMES)]
    assert noted[0] == "0001_first_release"
    assert noted[-1] == absent_checkout.newest().name
    assert absent_checkout.migrate() == []
    assert "nothing to apply" in absent_checkout.run("migrate").stdout


def test_the_first_release_gets_what_came_after_it(old_checkout: Checkout) -> None:
    old_checkout.add("paint", "create table core.paint (colour text);")
    assert old_checkout.status()[:2] == ["applied", "pending"]
    wanted = json.loads(old_checkout.run("migrate", "--dry-run", "--json").stdout)
    assert old_checkout.query("select to_regclass('core.migrations')") == [(None,)]

    applied = old_checkout.migrate()
    assert applied == [entry["would apply"] for entry in wanted]
    assert applied[-1].endswith("_paint")
    assert set(old_checkout.status()) == {"applied"}
    assert old_checkout.migrate() == []


def test_sources_between_two_releases_are_refused(old_checkout: Checkout) -> None:
    old_checkout.query("insert into core.installations values (now(), 'x') returning 1")
    assert "between two releases" in old_checkout.refused()
    assert old_checkout.query("select to_regclass('core.migrations')") == [(None,)]


@pytest.mark.parametrize("state", ["old_checkout", "absent_checkout"])
def test_eight_at_once_apply_everything_once(state: str, request) -> None:
    checkout: Checkout = request.getfixturevalue(state)
    checkout.add("paint", "create table core.paint (colour text);")
    checkout.add(
        "paint_index",
        "drop index concurrently if exists core.paint_colour;\n"
        "create index concurrently paint_colour on core.paint (colour);",
        "pre no-transaction",
    )
    with ThreadPoolExecutor(8) as threads:
        applied = list(threads.map(lambda _: checkout.migrate(), range(8)))
    busy = [names for names in applied if names]
    assert len(busy) == 1
    assert checkout.query("select count(*) from core.migrations")[0][0] == checkout.newest().number


def test_a_failing_migration_leaves_nothing_and_can_be_corrected(new_checkout: Checkout) -> None:
    new_checkout.add("paint", "create table core.paint (colour text);")
    text = "create table core.brush (width int);\n\ninsert into core.paint\nvalues ('red', {});"
    bad = new_checkout.add("brush", text.format("wide"))
    result = new_checkout.run("migrate")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(
        f'saferoute: migrations/{bad.name} line 5: column "wide" does not exist; '
    )
    assert "Traceback" not in result.stderr
    kept = "select to_regclass('core.paint')::text, to_regclass('core.brush')::text"
    assert new_checkout.query(kept) == [("core.paint", None)]
    assert new_checkout.query("select core.ensure_partitions()") == [(0,)]

    new_checkout.add("brush", "create table core.brush (width int);")
    assert new_checkout.migrate() == [bad.stem]
    assert new_checkout.query(kept) == [("core.paint", "core.brush")]


def test_an_error_without_a_position_names_the_statement(new_checkout: Checkout) -> None:
    bad = new_checkout.add("halves", "-- ; '\nselect 1;\n/* ; */ select\n1 / 0;")
    assert f"migrations/{bad.name} line 4: division by zero;" in new_checkout.refused()


@pytest.mark.parametrize(
    ("flags", "text", "said"),
    [
        ("before", "select 1;", "line 1"),
        ("pre notransaction", "select 1;", "notransaction"),
        ("pre", "select 1;\ncommit;", "line 3: commit"),
        ("pre", "start  transaction;", "line 2"),
    ],
)
def test_a_file_that_cannot_be_a_migration_is_refused(
    new_checkout: Checkout, flags: str, text: str, said: str
) -> None:
    new_checkout.add("odd", text, flags)
    assert said in new_checkout.refused()


def test_numbers_follow_each_other(new_checkout: Checkout) -> None:
    path = new_checkout.add("paint", "select 1;")
    path.rename(path.with_name("0099_paint.sql"))
    assert "0099_paint.sql should have number" in new_checkout.refused()
    path.with_name("0099_paint.sql").rename(path.with_name("paint.sql"))
    assert "is not named like" in new_checkout.refused()


def test_an_applied_migration_that_changed_is_named(new_checkout: Checkout) -> None:
    path = new_checkout.add("paint", "select 1;")
    new_checkout.migrate()
    path.write_text(path.read_text() + "select 2;\n")
    assert f"migrations/{path.name} is not what was applied" in new_checkout.refused()


def test_a_database_that_is_newer_than_the_code_is_refused(new_checkout: Checkout) -> None:
    path = new_checkout.add("paint", "select 1;")
    new_checkout.migrate()
    path.unlink()
    assert f"migration {path.stem}, which this code does not know" in new_checkout.refused()


def test_a_missing_number_is_refused(new_checkout: Checkout) -> None:
    new_checkout.add("paint", "select 1;")
    new_checkout.migrate()
    new_checkout.query("delete from core.migrations where number = 1 returning 1")
    assert "no number 0001" in new_checkout.refused()
    new_checkout.query("delete from core.migrations returning 1")
    assert "core.migrations is empty" in new_checkout.refused()


def test_phases_keep_the_order_of_the_numbers(new_checkout: Checkout) -> None:
    for title, phase in [("one", "pre"), ("two", "pre"), ("three", "post"), ("four", "post")]:
        new_checkout.add(title, "select 1;", phase)
    assert "_one (pre) comes before" in new_checkout.refused("post")
    applied = new_checkout.migrate("pre")
    assert [name[5:] for name in applied] == ["one", "two"]
    assert new_checkout.migrate("pre") == []
    new_checkout.add("five", "select 1;", "pre")
    assert "_three (post) comes before" in new_checkout.refused("pre")
    assert "is not a phase" in new_checkout.refused("during")
    assert [name[5:] for name in new_checkout.migrate()] == ["three", "four", "five"]


def test_the_owner_applies_what_does_not_ask_for_the_superuser(new_checkout: Checkout) -> None:
    new_checkout.add("paint", "create table core.paint (colour text);")
    new_checkout.add("statistics", "create extension pg_stat_statements;", "pre superuser")
    new_checkout.migrate()
    owners = "select relowner::regrole::text from pg_class where oid = 'core.paint'::regclass"
    assert new_checkout.query(owners) == [("saferoute_owner",)]
    new_checkout.add("more", "drop extension pg_stat_statements;")
    assert "must be owner of extension" in new_checkout.refused()


def test_a_lock_that_stays_taken_ends_the_command(
    new_checkout: Checkout, new: psycopg.Connection
) -> None:
    new.execute("select 1 from core.cities")
    path = new_checkout.add("paint", "alter table core.cities add colour text;")
    line = new_checkout.refused(patience=Patience(0.05, 2))
    assert f"migrations/{path.name} line 2: " in line
    assert "lock timeout, 2 times within 0.05 s" in line
    new.rollback()
    assert new_checkout.migrate() == [path.stem]


def test_a_lock_that_becomes_free_is_taken(new_checkout: Checkout, new: psycopg.Connection) -> None:
    new.execute("select 1 from core.cities")
    path = new_checkout.add("paint", "alter table core.cities add colour text;")
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(conninfo(new), autocommit=True) as other,
    ):
        applied = thread.submit(new_checkout.migrate, patience=Patience(0.2, 60))
        waits = "select from pg_locks where not granted and relation = 'core.cities'::regclass"
        _until(lambda: other.execute(waits).rowcount == 1)
        _until(lambda: other.execute(waits).rowcount == 0)
        new.rollback()
        assert applied.result(60) == [path.stem]


def test_one_without_transaction_that_was_killed_is_resumed(
    new_checkout: Checkout, new: psycopg.Connection
) -> None:
    path = new_checkout.add(
        "index",
        "drop index concurrently if exists core.cities_imported;\n"
        "create index concurrently cities_imported on core.cities (imported_at);",
        "post no-transaction",
    )
    new.execute("lock table core.cities in row exclusive mode")
    process = new_checkout.start("migrate")
    builds = "select pid from pg_stat_progress_create_index"
    valid = "select indisvalid from pg_index where indexrelid = 'core.cities_imported'::regclass"
    with psycopg.connect(conninfo(new), autocommit=True) as other:
        # It waits for the open transaction above, and would for ever.
        _until(lambda: other.execute(f"{builds} where lockers_total > 0").rowcount == 1)
        process.kill()
        process.communicate()
        other.execute(f"select pg_terminate_backend(pid) from ({builds}) as b")
        _until(lambda: other.execute(builds).rowcount == 0)
        assert other.execute(valid).fetchone() == (False,)
    assert new_checkout.status()[-1] == "interrupted"
    new.rollback()

    assert new_checkout.migrate() == [path.stem]
    assert new_checkout.query(valid) == [(True,)]


def test_an_index_left_invalid_is_not_taken_for_done(
    new_checkout: Checkout, new: psycopg.Connection
) -> None:
    new.execute("insert into core.regions (prefix, label) values ('0', 'a'), ('1', 'a')")
    new.commit()
    statement = "create unique index concurrently if not exists labels on core.regions (label);"
    path = new_checkout.add("index", statement, "pre no-transaction")
    assert "could not create unique index" in new_checkout.refused()
    assert "left the index core.labels invalid" in new_checkout.refused()
    new_checkout.add(
        "index",
        "drop index concurrently if exists core.labels;"
        "create index concurrently labels on core.regions (label);",
        "pre no-transaction",
    )
    assert new_checkout.migrate() == [path.stem]


def test_the_api_is_told(new_checkout: Checkout, new: psycopg.Connection) -> None:
    new.execute("listen saferoute_catalogue")
    new.commit()
    new_checkout.add("paint", "select 1;")
    new_checkout.migrate()
    assert [heard.channel for heard in new.notifies(timeout=10, stop_after=1)] == [
        "saferoute_catalogue"
    ]


def _until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
