"""Install the schema: every file under `sql/`, in a fixed order, in one transaction.

Order: `sql/schema` (numbered) up to 899, `sql/partitions`, `sql/functions`, then `sql/schema`
from 900 on (triggers and policies, which name functions). Files are written so that installing
twice changes nothing.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from common.settings import REPOSITORY

SQL = REPOSITORY / "sql"
_SUPERUSER_FILES = 20  # 000 roles and 010 extensions need a superuser; the rest is the owner's


def files() -> Iterator[Path]:
    """The files of `sql/` in install order."""
    schema = sorted((SQL / "schema").glob("*.sql"))
    yield from (path for path in schema if _number(path) < 900)
    yield from sorted((SQL / "partitions").glob("*.sql"))
    yield from sorted((SQL / "functions").glob("**/*.sql"))
    yield from (path for path in schema if _number(path) >= 900)


def digest() -> str:
    """SHA-256 over the names and texts of all files: changes when the schema does."""
    total = hashlib.sha256()
    for path in files():
        total.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def create_database(conninfo: str, name: str) -> bool:
    """Create the database unless it exists; whether it was created. Needs a superuser."""
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return False
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return True


def install(conninfo: str) -> bool:
    """Install or bring up to date; whether anything was done. `conninfo` is a superuser's."""
    wanted = digest()
    with psycopg.connect(conninfo) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('saferoute schema'))")
        if _installed(connection) == wanted:
            return False
        # LANGUAGE sql bodies are checked by the tests, once everything they name is there.
        connection.execute("set local check_function_bodies = off")
        connection.execute("set local client_min_messages = warning")
        connection.execute("set local timezone = 'UTC'")
        for path in files():
            is_owners = path.parent.name != "schema" or _number(path) >= _SUPERUSER_FILES
            connection.execute("set local role saferoute_owner" if is_owners else "reset role")
            try:
                connection.execute(path.read_bytes())
            except psycopg.Error as error:
                error.add_note(f"in {path.relative_to(SQL)}")
                raise
        connection.execute("insert into core.installations (digest) values (%s)", [wanted])
        connection.execute("notify saferoute_catalogue")  # the API reads pg_proc anew
        return True


def set_passwords(conninfo: str, passwords: dict[str, str]) -> None:
    """Give the login roles their passwords. Needs a superuser."""
    with psycopg.connect(conninfo) as connection:
        for role, password in passwords.items():
            connection.execute(
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )


def _installed(connection: psycopg.Connection) -> str | None:
    if connection.execute("select to_regclass('core.installations')").fetchone() == (None,):
        return None
    row = connection.execute(
        "select digest from core.installations order by installed_at desc limit 1"
    ).fetchone()
    return row[0] if row else None


def _number(path: Path) -> int:
    return int(path.name.partition("_")[0])
