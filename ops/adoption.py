"""Periods that pg_partman made by itself are given their leaves.

Where premake is behind and somebody runs pg_partman's maintenance by hand, it makes plain tables:
they take every row, but are one table for all places, and pg_partman names and bounds them by the
clock of the session (UTC only where the session says so). Nothing is lost in them; here they become
periods like all others, each in transactions of milliseconds.
"""

import psycopg

from ops import upkeep
from ops.errors import OperatorError

_PLAIN = """
select p.period::oid, p.period::text, pg_get_userbyid(c.relowner), pg_get_userbyid(s.relowner)
from core.periods(%(parent)s::regclass) as p
inner join pg_class as c on c.oid = p.period
inner join pg_class as s on s.oid = %(parent)s::regclass
where c.relkind = 'r' order by p.lower_bound
"""


def adopt(connection: psycopg.Connection, entry: upkeep.PartitionSet) -> int:
    """Give each plain period of a set its leaves, without copying its rows; how many there were.

    Those with odd bounds are first replaced by whole periods, and their rows moved.
    """
    plain = _plain(connection, entry)
    if not plain:
        return 0
    upkeep.patiently(
        connection,
        f"odd periods of {entry.name} were not replaced",
        lambda: connection.execute("select core.realign_periods(%s)", [entry.parent]),
    )
    # All are renamed before the first is replaced: one may bear the name of another.
    remaining = _plain(connection, entry)
    for period in remaining:
        _step(connection, entry, "core.prepare_adoption", period)
    for period in remaining:
        for (name,) in connection.execute("select %s::oid::regclass::text", [period]).fetchall():
            connection.execute(f"alter table {name} validate constraint adoption")
        _step(connection, entry, "core.adopt_period", period)
    return len(plain)


def _plain(connection: psycopg.Connection, entry: upkeep.PartitionSet) -> list[int]:
    rows = connection.execute(_PLAIN, {"parent": entry.parent}).fetchall()
    for _, name, owner, wanted in rows:
        if owner != wanted:
            raise OperatorError(
                f"{name} was made by {owner}: as a superuser, alter table {name} owner to {wanted}"
            )
    return [oid for oid, *_ in rows]


def _step(
    connection: psycopg.Connection, entry: upkeep.PartitionSet, function: str, period: int
) -> None:
    upkeep.patiently(
        connection,
        f"a plain period of {entry.name} was not adopted",
        lambda: connection.execute(f"select {function}(%s, %s::oid)", [entry.parent, period]),
    )
