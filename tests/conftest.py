"""A throw-away primary (and, where asked for, a standby) on free ports, and a database per test.

Fixtures: `primary` (server), `template` (installed schema, cloned for each test), `db` (psycopg
connection as the superuser to a clone), `standby` (streams from `primary`). `monaco` and
`washington` are templates with a real city in them: clone them with `factories.postgresql`.
`redis_cluster` is a Redis Cluster of three masters and three replicas.

SAFEROUTE_TEST_SERVER, a connection string of a superuser, names an empty server to use instead of
one of its own (`make test-matrix`); what asks for a standby is then skipped.
"""

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import uvloop
from pytest_postgresql import factories
from pytest_postgresql.janitor import DatabaseJanitor

from ops import crime, osm, schema
from ops.cluster import Server, free_port
from tests import people as town
from tests.redis_cluster import TestCluster, start_cluster
from tests.shared import shared

# Speed over safety: the cluster is thrown away.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_locks_per_transaction": "512",
    "max_wal_senders": "8",
    "hot_standby_feedback": "on",
}

GIVEN_SERVER = os.environ.get("SAFEROUTE_TEST_SERVER")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of the API: its connections fail in ways of their own."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Primary:
    """The running primary, with the attributes that pytest-postgresql asks of an executor."""

    server: Server
    password: str
    host: str = "127.0.0.1"
    user: str = "postgres"
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: None = None

    @property
    def port(self) -> int:
        return self.server.port

    def conninfo(self, dbname: str) -> str:
        return (
            f"host={self.host} port={self.port} user={self.user} "
            f"password={self.password} dbname={dbname}"
        )

    def copy(self, template, dbname: str) -> DatabaseJanitor:
        """A database like the template, as long as the block lasts."""
        return DatabaseJanitor(
            user=self.user,
            host=self.host,
            port=self.port,
            password=self.password,
            dbname=dbname,
            template_dbname=template.template_dbname,
        )


@pytest.fixture(scope="session")
def cluster_directory() -> Iterator[Path]:
    """A folder that the user `postgres` can reach."""
    path = Path(tempfile.mkdtemp(prefix="saferoute-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def primary(cluster_directory: Path) -> Iterator[Primary]:
    if GIVEN_SERVER:
        where = psycopg.conninfo.conninfo_to_dict(GIVEN_SERVER)
        server = Server(cluster_directory / "given", int(where["port"]))
        yield Primary(server, where["password"], where["host"], where["user"])
        return
    server = Server(cluster_directory / "servers" / "primary", free_port())
    password = secrets.token_urlsafe(16)
    server.create_primary(password, OPTIONS)
    server.start()
    yield Primary(server, password)
    server.stop("immediate")


@pytest.fixture(scope="session")
def standby(primary: Primary, cluster_directory: Path) -> Iterator[Primary]:
    if GIVEN_SERVER:
        pytest.skip("the server of SAFEROUTE_TEST_SERVER gets no standby")
    server = Server(cluster_directory / "servers" / "standby", free_port())
    with psycopg.connect(primary.conninfo("postgres")) as connection:
        connection.execute((schema.SQL / "schema" / "000_roles.sql").read_bytes())
    schema.set_passwords(primary.conninfo("postgres"), {"replicator": primary.password})
    server.create_standby(primary.server, primary.password, "standby", OPTIONS)
    server.start()
    yield Primary(server, primary.password)
    server.stop("immediate")
    with psycopg.connect(primary.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("select pg_drop_replication_slot('standby')")


@pytest.fixture(scope="session")
def redis_cluster(cluster_directory: Path) -> Iterator[TestCluster]:
    cluster = start_cluster(cluster_directory)
    yield cluster
    for node in cluster.nodes:
        cluster.kill(node)


def wait_for_replay(primary: Primary, standby: Primary, seconds: float = 30) -> None:
    """Return once the standby has replayed all that the primary has written so far."""
    with (
        psycopg.connect(primary.conninfo("postgres"), autocommit=True) as writer,
        psycopg.connect(standby.conninfo("postgres"), autocommit=True) as reader,
    ):
        lsn = writer.execute("select pg_current_wal_flush_lsn()").fetchone()[0]
        deadline = time.monotonic() + seconds
        query = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while not reader.execute(query, [lsn]).fetchone()[0]:
            assert time.monotonic() < deadline, f"the standby did not replay {lsn}"
            time.sleep(0.01)


def conninfo(connection: psycopg.Connection) -> str:
    """Another session like this one."""
    return f"{connection.info.dsn} password={connection.info.password}"


def conninfo_of(where: dict[str, str]) -> str:
    """Of the arguments pytest-postgresql calls a loader with."""
    keys = ("host", "port", "user", "password", "dbname")
    return psycopg.conninfo.make_conninfo(**{key: where[key] for key in keys})


def install(**where: str) -> None:
    """Install the schema and pgTAP's helpers into a template database."""
    conninfo = conninfo_of(where)
    schema.install(conninfo)
    with psycopg.connect(conninfo) as connection:
        connection.execute("create extension pgtap")
        connection.execute("create extension plpgsql_check")
        connection.execute((Path(__file__).parent / "sql" / "helpers.sql").read_bytes())


template = factories.postgresql_noproc(depends_on="primary", dbname="saferoute", load=[install])
db = factories.postgresql("template")


def load_monaco(**where: str) -> None:
    osm.load(conninfo_of(where), shared("data/osm/monaco.osm.pbf"), "Monaco")


def load_washington(**where: str) -> None:
    osm.load(conninfo_of(where), shared("data/osm/washington-dc-nw.osm.pbf"), "Washington")
    crimes = shared("data/crime/washington-dc-mpd-2012-2017.csv.gz")
    crime.load(conninfo_of(where), crimes, crime.Request("Washington"))


def load_people(**where: str) -> None:
    town.settle(conninfo_of(where))


people = factories.postgresql_noproc(depends_on="template", dbname="people", load=[load_people])
monaco = factories.postgresql_noproc(depends_on="template", dbname="monaco", load=[load_monaco])
washington = factories.postgresql_noproc(
    depends_on="template", dbname="washington", load=[load_washington]
)


def psql(connection: psycopg.Connection, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a file with psql in the connection's database, output unaligned."""
    info = connection.info
    return subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "PGHOST": info.host,
            "PGPORT": str(info.port),
            "PGUSER": info.user,
            "PGPASSWORD": info.password,
            "PGDATABASE": info.dbname,
            "PGOPTIONS": "-c client_min_messages=warning",
        },
    )
