"""`saferoute backup`: copies of the whole database, from which any moment can be restored."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ops import backup_health, pgbackrest, timelines, upkeep
from ops.errors import OperatorError
from ops.pgbackrest import Backup, Repository
from ops.progress import bar

FULL_EVERY = timedelta(days=7)
"""Between two full backups. The ones between hold what has changed since."""
_PARTS = 1000
_DONE = re.compile(r", ([\d.]+)%\)")

app = typer.Typer(
    help="Back up the database, encrypted; see what backups there are and whether they are sound. "
    "Between two of them the WAL archive leads to any moment: `saferoute restore --to`."
)


@app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="All files, also where a full one is younger than that.")
    ] = False,
) -> None:
    """Make a backup: a full one once a week, else of what has changed. It holds up nobody.

    Afterwards those go that no moment of the last SAFEROUTE_BACKUP_DAYS needs. On the host of a
    standby nothing is done, so that every host may have the timer.
    """
    if context.invoked_subcommand:
        return
    repository = pgbackrest.open_repository()
    if repository.is_standby():
        typer.echo("This machine's server is a standby: the primary's makes the backups.")
        return
    repository.prepare()
    made = make(repository, full=full)
    typer.echo(
        f"Backup {made.label}, {made.kind}: {_megabytes(made.stored_bytes)} "
        f"of {_megabytes(made.database_bytes)}, {(made.ended - made.began).total_seconds():.0f} s."
    )


@app.command("list")
def list_backups(as_json: upkeep.AsJson = False) -> None:
    """List the backups, and the moments that can be restored."""
    archive = timelines.read(pgbackrest.open_repository())
    rows = [
        {
            "backup": each.label,
            "kind": each.kind,
            "ended": each.ended if as_json else f"{each.ended:%Y-%m-%d %H:%M:%S}",
            "database": each.database_bytes if as_json else _megabytes(each.database_bytes),
            "stored": each.stored_bytes if as_json else _megabytes(each.stored_bytes),
            "timeline": each.timeline,
            "state": "damaged" if each.is_damaged else "whole",
        }
        for each in archive.backups
    ]
    upkeep.show(rows, as_json)
    if not as_json and archive.backups:
        last = archive.newest_segment_at
        typer.echo(
            f"Any moment (UTC) from {archive.backups[0].ended:%Y-%m-%d %H:%M:%S} on can be "
            f"restored. WAL was archived last at {last:%Y-%m-%d %H:%M:%S}."
        )


@app.command()
def verify() -> None:
    """Read every file of the repository and compare it with its checksum.

    That files are whole is not yet that a server starts from them: restore one now and then.
    """
    repository = pgbackrest.open_repository()
    said = repository.run("verify", "--output=text", "--verbose")
    typer.echo(said.strip())
    if "status: error" in said or re.search(r"(missing|invalid|other): [1-9]", said):
        raise OperatorError("not all of it is sound: make a new full backup, `saferoute backup`")


@app.command()
def health(as_json: upkeep.AsJson = False) -> None:
    """Say how the backups are, and what to do about it.

    For monitoring: ends with 0 where nothing is red, with 1 where something is, and with 2 where
    the question could not be answered. Red means that a moment cannot be restored: there is no
    backup of the last two days, WAL is not archived, or some was dropped.
    """
    found = backup_health.read(pgbackrest.open_repository())
    if as_json:
        upkeep.show([{**found.facts, "problems": found.problems}], as_json)
    else:
        upkeep.show([{"": key, "is": value} for key, value in found.facts.items()], as_json)
        for sentence in found.problems:
            typer.echo(sentence)
    if found.state == "red":
        raise typer.Exit(1)


def make(repository: Repository, *, full: bool = False) -> Backup:
    """Make a backup of the kind that is due; it."""
    known = repository.backups()
    week_ago = datetime.now(UTC) - FULL_EVERY
    is_due = not any(each.kind == "full" and each.ended > week_ago for each in known)
    kind = "full" if full or is_due else "incr"
    with watched(f"Backing up ({'full' if kind == 'full' else 'what has changed'})") as watch:
        repository.run("backup", f"--type={kind}", "--log-level-console=detail", watch=watch)
    return repository.backups()[-1]


@contextmanager
def watched(title: str) -> Iterator[Callable[[str], None]]:
    """A bar that moves by what pgBackRest says of its progress."""
    done = 0
    with bar(title, _PARTS) as advance:

        def watch(line: str) -> None:
            nonlocal done
            if found := _DONE.search(line):
                now = int(float(found[1]) * _PARTS / 100)
                advance(max(0, now - done))
                done = max(now, done)

        yield watch


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
