"""The drift gate: migrations lead to what sql/ installs, and the comparison would notice if not."""

import difflib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ops import draft, migrations, schema
from ops.cluster import Server, free_port
from ops.upgrade import bring_up_to_date
from tests.conftest import OPTIONS, Primary
from tests.migration.conftest import install_first_release
from tests.migration.dump import dump, roles, rows, schema_text

# Each on its own would change what someone may do, or what a query costs.
DRIFTS = {
    "a right for everyone": "grant execute on function core.geohash_box(text) to public",
    "a right on a table": "grant update on core.crime_data to saferoute_api",
    "a right on a column": "grant select (name) on core.road_edges to authenticator",
    "a right on a schema": "grant create on schema core to saferoute_api",
    "an owner": "alter function core.geohash_box(text) owner to postgres",
    "a default right": "alter default privileges for role saferoute_owner in schema core "
    "grant select on tables to authenticator",
    "a comment": "comment on column core.cities.name is 'Its name.'",
    "a body": "create or replace function core.walking_speed() returns float8 language sql "
    "immutable parallel safe as 'select 3.0::float8'",
    "a volatility": "alter function core.geohash_box(text) volatile",
    "a setting": "alter function core.geohash_box(text) set work_mem = '1MB'",
    "security definer": "alter function core.geohash_box(text) security definer",
    "the order of columns": "alter table core.crime_staging drop line_number, "
    "add line_number bigint not null",
    "not null": "alter table core.cities alter time_zone drop not null",
    "a default": "alter table core.cities alter time_zone set default 'UTC'",
    "an index": "create index drift on core.cities (osm_digest)",
    "a missing index": "drop index core.journeys_user",
    "a check": "alter table core.cities add check (length(name) < 1000)",
    "a foreign key": "alter table core.crime_loads drop constraint crime_loads_city_id_fkey",
    "a policy": "alter policy own_rows on core.journeys using (true)",
    "row security": "alter table core.journeys disable row level security",
    "a trigger": "alter table core.cities disable trigger user",
    "a view": "create view analytics.drift as select 1 as one",
    "a type": "alter type core.leg alter attribute leg type bigint",
    "a storage parameter": "alter table core.edge_risk set (fillfactor = 100)",
    "persistence": "alter table core.crime_staging set logged",
}
ROW_DRIFTS = {
    "a message": "update core.error_codes set message = 'Nothing.' where code = 'SR001'",
    "retention": "update partman.part_config set retention = '1 day' where retention is not null",
    "a category": "delete from core.crime_category_names where published_name = 'drugs'",
}


@pytest.fixture(scope="module")
def from_sources(cluster_directory: Path) -> Iterator[psycopg.Connection]:
    """Installed from sql/, in a cluster of its own, since roles belong to the cluster."""
    with _database(cluster_directory / "drift" / "sources") as connection:
        schema.install(_conninfo(connection))
        yield connection


@pytest.fixture(scope="module")
def from_migrations(cluster_directory: Path) -> Iterator[psycopg.Connection]:
    """The first release, and every migration since."""
    with _database(cluster_directory / "drift" / "migrations") as connection:
        install_first_release(_conninfo(connection))
        list(bring_up_to_date(_conninfo(connection), migrations.known()))
        yield connection


def test_migrations_lead_to_what_sql_installs(
    from_sources: psycopg.Connection, from_migrations: psycopg.Connection
) -> None:
    pairs = [
        (schema_text(from_sources, "--create"), schema_text(from_migrations, "--create")),
        (roles(from_sources), roles(from_migrations)),
        (rows(from_sources), rows(from_migrations)),
    ]
    found = [
        line
        for wanted, got in pairs
        for line in difflib.unified_diff(
            wanted.splitlines(), got.splitlines(), "sql", "migrations", lineterm="", n=2
        )
    ]
    open_changes = [change.path for change in draft.changes(migrations.known())]
    assert not found, "\n".join(
        [*found, "no migration brings:", *open_changes, "make migration NAME=add_a_thing"]
    )


def test_both_have_the_same_migrations(
    from_sources: psycopg.Connection, from_migrations: psycopg.Connection
) -> None:
    query = "select number, name, checksum from core.migrations order by number"
    noted = from_sources.execute(query).fetchall()
    assert len(noted) == len(migrations.known())
    assert from_migrations.execute(query).fetchall() == noted


def test_the_sections_of_migrations_are_what_their_digests_say() -> None:
    for migration in migrations.known():
        for section in migration.sections:
            if section.kind == "source":
                told = draft.source(section.path, section.text)
                assert told.endswith(f"sha256:{section.digest}\n"), (migration.name, section.path)


def test_periods_are_left_out_and_nothing_else_is(new: psycopg.Connection) -> None:
    whole, compared = dump(new, "--schema-only"), schema_text(new)
    assert "core.journey_points_p20" in whole
    assert "_p20" not in compared
    tables = "select oid::regclass::text from pg_class where relkind in ('r', 'p')"
    ours = f"{tables} and relnamespace = 'core'::regnamespace and not relispartition"
    for (table,) in new.execute(ours).fetchall():
        assert f"TABLE {table} (" in compared


def test_the_gate_sees_every_drift(new: psycopg.Connection) -> None:
    new.autocommit = True
    before = schema_text(new)
    for name, statement in DRIFTS.items():
        new.execute(statement)
        after = schema_text(new)
        assert after != before, name
        before = after


def test_the_gate_sees_rows_that_differ(new: psycopg.Connection) -> None:
    new.autocommit = True
    before = rows(new)
    for name, statement in ROW_DRIFTS.items():
        new.execute(statement)
        after = rows(new)
        assert after != before, name
        before = after


def test_the_gate_sees_what_belongs_to_the_cluster(from_sources: psycopg.Connection) -> None:
    before = roles(from_sources), schema_text(from_sources, "--create")
    name = from_sources.info.dbname
    from_sources.execute("grant authenticated to web_anon")
    from_sources.execute(f"grant create on database {name} to authenticator")
    after = roles(from_sources), schema_text(from_sources, "--create")
    from_sources.execute("revoke authenticated from web_anon")
    from_sources.execute(f"revoke create on database {name} from authenticator")
    assert after[0] != before[0]
    assert after[1] != before[1]
    assert (roles(from_sources), schema_text(from_sources, "--create")) == before


@contextmanager
def _database(folder: Path) -> Iterator[psycopg.Connection]:
    server = Server(folder, free_port())
    password = secrets.token_urlsafe(16)
    server.create_primary(password, OPTIONS)
    server.start()
    try:
        where = Primary(server, password).conninfo("postgres")
        schema.create_database(where, "drift")
        with psycopg.connect(where, dbname="drift", autocommit=True) as connection:
            yield connection
    finally:
        server.stop("immediate")


def _conninfo(connection: psycopg.Connection) -> str:
    return f"{connection.info.dsn} password={connection.info.password}"
