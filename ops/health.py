"""`saferoute partitions health`: how each partition set is, and what to do about it."""

from datetime import datetime
from typing import Annotated, Any

import typer
from psycopg.rows import dict_row

from ops import upkeep

_QUERY = """
select * from ops.partition_health
where parent = coalesce(%s::regclass, parent) order by parent::text
"""
_RED = 1


def health(
    name: Annotated[str | None, typer.Argument(help="One set; all where not given.")] = None,
    as_json: upkeep.AsJson = False,
) -> None:
    """Show how each set is: what stands, what is missing or odd, and which command helps.

    For monitoring: ends with 0 where nothing is red, with 1 where something is, and with 2 where
    the question could not be answered. Red means that rows have no period, or will have none
    within days, or that maintenance has failed or not run for two days. The rows are those of
    ops.partition_health, which says more about each column.
    """
    with upkeep.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        parent = upkeep.find_set(connection, name).parent if name else None
        sets = [
            {**row, "parent": row["parent"].rpartition(".")[2]}
            for row in cursor.execute(_QUERY, [parent])
        ]
    if as_json:
        upkeep.show(sets, as_json)
    else:
        _show(sets)
    if any(row["state"] == "red" for row in sets):
        raise typer.Exit(_RED)


def summary() -> str:
    """How every set is, in one line."""
    with upkeep.connect() as connection:
        rows = connection.execute("select parent, state from ops.partition_health order by 1")
        states = [f"{parent.rpartition('.')[2]} {state}" for parent, state in rows]
    return f"Partitions: {', '.join(states)} (saferoute partitions health)"


def _show(sets: list[dict[str, Any]]) -> None:
    """One column per set, one line per fact; below it what is wrong."""
    facts = [key for key in sets[0] if key not in ("parent", "problems")]
    upkeep.show(
        [
            {"": key.replace("_", " "), **{row["parent"]: _brief(row[key]) for row in sets}}
            for key in facts
        ],
        as_json=False,
    )
    for row in sets:
        for sentence in row["problems"]:
            typer.echo(f"{row['parent']}: {sentence}")


def _brief(value: Any) -> Any:
    """A list of periods as their number and the first; everything else as it is."""
    if isinstance(value, list) and value and isinstance(value[0], datetime):
        return f"{len(value)}, the first {value[0]:%Y-%m-%d}"
    return value
