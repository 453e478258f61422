"""Databases of the first release, and checkouts to migrate them with."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql import factories

from ops import migrations, schema
from tests.conftest import Primary, conninfo_of
from tests.migration.checkout import Checkout


def install_first_release(conninfo: str) -> None:
    """What the installer of the first release made, by migration 0001."""
    with psycopg.connect(conninfo) as connection:
        schema.prepare(connection)
        for statement in migrations.known()[0].statements:
            connection.execute(statement.text.encode())


def load_first_release(**where: str) -> None:
    install_first_release(conninfo_of(where))


def load_schema(**where: str) -> None:
    schema.install(conninfo_of(where))


first_release = factories.postgresql_noproc(
    depends_on="primary", dbname="first_release", load=[load_first_release]
)
installed = factories.postgresql_noproc(
    depends_on="primary", dbname="installed", load=[load_schema]
)
old = factories.postgresql("first_release")
new = factories.postgresql("installed")


@pytest.fixture
def old_checkout(old: psycopg.Connection, primary: Primary, tmp_path: Path) -> Checkout:
    """For a database of the first release."""
    return Checkout(tmp_path / "checkout", primary, old.info.dbname)


@pytest.fixture
def new_checkout(new: psycopg.Connection, primary: Primary, tmp_path: Path) -> Checkout:
    """For a database that has everything."""
    return Checkout(tmp_path / "checkout", primary, new.info.dbname)


@pytest.fixture
def absent_checkout(primary: Primary, tmp_path: Path) -> Iterator[Checkout]:
    """For a database that does not exist; dropped at the end."""
    yield Checkout(tmp_path / "checkout", primary, "absent")
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as connection:
        drop = sql.SQL("drop database if exists {} with (force)")
        connection.execute(drop.format(sql.Identifier("absent")))
