"""`saferoute quarantine`: what could not be stored, why, and what becomes of it.

Points of journeys are in `core.point_quarantine`, rows of crime files in `core.crime_rejects`. What
is wrong with each, what would help, and whether it can be stored now is decided in SQL.
"""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row
from psycopg.types.json import Json

from ops import risk, upkeep
from ops.errors import OperatorError
from ops.progress import progress

KINDS = ("point", "crime")
_CHOSEN = "from core.quarantined where kind = %s and reason = coalesce(%s, reason)"
_EXPLAIN = {
    "point": "select problem, sentence, changes from core.explain_point(%s)",
    "crime": "select problem, sentence, changes from core.explain_reject(%s)",
}
_FIX = {
    "point": "select core.fix_point(%s, %s::json)",
    "crime": "select core.fix_reject(%s, %s::jsonb)",
}
_SWAP = {"point": "select core.swap_points(%s)", "crime": "select core.swap_rejects(%s)"}
_DISCARD = {
    "point": "select core.discard_points(%s::bigint[])",
    "crime": "select core.discard_rejects(%s::bigint[])",
}
_REPLAY = {
    "point": "select core.replay_chosen_points(%s::bigint[])",
    "crime": "select core.replay_crimes(%s::bigint[])",
}
_AT_ONCE = 1000
"""Points of one transaction."""

app = typer.Typer(
    help="Points and rows of crime files that could not be stored: why, and what to do.",
    no_args_is_help=True,
)
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="As listed: point:12, crime:7.")
]
Reason = Annotated[str | None, typer.Option(help="All that wait for this reason.")]
Points = Annotated[bool, typer.Option("--points", help="Points only.")]
Crimes = Annotated[bool, typer.Option("--crimes", help="Crimes only.")]


@dataclass(frozen=True)
class Row:
    """A waiting row, under the id an operator knows it by."""

    kind: str
    number: int

    @property
    def id(self) -> str:
        """As it is listed."""
        return f"{self.kind}:{self.number}"


@app.command("list")
def list_rows(
    points: Points = False,
    crimes: Crimes = False,
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of each kind.")] = 100,
    as_json: upkeep.AsJson = False,
) -> None:
    """List what waits, oldest first: id, reason, when it arrived and from where."""
    query = f"""
        select kind || ':' || number as id, reason, arrived_at, origin, is_fixed
        {_CHOSEN} order by number limit %s"""
    with _session() as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows: list[dict[str, Any]] = []
        more = 0
        for kind in _kinds(connection, points, crimes, reason):
            rows += cursor.execute(query, [kind, reason, limit]).fetchall()
            more += max(0, _waiting(connection, kind, reason) - limit)
    upkeep.show(rows, as_json)
    if more:
        typer.echo(f"{more:,} more wait; --limit shows more of them.", err=True)


@app.command()
def explain(ids: Ids = None, as_json: upkeep.AsJson = False) -> None:
    """Say what is wrong with each row, with its values and the limits, and what would help."""
    chosen = _parse(ids)
    if not chosen:
        raise OperatorError("which? saferoute quarantine list names the ids")
    with _session() as connection:
        _refuse_unknown(connection, chosen)
        found = [_explained(connection, row) for row in chosen]
    if as_json:
        upkeep.show(found, as_json)
        return
    for entry in found:
        typer.echo(f"{entry['id']} {entry['explanation']}")
        if entry["command"]:
            typer.echo(f"    {entry['command']}")


@app.command()
def fix(
    ids: Ids = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="May be repeated. No value takes it away."),
    ] = None,
    swap: Annotated[
        bool, typer.Option("--swap", help="Exchange longitude and latitude where that helps.")
    ] = False,
    reason: Reason = None,
    points: Points = False,
    crimes: Crimes = False,
    dry_run: upkeep.DryRun = False,
) -> None:
    """Give rows other values; what came is kept beside them. Nothing is stored before a replay.

    Keys are those of the point (recorded_at, lon, lat, ...) or the columns of the crime file.
    For a whole group: fix --reason far --swap.
    """
    chosen = _parse(ids)
    if bool(chosen) == bool(reason) or bool(chosen) != bool(changes) or bool(reason) != swap:
        raise OperatorError("fix either IDs with --set KEY=VALUE, or --reason with --swap")
    with _session() as connection, connection.transaction(force_rollback=dry_run):
        _refuse_unknown(connection, chosen)
        for row in chosen:
            values = _values(changes or [], row)
            connection.execute(_FIX[row.kind], [row.number, Json(values)])
            typer.echo(f"{row.id} {_explained(connection, row)['explanation']}")
        if reason:
            for kind in _kinds(connection, points, crimes, reason):
                fixed = _count(connection, _SWAP[kind], [reason])
                typer.echo(f"{_counted(fixed, kind)} fixed{_note(dry_run)}")


@app.command()
def replay(
    ids: Ids = None,
    reason: Reason = None,
    points: Points = False,
    crimes: Crimes = False,
    dry_run: upkeep.DryRun = False,
    as_json: upkeep.AsJson = False,
) -> None:
    """Store what can be stored now, as it was fixed or as it came: all of it, or some."""
    chosen = _parse(ids)
    if chosen and reason:
        raise OperatorError("replay either IDs or --reason")
    with _session() as connection:
        _refuse_unknown(connection, chosen)
        kinds = [kind for kind in KINDS if any(row.kind == kind for row in chosen)]
        with connection.transaction(force_rollback=True) if dry_run else nullcontext():
            outcome: list[dict[str, Any]] = []
            for kind in kinds or _kinds(connection, points, crimes, reason):
                numbers = [row.number for row in chosen if row.kind == kind]
                replayed = _replay(connection, kind, reason, numbers)
                waiting = _waiting(connection, kind, reason)
                outcome.append({"kind": kind, "replayed": replayed, "waiting": waiting})
            stay = [_explained(connection, row) for row in chosen if _is_waiting(connection, row)]
        if not dry_run and any(entry["kind"] == "crime" and entry["replayed"] for entry in outcome):
            risk.refresh(connection)
    if as_json:
        upkeep.show(outcome, as_json)
        return
    for entry in outcome:
        count = _counted(entry["replayed"], entry["kind"])
        typer.echo(f"{count} replayed, {entry['waiting']:,} wait{_note(dry_run)}")
    for found in stay:
        typer.echo(f"{found['id']} stays: {found['explanation']}")


@app.command()
def discard(
    ids: Ids = None,
    reason: Reason = None,
    points: Points = False,
    crimes: Crimes = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: upkeep.DryRun = False,
) -> None:
    """Give rows up. Points are deleted; crimes stay on record, so that no file brings them back."""
    chosen = _parse(ids)
    if bool(chosen) == bool(reason):
        raise OperatorError("discard either IDs or --reason")
    with _session() as connection:
        _refuse_unknown(connection, chosen)
        if reason:
            kinds = {
                kind: _numbers(connection, kind, reason)
                for kind in _kinds(connection, points, crimes, reason)
            }
        else:
            kinds = {kind: [row.number for row in chosen if row.kind == kind] for kind in KINDS}
        kinds = {kind: numbers for kind, numbers in kinds.items() if numbers}
        what = " and ".join(_counted(len(numbers), kind) for kind, numbers in kinds.items())
        if not kinds:
            typer.echo("There are none.")
            return
        if not (yes or dry_run):
            typer.confirm(f"Discard {what}?", abort=True, err=True)
        with connection.transaction(force_rollback=dry_run):
            for kind, numbers in kinds.items():
                gone = _count(connection, _DISCARD[kind], [numbers])
                typer.echo(f"{_counted(gone, kind)} discarded{_note(dry_run)}")


def replay_points(connection: psycopg.Connection, reason: str) -> Iterator[int]:
    """Store the quarantined points of a reason that can be, one transaction after the other."""
    query = "select core.replay_points(%s, %s)"
    while (row := connection.execute(query, [reason, _AT_ONCE]).fetchone()) and row[0]:
        yield row[0]


@contextmanager
def _session() -> Iterator[psycopg.Connection]:
    """The owner's; what SQL refuses is the operator's mistake."""
    with upkeep.connect() as connection:
        try:
            yield connection
        except (psycopg.errors.InvalidParameterValue, psycopg.errors.NoDataFound) as error:
            message = error.diag.message_primary or str(error)
            raise OperatorError(f"{message}; nothing was changed") from error


def _replay(
    connection: psycopg.Connection, kind: str, reason: str | None, numbers: list[int]
) -> int:
    """Replay these rows, or where none are named all that wait for the reason; how many."""
    with progress() as bars:
        if numbers or kind == "crime":
            bars.add_task(f"Replaying {kind}s", total=None)
            chosen = numbers or _numbers(connection, kind, reason)
            return _count(connection, _REPLAY[kind], [chosen])
        bar = bars.add_task("Replaying points", total=_waiting(connection, kind, reason))
        replayed = 0
        for each in _reasons(connection, reason):
            for step in replay_points(connection, each):
                replayed += step
                bars.update(bar, completed=replayed)
        return replayed


def _parse(ids: list[str] | None) -> list[Row]:
    rows = []
    for text in ids or []:
        match = re.fullmatch(r"(point|crime):([1-9]\d{0,17})", text)
        if match is None:
            raise OperatorError(f"{text} is no id: write point:12 or crime:7, as they are listed")
        rows.append(Row(match[1], int(match[2])))
    return list(dict.fromkeys(rows))


def _kinds(
    connection: psycopg.Connection, points: bool, crimes: bool, reason: str | None
) -> list[str]:
    """The kinds an operator asks for that have this reason; both where neither is named."""
    asked = [
        kind for kind, yes in zip(KINDS, (points, crimes), strict=True) if yes or points == crimes
    ]
    known = connection.execute("select kind, reason from core.quarantine_reasons()").fetchall()
    kinds = [kind for kind in asked if reason is None or (kind, reason) in known]
    if not kinds:
        reasons = ", ".join(dict.fromkeys(each for kind, each in known if kind in asked))
        raise OperatorError(f"{reason} is no reason; there are {reasons}")
    return kinds


def _waiting(connection: psycopg.Connection, kind: str, reason: str | None) -> int:
    return _count(connection, f"select count(*) {_CHOSEN}", [kind, reason])


def _numbers(connection: psycopg.Connection, kind: str, reason: str | None) -> list[int]:
    rows = connection.execute(f"select number {_CHOSEN} order by number", [kind, reason])
    return [number for (number,) in rows]


def _reasons(connection: psycopg.Connection, reason: str | None) -> list[str]:
    rows = connection.execute(f"select distinct reason {_CHOSEN}", ["point", reason])
    return [each for (each,) in rows]


def _is_waiting(connection: psycopg.Connection, row: Row) -> bool:
    query = "select count(*) from core.quarantined where kind = %s and number = %s"
    return _count(connection, query, [row.kind, row.number]) > 0


def _refuse_unknown(connection: psycopg.Connection, chosen: list[Row]) -> None:
    for row in chosen:
        if not _is_waiting(connection, row):
            raise OperatorError(f"{row.id} is not in the quarantine; nothing was changed")


def _values(changes: list[str], row: Row) -> dict[str, str | None]:
    """What --set says: key to text; without a value null for a point, blank for a crime."""
    values: dict[str, str | None] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise OperatorError(f"--set {change}: write KEY=VALUE")
        values[key] = value or (None if row.kind == "point" else "")
    return values


def _explained(connection: psycopg.Connection, row: Row) -> dict[str, Any]:
    found = connection.execute(_EXPLAIN[row.kind], [row.number]).fetchone()
    assert found is not None
    problem, sentence, changes = found
    return {
        "id": row.id,
        "problem": problem,
        "explanation": sentence,
        "command": None if changes is None else _command(row, changes),
    }


def _command(row: Row, changes: dict[str, Any]) -> str:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in changes.items()}
    words = [f"--set {shlex.quote(f'{key}={text}')}" for key, text in texts.items()]
    return " ".join(["saferoute quarantine fix", row.id, *words])


def _count(connection: psycopg.Connection, query: str, parameters: list[Any]) -> int:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return int(row[0])


def _counted(number: int, kind: str) -> str:
    return f"{number:,} {kind}{'' if number == 1 else 's'}"


def _note(dry_run: bool) -> str:
    return " (dry run: nothing was changed)" if dry_run else ""
