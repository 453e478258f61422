"""`saferoute api-keys`: keys for integrators' programs."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row

from ops import upkeep
from ops.errors import OperatorError

app = typer.Typer(help="API keys for integrators: make, list, revoke.", no_args_is_help=True)
_CREATE = "select api_key_id, api_key from ops.create_api_key(%s, %s, %s, %s)"
_LIMIT = "select ops.limit_api_key(%s, %s, %s, %s)"
_LIST = """
select
    api_key_id, prefix, name, contact, scopes, limits, state, created_at, expires_at, last_used_at
from ops.api_keys order by created_at
"""
_FIND = """
select api_key_id, name from ops.api_keys
where starts_with(replace(api_key_id::text, '-', ''), %s) order by created_at
"""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose program it is.")],
    contact: Annotated[str, typer.Option(help="Whom to write to when it misbehaves.")],
    scope: Annotated[
        list[str], typer.Option(help="A class of endpoints it may call: reads, routes. Repeatable.")
    ],
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When it ends, UTC; else never."
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=CALLS/SECONDS",
            help="A limit of its own, as routes=600/60, instead of that of all keys. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print id and key as JSON.")] = False,
) -> None:
    """Make a key and print it, this once: the database keeps only its digest."""
    limits = [_limit(text) for text in limit or []]
    ends = expires.replace(tzinfo=UTC) if expires else None
    with upkeep.connect() as connection, connection.transaction():
        try:
            row = connection.execute(_CREATE, [name, contact, scope, ends]).fetchone()
            assert row is not None
            connection.cursor().executemany(_LIMIT, [(row[0], *each) for each in limits])
        except psycopg.errors.InvalidParameterValue as error:
            raise _refusal(error) from error
    if as_json:
        typer.echo(json.dumps({"api_key_id": str(row[0]), "api_key": row[1]}))
        return
    typer.echo(row[1])
    typer.secho(f"Key {row[0]} of {name}. It is not shown again.", err=True)


@app.command("list")
def list_keys(as_json: upkeep.AsJson = False) -> None:
    """List every key there has been, oldest first, and whether it is valid."""
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        upkeep.show(cursor.execute(_LIST).fetchall(), as_json)


@app.command()
def revoke(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY", help="Its id, or how it begins: sr_ and at least eight characters more."
        ),
    ],
) -> None:
    """End a key at once. It stays in the list; a new one has another id."""
    with upkeep.connect() as connection:
        found = _find(connection, key)
        row = connection.execute("select ops.revoke_api_key(%s)", [found["api_key_id"]]).fetchone()
    assert row is not None
    typer.echo(f"Key {found['api_key_id']} of {found['name']} is revoked since {row[0]:%F %T} UTC.")


def _limit(text: str) -> tuple[str, int, int]:
    """Class, calls and seconds of a limit as an operator writes it."""
    found = re.fullmatch(r"([a-z_]+)=(\d{1,9})/(\d{1,9})", text)
    if found is None:
        raise OperatorError(f"{text} is no limit: write routes=600/60; nothing was changed")
    return found[1], int(found[2]), int(found[3])


def _find(connection: psycopg.Connection, text: str) -> dict[str, Any]:
    """The one key with this id or beginning. What follows the id is secret and not looked at."""
    beginning = text.lower().removeprefix("sr_").partition("_")[0].replace("-", "")
    if not re.fullmatch("[0-9a-f]{8,32}", beginning):
        raise OperatorError("a key is named by its id or its beginning, as `api-keys list` does")
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_FIND, [beginning]).fetchall()
    if not found:
        raise OperatorError(f"there is no key {beginning}; nothing was changed")
    if len(found) > 1:
        raise OperatorError(f"{len(found)} keys begin with {beginning}; nothing was changed")
    return found[0]


def _refusal(error: psycopg.errors.InvalidParameterValue) -> OperatorError:
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    return OperatorError(f"{error.diag.message_primary}{hint}; nothing was changed")
