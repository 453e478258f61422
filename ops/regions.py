"""`saferoute partitions split | merge | regions`: which places have leaves of their own."""

from typing import Annotated

import psycopg
import typer
from psycopg.rows import dict_row

from ops import repartition, upkeep
from ops.errors import OperatorError

app = typer.Typer(help="Regions: geohash prefixes with leaves of their own.", no_args_is_help=True)

Prefix = Annotated[str, typer.Argument(help="Geohash prefix of one to four characters.")]


def split(prefix: Prefix, dry_run: upkeep.DryRun = False, as_json: upkeep.AsJson = False) -> None:
    """Replace a region's leaf by 32, one for each longer prefix, in every period.

    The set is read and written meanwhile. Killed or stopped, run it again: it goes on.
    """
    _change("split", prefix, dry_run, as_json)


def merge(prefix: Prefix, dry_run: upkeep.DryRun = False, as_json: upkeep.AsJson = False) -> None:
    """Replace the leaves below a prefix by one, in every period: the reverse of split.

    The set is read and written meanwhile. Killed or stopped, run it again: it goes on.
    """
    _change("merge", prefix, dry_run, as_json)


@app.command("fill")
def fill(dry_run: upkeep.DryRun = False, as_json: upkeep.AsJson = False) -> None:
    """Move rows out of default leaves into leaves of their regions.

    Rows stand in a default leaf when they came before their region, or first of their region in
    that period. The set is read and written meanwhile.
    """
    with upkeep.connect() if dry_run else upkeep.exclusive() as connection:
        if dry_run:
            steps = repartition.plan(connection, "fill_plan")
        else:
            upkeep.refuse_lagging_replica(connection)
            steps = fill_leaves(connection)
        upkeep.show([step.row() for step in steps], as_json)


def fill_leaves(
    connection: psycopg.Connection, parent: str | None = None
) -> list[repartition.Step]:
    """Move rows of regions out of default leaves, in all sets or one; what was done.

    What a killed command has left is undone first.
    """
    repartition.abandon_unfinished(connection)
    steps = repartition.plan(connection, "fill_plan")
    steps = [step for step in steps if parent in (None, step.parent)]
    repartition.carry_out(connection, steps)
    return steps


def fill_after_import() -> None:
    """The same once an import has ended; where that cannot be now, say so: rows can wait."""
    try:
        with upkeep.exclusive() as connection:
            fill_leaves(connection)
    except OperatorError as problem:
        typer.echo(f"Some rows stay in default leaves until `partitions maintain`: {problem}.")


@app.command("list")
def list_regions(as_json: upkeep.AsJson = False) -> None:
    """List the regions: label, leaves, rows and bytes over all periods of all sets."""
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "select prefix, max(label) as label, count(leaf) as leaves,"
            " sum(row_estimate)::bigint as row_estimate, sum(bytes)::bigint as bytes"
            " from ops.region_leaves group by prefix order by prefix"
        )
        upkeep.show(cursor.fetchall(), as_json)


@app.command("suggest")
def suggest(
    rows: Annotated[
        int, typer.Option(min=1, help="Split where a leaf has more rows than this in one period.")
    ] = 1_000_000,
    as_json: upkeep.AsJson = False,
) -> None:
    """Say which regions to split, and which to merge: a tenth of --rows in all 32 together."""
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "select action, prefix, label, parent::text, busiest, row_estimate, share::float8"
            " from core.suggest_regions(%s)",
            [rows],
        )
        upkeep.show(cursor.fetchall(), as_json)


def _change(action: str, prefix: str, dry_run: bool, as_json: bool) -> None:
    with upkeep.connect() if dry_run else upkeep.exclusive() as connection:
        if not dry_run:
            upkeep.refuse_lagging_replica(connection)
        # The regions first, so that periods made meanwhile have the new leaves.
        with connection.transaction(force_rollback=dry_run):
            _change_region(connection, action, prefix)
            steps = repartition.plan(connection, f"{action}_plan", prefix)
        if not dry_run:
            repartition.abandon_unfinished(connection)
            remaining = steps
            while remaining:
                repartition.carry_out(connection, remaining)
                remaining = repartition.plan(connection, f"{action}_plan", prefix)
                steps += remaining
        upkeep.show([step.row() for step in steps], as_json)


def _change_region(connection: psycopg.Connection, action: str, prefix: str) -> None:
    try:
        connection.execute(f"select core.{action}_region(%s)", [prefix])
    except psycopg.errors.InvalidParameterValue as error:
        raise OperatorError(str(error.diag.message_primary)) from error
