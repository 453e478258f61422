"""A server of its own: backed up, gone back to a moment, and what happens where archiving fails."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from common.settings import settings
from ops import archiving, backup, backup_health, recovery, schema
from ops.cluster import Server, free_port
from ops.errors import OperatorError
from ops.pgbackrest import Repository
from tests.conftest import OPTIONS

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/pgbackrest").exists(), reason="pgbackrest is not installed"
)


@dataclass
class Archived:
    """A primary that archives its WAL, and the repository it archives to."""

    server: Server
    repository: Repository
    conninfo: str

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(statement)

    def moment(self) -> datetime:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute("select clock_timestamp()").fetchone()[0]

    def contents(self) -> dict[str, str]:
        """A digest of the rows of every table."""
        with psycopg.connect(self.conninfo) as connection:
            tables = connection.execute(
                "select schemaname, tablename from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema')"
            ).fetchall()
            return {
                ".".join(name): hashlib.sha256(
                    b"".join(
                        sorted(
                            row[0]
                            for row in connection.execute(
                                sql.SQL("select convert_to(t::text, 'UTF8') from {} as t").format(
                                    sql.Identifier(*name)
                                )
                            )
                        )
                    )
                ).hexdigest()
                for name in tables
            }

    def go_back(self, moment: datetime) -> recovery.Way:
        way = recovery.find_way(self.repository, moment)
        recovery.archive_everything(self.conninfo)
        self.server.stop()
        self.server.data.rename(self.server.data.with_name(f"before-{secrets.token_hex(4)}"))
        recovery.fetch(self.repository, self.server, way)
        self.server.start()
        recovery.wait_until_recovered(self.conninfo, self.server.log.read_text)
        return way


@pytest.fixture(scope="module")
def archived(cluster_directory: Path) -> Iterator[Archived]:
    folder = cluster_directory / "archived"
    password = secrets.token_urlsafe(16)
    server = Server(folder / "primary", free_port())
    config = archiving.configuration(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFEROUTE_BACKUP_PASSPHRASE", secrets.token_urlsafe(32))
        patch.setenv("SAFEROUTE_ADMIN_PASSWORD", password)
        patch.setenv("SAFEROUTE_DATABASE_HOSTS", f"127.0.0.1:{server.port}")
        patch.setenv("SAFEROUTE_DATABASE", "postgres")
        # Two segments may wait: a third is dropped, and with it those two.
        patch.setattr(archiving, "QUEUE", "40MiB")
        settings.cache_clear()
        server.create_primary(password, {**OPTIONS, **archiving.options(config)})
        archiving.configure(folder, server)
        server.start()
        repository = Repository(config, {"PGHOST": "127.0.0.1", "PGPASSWORD": password})
        found = Archived(server, repository, settings().admin_conninfo)
        repository.prepare()
        repository.prepare()
        schema.install(found.conninfo)
        yield found
        server.stop("immediate")
    settings.cache_clear()


def test_every_table_is_as_it_was_at_the_moment(archived: Archived) -> None:
    add = (
        "insert into core.api_keys (name, contact, digest, scopes)"
        " values ('{0}', 'a@mail.example', sha256('{0}'), '{{routes}}')"
    )
    archived.execute(add.format("before the backup"))
    first = backup.make(archived.repository)
    assert first.kind == "full"
    archived.execute(add.format("between backup and moment"))
    then, moment = archived.contents(), archived.moment()
    archived.execute(add.format("after the moment"))
    archived.execute("update core.error_codes set message = 'gone'")
    later, second_moment = archived.contents(), archived.moment()
    archived.execute("drop table core.contact_links; delete from core.api_keys")
    assert backup.make(archived.repository).kind == "incremental"

    assert archived.go_back(moment).backup.label == first.label
    assert archived.contents() == then

    # It goes on from there, and is backed up and archived as before.
    archived.execute(add.format("on the new timeline"))
    assert backup.make(archived.repository).timeline == 2
    # The moment was too early: what was left behind then is still within reach.
    way = archived.go_back(second_moment)
    assert (way.backup.label, way.timeline) == (first.label, 1)
    assert archived.contents() == later
    with psycopg.connect(archived.conninfo) as connection:
        left = "select count(*) from pg_file_settings where name like 'recovery%'"
        assert connection.execute(left).fetchone() == (0,)
    backup.make(archived.repository)
    assert "status: ok" in archived.repository.run("verify", "--output=text", "--verbose")


def test_positions_cannot_be_read_in_the_repository(archived: Archived) -> None:
    repository = archived.repository.config.parent / "repository"
    assert repository.stat().st_mode & 0o077 == 0
    assert archived.repository.config.stat().st_mode & 0o077 == 0
    archived.execute("create table core.secret as select 'where-she-walked' as place")
    backup.make(archived.repository, full=True)
    files = [path for path in repository.rglob("*") if path.is_file()]
    # Encrypted with AES by OpenSSL, whatever else is in it.
    assert {path.read_bytes()[:8] for path in files} == {b"Salted__"}


def test_health_tells_of_wal_that_is_not_archived_and_of_wal_that_was_dropped(
    archived: Archived, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backup_health.read(archived.repository).state == "green"
    with _read_only(archived.repository.config.parent / "repository" / "archive"):
        with monkeypatch.context() as patch:
            patch.setattr(recovery, "_SECONDS_TO_ARCHIVE", 0.5)
            with pytest.raises(OperatorError, match="not archived"):
                recovery.archive_everything(archived.conninfo)
        _wait_until(lambda: backup_health.read(archived.repository).state == "red")
        (problem,) = backup_health.read(archived.repository).problems
        assert "could not be archived" in problem
        with psycopg.connect(archived.conninfo, autocommit=True) as connection:
            # Past its bound the queue is dropped, and writes go on.
            wanted = connection.execute("select pg_walfile_name(pg_current_wal_lsn())").fetchone()
            given_up = "select last_archived_wal >= %s from pg_stat_archiver"

            def is_given_up() -> bool:
                connection.execute("select pg_current_xact_id()")
                connection.execute("select pg_switch_wal()")
                return connection.execute(given_up, wanted).fetchone() == (True,)

            _wait_until(is_given_up)
    recovery.archive_everything(archived.conninfo)
    (problem,) = backup_health.read(archived.repository).problems
    assert "WAL was dropped" in problem
    with pytest.raises(OperatorError, match="was not archived"):
        recovery.find_way(archived.repository, archived.moment())
    backup.make(archived.repository)
    assert backup_health.read(archived.repository).state == "green"


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o500)
    yield
    for path in folders:
        path.chmod(0o750)


def _wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
