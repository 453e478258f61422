"""PgBouncer before a PostgreSQL server, for hundreds of API processes: its files.

Transaction pooling needs PgBouncer 1.21: older ones hand prepared statements of one client to the
next (of Debian 12's 1.18, 102 of 300 calls failed).
"""

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.addresses import host_and_port
from common.settings import REPOSITORY, Settings, settings
from ops.errors import OperatorError

FIRST = "_first"
"""Behind the name of the database: the pool of calls that go first."""
_OLDEST = (1, 21)
_RESERVED = 8
"""One connection of so many is for calls that go first, as in the API."""
_CLIENTS_PER_PROCESS = 16


def pooler(
    server: Annotated[
        str, typer.Argument(help="The PostgreSQL server, one of SAFEROUTE_DATABASE_HOSTS.")
    ],
    folder: Annotated[Path, typer.Argument(help="Gets pgbouncer.ini and userlist.txt.")],
    program: Annotated[
        str, typer.Option(help="The PgBouncer that will read them: 1.21 or newer.")
    ] = "pgbouncer",
) -> None:
    """Write the files of the PgBouncer before a server, and see that it is new enough.

    It listens at the server's address, at SAFEROUTE_POOLER_PORT. The other settings are those of
    the API that will connect: SAFEROUTE_DATABASE_CONNECTIONS, of which it has all that do not
    watch the server, SAFEROUTE_API_PROCESSES and SAFEROUTE_AUTHENTICATOR_PASSWORD.
    """
    known = settings()
    check(program)
    if known.pooler_port is None:
        raise OperatorError("SAFEROUTE_POOLER_PORT is not set")
    place = host_and_port(server)
    if place not in known.hosts:
        raise OperatorError(f"{server} is none of SAFEROUTE_DATABASE_HOSTS: {known.database_hosts}")
    folder.mkdir(parents=True, exist_ok=True)
    owner = "postgres" if os.geteuid() == 0 else getpass.getuser()  # as Debian's unit runs it
    for name, text in render(known, place, folder.absolute()).items():
        file = folder / name
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text)
        shutil.chown(file, owner)
    typer.echo(f"{folder}: start it with `pgbouncer {folder}/pgbouncer.ini`, as {owner}")


def check(program: str) -> None:
    """Refuse a PgBouncer that breaks prepared statements."""
    try:
        answered = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise OperatorError(f"PgBouncer ({program}) does not run here: {error}") from error
    found = re.match(r"PgBouncer (\d+)\.(\d+)", answered.stdout)
    if found is None:
        raise OperatorError(f"{program} does not say which PgBouncer it is")
    version = int(found[1]), int(found[2])
    if version < _OLDEST:
        raise OperatorError(
            f"PgBouncer {version[0]}.{version[1]} breaks prepared statements in transaction mode; "
            f"it takes {_OLDEST[0]}.{_OLDEST[1]} or newer (Debian 13, or apt.postgresql.org)"
        )


def render(settings: Settings, server: tuple[str, int], folder: Path) -> dict[str, str]:
    """The files of the pooler before this server, by name; they will stand in the folder."""
    if settings.authenticator_password is None:
        raise OperatorError("SAFEROUTE_AUTHENTICATOR_PASSWORD is not set")
    connections = settings.pooled_connections
    if connections < 2:
        raise OperatorError(
            f"{settings.database_connections} connections (SAFEROUTE_DATABASE_CONNECTIONS) are too "
            f"few: each of {settings.api_processes} processes keeps one to watch the server"
        )
    first = max(1, connections // _RESERVED)
    password = settings.authenticator_password.get_secret_value().replace('"', '""')
    templates = Environment(
        loader=FileSystemLoader(REPOSITORY / "deploy" / "ha"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is no HTML
    )
    return {
        "pgbouncer.ini": templates.get_template("pgbouncer.ini.j2").render(
            pools={
                settings.database: connections - first,
                f"{settings.database}{FIRST}": first,
            },
            database=settings.database,
            server=server,
            settings=settings,
            folder=folder,
            clients=settings.api_processes * _CLIENTS_PER_PROCESS + 100,
        ),
        "userlist.txt": f'"authenticator" "{password}"\n',
    }
