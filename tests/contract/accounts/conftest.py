"""One API with a Redis Cluster, and a person without an account, for each test."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from common import signing_keys
from tests.conftest import Primary
from tests.contract.accounts.person import Person
from tests.contract.serving import Api, serve
from tests.redis_cluster import TestCluster


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the signing keys, with one key."""
    directory = tmp_path_factory.mktemp("keys")
    signing_keys.add(directory)
    return directory


@pytest.fixture(scope="package")
def settings(redis_cluster: TestCluster, folder: Path) -> dict[str, str]:
    return {
        **redis_cluster.settings,
        "SAFEROUTE_SESSION_SECRET": "the-session-secret-of-the-contract-tests",
        "SAFEROUTE_SIGNING_KEYS_DIRECTORY": str(folder),
    }


@pytest.fixture(scope="package")
def api(database: psycopg.Connection, primary: Primary, settings: dict[str, str]) -> Iterator[Api]:
    database.execute("update core.message_limits set amount = 1e9")
    # Everybody here comes from one address, and hard limits end at 1,000.
    kept = database.execute("delete from core.rate_limits returning *").fetchall()
    with serve([primary.port], "contract", primary.password, **settings) as served:
        yield served
    statement = "insert into core.rate_limits values (%s, %s, %s, %s, %s, %s)"
    database.cursor().executemany(statement, kept)


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=20) as connected:
        yield connected


@pytest.fixture
def person(client: httpx.Client, database: psycopg.Connection) -> Person:
    return Person(client, database)
