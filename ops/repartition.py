"""Replace leaves of a period by others that hold the same rows, while they are read and written.

A split, a merge and the move of rows out of a default leaf are all this. The steps are functions
of schema core: begin (log what changes from now on), copy, catch up with the log, compare, swap.
Killed at any moment, it is either done or still the old leaves' turn: the next command abandons
what was begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import class_row

from ops import upkeep
from ops.errors import OperatorError
from ops.progress import progress

FEW = 1000
"""Logged changes that may be left for the swap: 30 ms of it."""
BATCH = 10_000
"""Logged changes brought over in one transaction."""
ROUNDS = 20
"""How often at least, before writers have to wait for it."""
BATCH_ALONE = 4_000
"""The same while writers wait, 120 ms each time."""
ROUNDS_ALONE = 200
"""How often they may have to, before giving up."""


@dataclass(frozen=True)
class Step:
    """What is to be done in one period; table names are schema-qualified."""

    parent: str
    period: str
    lower_bound: datetime
    old_leaves: list[str]
    prefixes: list[str]
    row_estimate: int
    bytes: int

    def row(self) -> dict[str, Any]:
        """As an operator reads it."""
        return {
            "set": self.parent.rpartition(".")[2],
            "period": self.lower_bound,
            "leaves": len(self.old_leaves),
            "new leaves": len(self.prefixes),
            "rows": self.row_estimate,
            "bytes": self.bytes,
        }


def plan(connection: psycopg.Connection, source: str, *arguments: str) -> list[Step]:
    """The steps that core.split_plan, core.merge_plan or core.fill_plan gives."""
    placeholders = ", ".join(["%s"] * len(arguments))
    with connection.cursor(row_factory=class_row(Step)) as cursor:
        return cursor.execute(
            "select p.parent::text, p.period::text, p.lower_bound, p.old_leaves::text[],"  # noqa: S608
            " p.prefixes, s.row_estimate, s.bytes"
            f" from core.{source}({placeholders}) as p cross join lateral ("
            " select sum(case when c.reltuples < 0 then pg_stat_get_live_tuples(c.oid)"
            " else c.reltuples::bigint end)::bigint"
            " as row_estimate, sum(pg_total_relation_size(c.oid))::bigint as bytes"
            " from pg_class as c where c.oid = any(p.old_leaves)) as s",
            arguments,
        ).fetchall()


def abandon_unfinished(connection: psycopg.Connection) -> int:
    """Undo what a killed command has left; how many repartitions that were."""
    rows = connection.execute(
        "select repartition_id from core.repartitions where state = 'copying'"
    ).fetchall()
    for (repartition,) in rows:
        _abandon(connection, repartition)
    _drop_checks(connection)
    return len(rows)


def carry_out(connection: psycopg.Connection, steps: Sequence[Step]) -> int:
    """Do every step, each complete in itself; rows copied."""
    copied = 0
    with progress() as bars:
        periods = bars.add_task("Periods", total=len(steps))
        for step in steps:
            bars.update(periods, description=step.period.rpartition(".")[2])
            copied += repartition(connection, step)
            bars.advance(periods)
    _drop_checks(connection)
    return copied


def repartition(connection: psycopg.Connection, step: Step) -> int:
    """Do one step; rows copied. What goes wrong leaves the old leaves in place."""
    number = upkeep.patiently(connection, step.period, lambda: _begin(connection, step))
    try:
        copied = _copy(connection, number)
        _guard(connection, number)
        _compare(connection, number)
        upkeep.patiently(connection, step.period, lambda: _swap(connection, number, step))
    except (OperatorError, psycopg.Error, KeyboardInterrupt) as error:
        if not connection.closed:
            _abandon(connection, number)
        if isinstance(error, psycopg.Error) and not connection.closed:
            reason = str(error).splitlines()[0]
            raise OperatorError(f"{step.period}: {reason}; its leaves are as they were") from error
        raise
    return copied


def _begin(connection: psycopg.Connection, step: Step) -> int:
    with connection.transaction():
        connection.execute("select core.hold_off_vacuum(%s::regclass[])", [step.old_leaves])
        return int(
            _value(
                connection,
                "select core.begin_repartition(%s::regclass, %s::regclass[], %s)",
                step.period,
                step.old_leaves,
                step.prefixes,
            )
        )


def _copy(connection: psycopg.Connection, number: int) -> int:
    leaves = connection.execute(
        f"select leaf::text from core.leaves('core.repartition_{number}')"  # noqa: S608
    ).fetchall()
    query = "select core.copy_into_leaf(%s, %s::regclass)"
    copied = sum(int(_value(connection, query, number, leaf)) for (leaf,) in leaves)
    connection.execute(f"analyze core.repartition_{number}")
    return copied


def _guard(connection: psycopg.Connection, number: int) -> None:
    """Let the default leaf prove that the new leaves' rows are not in it."""
    query = "select core.guard_default_leaf(%s)::text"
    default = upkeep.patiently(
        connection, "the default leaf", lambda: _value(connection, query, number)
    )
    if default is not None:
        connection.execute(f"alter table {default} validate constraint repartition_guard")


def _compare(connection: psycopg.Connection, number: int) -> None:
    _catch_up(connection, number)
    differences = _value(connection, "select core.repartition_differences(%s)", number)
    if differences:
        raise OperatorError(
            f"{differences:,} rows of the new leaves are not as in the old ones, which stay"
        )


def _catch_up(connection: psycopg.Connection, number: int) -> None:
    """Until few changes are left. Who writes faster than half of our speed is held up for it."""
    log = f"core.repartition_{number}_log"
    waiting = _value(connection, f"select count(*) from {log}")  # noqa: S608
    for _ in range(2 * waiting // BATCH + ROUNDS):
        if _value(connection, "select core.catch_up(%s, %s)", number, BATCH) < FEW:
            return
    query = "select core.catch_up(%s, %s, true)"
    alone = partial(_value, connection, query, number, BATCH_ALONE)
    for _ in range(ROUNDS_ALONE):
        if upkeep.patiently(connection, log, alone) < BATCH_ALONE:
            return
    raise OperatorError("rows change faster than they are copied; try again at a quieter time")


def _swap(connection: psycopg.Connection, number: int, step: Step) -> None:
    _catch_up(connection, number)
    with connection.transaction():
        connection.execute(
            "select core.hold_off_vacuum(array("
            "select leaf from core.leaves(%s::regclass)"
            " where leaf = any(%s::regclass[]) or lower_cell is null))",
            [step.period, step.old_leaves],
        )
        connection.execute("select core.swap_leaves(%s)", [number])


def _drop_checks(connection: psycopg.Connection) -> None:
    """Drop the checks that ATTACH needed. Not in the swap, which would be 10 ms longer."""
    rows = connection.execute("select leaf::text from core.checked_leaves() as leaf").fetchall()
    for (leaf,) in rows:
        statement = f"alter table {leaf} drop constraint repartition_bounds"
        upkeep.patiently(connection, leaf, partial(connection.execute, statement))


def _abandon(connection: psycopg.Connection, number: int) -> None:
    upkeep.patiently(
        connection,
        f"undoing repartition {number}",
        lambda: connection.execute("select core.abandon_repartition(%s)", [number]),
    )


def _value(connection: psycopg.Connection, query: str, *arguments: Any) -> Any:
    row = connection.execute(query, arguments).fetchone()
    return row[0] if row else None
