"""Install the schema: every file under `sql/`, in a fixed order, in one transaction.

Order: `sql/schema` (numbered) up to 899, `sql/partitions`, `sql/functions`, then `sql/schema`
from 900 on (triggers and policies, which name functions). Files are written so that installing
twice changes nothing.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from common.settings import REPOSITORY
from ops import migrations, queues
from ops.migrations import Migration

SQL = REPOSITORY / "sql"
SUPERUSER_FILES = 20
"""Files of `sql/schema` below this number need a superuser: roles and extensions."""
LAST_FILES = 900
"""From this number on they name functions, and can be run again: views, policies, triggers."""


def files() -> Iterator[Path]:
    """The files of `sql/` in install order."""
    schema = sorted((SQL / "schema").glob("*.sql"))
    yield from (path for path in schema if number(path) < LAST_FILES)
    yield from sorted((SQL / "partitions").glob("*.sql"))
    yield from sorted((SQL / "functions").glob("**/*.sql"))
    yield from (path for path in schema if number(path) >= LAST_FILES)


def create_database(conninfo: str, name: str) -> bool:
    """Create the database unless it exists; whether it was created. Needs a superuser."""
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtextextended('saferoute database', 0))")
        if _has_database(connection, name):
            return False
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return True


def has_database(conninfo: str, name: str) -> bool:
    """Whether the database exists."""
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        return _has_database(connection, name)


def install(conninfo: str, found: Iterable[Migration] | None = None) -> None:
    """Install `sql/` and note every migration as applied. `conninfo` is a superuser's.

    For an empty database; `saferoute migrate` brings others up to date.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtextextended('saferoute schema', 0))")
        prepare(connection)
        for path in files():
            role = "saferoute_owner" if is_owners(path) else "none"
            connection.execute(f"set local role {role}")
            try:
                connection.execute(path.read_bytes())
            except psycopg.Error as error:
                error.add_note(f"in {path.relative_to(SQL)}")
                raise
        connection.cursor().executemany(
            "insert into core.migrations (number, name, checksum, finished_at)"
            " values (%s, %s, %s, clock_timestamp()) on conflict do nothing",
            [(each.number, each.name, each.checksum) for each in found or migrations.known()],
        )
        connection.execute("reset role")
        queues.install(connection)
        connection.execute("notify saferoute_catalogue")  # the API reads pg_proc anew


def prepare(connection: psycopg.Connection) -> None:
    """What holds in a transaction that installs files of `sql/`, alone or in a migration."""
    # LANGUAGE sql bodies are checked by the tests, once everything they name is there.
    connection.execute("set local check_function_bodies = off")
    connection.execute("set local client_min_messages = warning")
    connection.execute("set local timezone = 'UTC'")


def is_owners(path: Path) -> bool:
    """Whether saferoute_owner installs the file; else a superuser."""
    return path.parent.name != "schema" or number(path) >= SUPERUSER_FILES


def number(path: Path) -> int:
    """The number that begins a file's name in `sql/schema`."""
    return int(path.name.partition("_")[0])


def set_passwords(conninfo: str, passwords: dict[str, str]) -> None:
    """Give the login roles their passwords. Needs a superuser."""
    with psycopg.connect(conninfo) as connection:
        for role, password in passwords.items():
            connection.execute(
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )


def _has_database(connection: psycopg.Connection, name: str) -> bool:
    query = "select from pg_database where datname = %s"
    return connection.execute(query, [name]).fetchone() is not None
