"""`saferoute alerts`: messages that were given up, and whether the ledger is as it was written."""

from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg.rows import dict_row

from ops import upkeep
from ops.errors import OperatorError

app = typer.Typer(
    help="Look after what people are told of alerts, and the ledger of it.", no_args_is_help=True
)
_DEAD = """
select
    delivery_id::text, alert_id::text, cause, alert_state, is_drill, kind, channel, attempts,
    error, queued_at
from ops.dead_letters
where %s::uuid is null and (not %s or alert_state in ('active', 'acknowledged')) or delivery_id = %s
order by queued_at
"""
_BROKEN = 1


@app.command("dead-letters")
def dead_letters(as_json: upkeep.AsJson = False) -> None:
    """List messages about alerts that were given up, and why. To whom is not shown."""
    upkeep.show(_dead(None, are_open=False), as_json)


@app.command()
def replay(
    delivery: Annotated[
        UUID | None, typer.Argument(metavar="DELIVERY_ID", help="One, as dead-letters lists it.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="All of alerts that have not ended. Shows them, unless --yes."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --all: send them.")] = False,
    as_json: upkeep.AsJson = False,
) -> None:
    """Have messages sent again that were given up.

    Each is tried as often as a new one, and its provider is asked first whether it has it after
    all. News of an alert that has ended is sent only where its delivery is named.
    """
    if (delivery is None) != everything:
        raise OperatorError("name one delivery, or say --all")
    found = _dead(delivery, are_open=True)
    if delivery is not None and not found:
        raise OperatorError(
            f"{delivery} is no dead letter: `saferoute alerts dead-letters` lists them"
        )
    if everything and not yes:
        upkeep.show(found, as_json)
        typer.echo("Nothing was sent: --yes sends them.", err=True)
        return
    with upkeep.connect() as connection:
        sent = [
            {"delivery_id": row["delivery_id"], "queued": answer[0]}
            for row in found
            for answer in connection.execute(
                "select ops.replay_dead_letter(%s)", [row["delivery_id"]]
            )
        ]
    upkeep.show(sent, as_json)


@app.command()
def verify(
    alert: Annotated[
        UUID | None, typer.Argument(metavar="ALERT_ID", help="One alert; all where not given.")
    ] = None,
    as_json: upkeep.AsJson = False,
) -> None:
    """Check that no event of an alert was changed, added or taken out.

    Ends with 0 where all is as it was written, with 1 where something is not.
    """
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        query = "select alert_id::text, number, problem from ops.verify_alert_chain(%s)"
        problems = cursor.execute(query, [alert]).fetchall()
    if problems or as_json:
        upkeep.show(problems, as_json)
    if problems:
        raise typer.Exit(_BROKEN)
    if not as_json:
        typer.echo("Every event is as it was written.")


def _dead(delivery: UUID | None, are_open: bool) -> list[dict[str, Any]]:
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DEAD, [delivery, are_open, delivery]).fetchall()
