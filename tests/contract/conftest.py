"""One API over the session's primary and standby, on a database with functions of every kind."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from ops import schema
from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import Api, raise_limits, serve

FUNCTIONS = Path(__file__).parent / "functions.sql"


@pytest.fixture(scope="package")
def database(primary: Primary, template) -> Iterator[psycopg.Connection]:
    """The superuser's connection to the database that the API serves."""
    janitor = DatabaseJanitor(
        user=primary.user,
        host=primary.host,
        port=primary.port,
        password=primary.password,
        dbname="contract",
        template_dbname=template.template_dbname,
    )
    with janitor, psycopg.connect(primary.conninfo("contract"), autocommit=True) as connection:
        schema.set_passwords(primary.conninfo("contract"), {"authenticator": primary.password})
        connection.execute(FUNCTIONS.read_bytes())
        raise_limits(connection)
        yield connection


@pytest.fixture(scope="package")
def api(database: psycopg.Connection, primary: Primary, standby: Primary) -> Iterator[Api]:
    wait_for_replay(primary, standby)
    with serve([primary.port, standby.port], "contract", primary.password) as served:
        yield served


@pytest.fixture(scope="package")
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=20) as connected:
        yield connected
