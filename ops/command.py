"""The `saferoute` command."""

import sys
from typing import NoReturn

import psycopg
import typer

from common.tls import TlsError
from ops import (
    alerts,
    api_keys,
    backup,
    crime,
    demo,
    demo_walk,
    keys,
    migrate,
    osm,
    partitions,
    pooler,
    quarantine,
    reference,
    replicas,
    restore_to,
    risk,
    stack,
    token,
    users,
)
from ops.errors import OperatorError
from ops.ha import command as ha

app = typer.Typer(
    name="saferoute",
    help="Operate a Safe Route platform: its servers, its maps, its crimes, its partitions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo_app = typer.Typer(help="A made-up city, and people who walk in it.")
demo_app.callback(invoke_without_command=True)(demo.command)
demo_app.command("walk")(demo_walk.walk)
import_app = typer.Typer(help="Load a map or a crime file.", no_args_is_help=True)
app.add_typer(import_app, name="import")
app.add_typer(stack.app, name="stack")
app.add_typer(ha.app, name="ha")
app.add_typer(migrate.app, name="migrate")
app.add_typer(partitions.app, name="partitions")
app.add_typer(replicas.app, name="replicas")
app.add_typer(users.app, name="users")
app.add_typer(alerts.app, name="alerts")
app.add_typer(backup.app, name="backup")
app.add_typer(keys.app, name="keys")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(api_keys.app, name="api-keys")
import_app.command("osm")(osm.import_osm)
app.add_typer(demo_app, name="demo")
import_app.command("crime")(crime.import_crime)
app.command()(pooler.pooler)
app.command()(restore_to.restore)
app.command()(risk.refresh_risk)
app.command()(token.token)
app.command()(reference.reference)


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and exit code 2."""
    try:
        app()
    except (OperatorError, TlsError) as error:
        _stop(str(error))
    except psycopg.OperationalError as error:
        _stop(f"the database does not answer: {str(error).splitlines()[0]}")


def _stop(message: str) -> NoReturn:
    print(f"saferoute: {message}", file=sys.stderr)
    sys.exit(2)
