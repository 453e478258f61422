"""A schema as text, so that two can be compared: pg_dump without what differs for no reason."""

import re
from itertools import groupby

import psycopg

from ops.cluster import run

# Periods come and go with time. Without its schema the pattern would match nothing: pg_dump has no
# search path.
PERIODS = "*.*_p20*"
# Installed from a package, like an extension.
WITHOUT_QUEUES = ("--exclude-schema", "pgmq")


def dump(connection: psycopg.Connection, *options: str) -> str:
    """What pg_dump says of the connection's database."""
    where = (*_address(connection), "-d", connection.info.dbname)
    return run("pg_dump", *options, *where, env=_password(connection))


def roles(connection: psycopg.Connection) -> str:
    """The roles of the cluster, their settings and memberships."""
    options = ("--roles-only", "--no-role-passwords")
    where = (*_address(connection), "-l", connection.info.dbname)
    return _normal(run("pg_dumpall", *options, *where, env=_password(connection)))


def schema_text(connection: psycopg.Connection, *options: str) -> str:
    """Every object but the periods and the queues, with its owner, comment and rights.

    With the option `--create` also the rights on the database, which a clone does not have.
    """
    return _normal(
        dump(connection, "--schema-only", "--exclude-table", PERIODS, *WITHOUT_QUEUES, *options)
    )


def rows(connection: psycopg.Connection) -> str:
    """The rows of tables but periods and queues, without what says when it was installed."""
    options = ("--data-only", "--inserts", "--exclude-table", PERIODS, *WITHOUT_QUEUES)
    text = dump(connection, *options, "--exclude-table-data", "core.migrations")
    return "\n".join(sorted(_normal(text).splitlines()))


def _normal(text: str) -> str:
    lines = [
        line
        for line in text.splitlines()
        if line and not re.match(r"--|\\(un)?restrict |\\connect ", line)
    ]
    # Rights are listed in the order in which they were given.
    grouped = groupby(lines, key=lambda line: line.startswith(("GRANT ", "REVOKE ")))
    return "\n".join(
        line for are_rights, found in grouped for line in (sorted(found) if are_rights else found)
    )


def _address(connection: psycopg.Connection) -> tuple[str, ...]:
    info = connection.info
    return ("-h", info.host, "-p", str(info.port), "-U", info.user)


def _password(connection: psycopg.Connection) -> dict[str, str]:
    return {"PGPASSWORD": connection.info.password}
