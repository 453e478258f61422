"""The `saferoute` command."""

import sys

import click
import psycopg
import typer

from ops import osm
from ops.errors import OperatorError

app = typer.Typer(
    name="saferoute",
    help="Operate a Safe Route platform: its servers, its maps, its crimes, its partitions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(help="Load a map or a crime file.", no_args_is_help=True)
app.add_typer(import_app, name="import")
import_app.command("osm")(osm.import_osm)


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except click.exceptions.Abort:
        print("saferoute: stopped", file=sys.stderr)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except psycopg.OperationalError as error:
        OperatorError(f"the database does not answer: {str(error).splitlines()[0]}").show()
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
