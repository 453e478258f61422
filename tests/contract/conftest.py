"""One API over the session's primary and standby, on a database with functions of every kind."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import Api, database_to_serve, serve

FUNCTIONS = Path(__file__).parent / "functions.sql"


@pytest.fixture(scope="package")
def database(primary: Primary, template) -> Iterator[psycopg.Connection]:
    """The superuser's connection to the database that the API serves."""
    with database_to_serve(primary, template, "contract") as connection:
        connection.execute(FUNCTIONS.read_bytes())
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
