"""`saferoute migrate`: bring a database to the schema of this code, and say where it stands."""

from collections.abc import Iterator
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from common.settings import settings
from ops import draft, migrations, schema, upgrade
from ops.errors import OperatorError
from ops.migrations import PHASES
from ops.upkeep import AsJson, DryRun, show

app = typer.Typer(
    help="Bring the database to the schema of this code. A database that is not there, or empty, "
    "is installed whole; others get the migrations they lack, in order. Run again, it does nothing."
)
_progress = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def migrate(
    context: typer.Context,
    phase: Annotated[
        str | None,
        typer.Option(
            help="Only these: `pre` before the new code serves, `post` once no old code does. "
            "All if not given."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    lock_timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds one attempt waits for a lock.")
    ] = upgrade.Patience.lock_timeout,
    attempts: Annotated[
        int, typer.Option(min=1, help="Attempts for each migration before giving up.")
    ] = upgrade.Patience.attempts,
) -> None:
    """Apply what is missing. `saferoute migrate status` says what that is."""
    if context.invoked_subcommand:
        return
    if phase is not None and phase not in PHASES:
        raise OperatorError(f"{phase} is not a phase: there are {' and '.join(PHASES)}")
    if dry_run:
        show([{"would apply": name} for name in _wanted(phase)], as_json)
        return
    values = settings()
    schema.create_database(values.admin_conninfo, values.database)
    patience = upgrade.Patience(lock_timeout, attempts)
    done = list(apply(values.admin_conninfo, phase, patience))
    if as_json:
        show([{"name": each.name, "seconds": round(each.seconds, 3)} for each in done], as_json)
    elif not done:
        typer.echo("There is nothing to apply.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """List every migration, and whether this database has it."""
    state = _state()
    noted = {entry.number: entry for entry in state.applied}
    rows: list[dict[str, Any]] = []
    for migration in migrations.known():
        entry = noted.get(migration.number)
        has = "pending" if entry is None else "applied" if entry.finished_at else "interrupted"
        rows.append(
            {
                "migration": migration.name,
                "phase": migration.phase,
                "state": has,
                "finished_at": entry and entry.finished_at,
            }
        )
    show(rows, as_json)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What it does, as in add_a_thing.")],
    anew: Annotated[
        bool, typer.Option(help="Write the newest migration anew; what is written by hand stays.")
    ] = False,
) -> None:
    """Write the next migration from what has changed in sql/ (for developers)."""
    written = draft.write(name, anew)
    for line in written.copied:
        typer.echo(f"  copied   {line}")
    typer.echo(f"Wrote migrations/{written.path.name}.")
    for line in written.to_do:
        typer.echo(f"  To write by hand: {line}")


def apply(
    conninfo: str, phase: str | None = None, patience: upgrade.Patience = upgrade.PATIENT
) -> Iterator[upgrade.Done]:
    """Apply what is missing and say on standard error how long each took."""
    found = migrations.known()
    with _progress.status("Schema") as shown:
        for done in upgrade.bring_up_to_date(conninfo, found, phase, patience, shown.update):
            _progress.print(f"[green]✓[/] {done.name} [dim]{done.seconds:.1f} s[/]")
            yield done
    if waiting := [change.path for change in draft.changes(found)]:
        _progress.print(
            f"[yellow]![/] {waiting[0]}{' and others have' if waiting[1:] else ' has'} changed: "
            "only an empty database gets that before `make migration NAME=add_a_thing`."
        )


def _wanted(phase: str | None) -> list[str]:
    state = _state()
    if state.is_empty:
        return ["schema"]
    return [migration.name for migration in upgrade.due(state.pending, phase)]


def _state() -> upgrade.State:
    values = settings()
    found = migrations.known()
    if not schema.has_database(values.admin_conninfo, values.database):
        return upgrade.State(True, [], found)
    with psycopg.connect(values.admin_conninfo, autocommit=True) as connection:
        return upgrade.state_of(connection, found)
