"""`saferoute partitions`: the commands, each in the module of its subject."""

from typing import Annotated

import typer
from psycopg.rows import dict_row

from ops import health, maintenance, partman_tools, regions, restore, retention, upkeep

app = typer.Typer(help="Partitions: health, retention, archives, regions.", no_args_is_help=True)
app.command()(health.health)
app.command("tool", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    partman_tools.tool
)
app.command()(regions.split)
app.command()(regions.merge)
app.add_typer(regions.app, name="regions")


@app.command("list")
def list_periods(
    name: Annotated[str | None, typer.Argument(help="One set; all where not given.")] = None,
    as_json: upkeep.AsJson = False,
) -> None:
    """List the periods of every set: bounds (UTC), state, leaves, rows, bytes, archive."""
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        parent = upkeep.find_set(connection, name).parent if name else None
        cursor.execute(
            "select parent::text, lower_bound, upper_bound, state, leaves, row_estimate, bytes,"
            " archive, is_due from ops.partition_periods"
            " where parent = coalesce(%s::regclass, parent) order by parent::text, lower_bound",
            [parent],
        )
        upkeep.show(cursor.fetchall(), as_json)


app.command()(maintenance.maintain)
app.command()(retention.retire)
app.command()(restore.restore)
