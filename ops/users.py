"""`saferoute users`: what the law lets a person ask for, everything of theirs or nothing left."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from ops import erasure, upkeep
from ops.errors import OperatorError
from ops.export import export as write_export

app = typer.Typer(help="Erase a person, or export their data.", no_args_is_help=True)

User = Annotated[
    str,
    typer.Argument(
        metavar="UUID",
        help="The person. `-` reads it from standard input, so that no shell remembers it. A file "
        "is a receipt: the person it is of, who came back with an old backup.",
    ),
]


@app.command()
def erase(
    user: User,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: upkeep.DryRun = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write the receipt to this new file.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for replicas.")] = 60,
) -> None:
    """Erase a person everywhere, prove it, and leave a receipt.

    Archives that hold them are written anew without them; then their positions, what was
    quarantined of theirs and their journeys are removed, in steps that hold up nobody. Afterwards
    every table is read on the primary and on the replicas. Uploads end with SR002 from the
    beginning. A run that was cut off is simply run again.
    """
    user_id = _user_id(user)
    if dry_run:
        with upkeep.connect() as connection:
            upkeep.show(erasure.count(connection, user_id), as_json)
        return
    if save is not None:
        _refuse_existing(save)
    if not yes:
        typer.confirm("Erase this person? It cannot be undone.", abort=True, err=True)
    with upkeep.exclusive() as connection:
        try:
            receipt, out_of_reach = erasure.erase(connection, user_id, wait)
        except psycopg.errors.InsufficientPrivilege as error:
            raise OperatorError(
                f"{error.diag.message_primary}: it has rows like those of people and does not "
                "belong to saferoute_owner; drop it or hand it over, then run it again"
            ) from error
    _show(receipt, as_json)
    if save is not None:
        _write_new(save, json.dumps(receipt, indent=2) + "\n")
    if out_of_reach:
        raise OperatorError(
            "the person is erased, but not from archives out of reach: "
            + "; ".join(out_of_reach)
            + ". If one is put back, run it again; `partitions restore` leaves the person out"
        )


@app.command()
def export(
    user: User,
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A file that does not exist.")],
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Go on without archives that are missing or damaged."),
    ] = False,
) -> None:
    """Write all that is kept of a person to a ZIP of GeoJSON and JSON.

    What `erase` would remove is in it, that of archives as well. `manifest.json` tells what is
    where and what each field means. The file holds their positions and can be read by you alone.
    """
    user_id = _user_id(user)
    _refuse_existing(file)
    with upkeep.exclusive() as connection:
        manifest = write_export(connection, user_id, file, incomplete=incomplete)
    upkeep.show(
        [
            {"file": entry["name"], "rows": entry["rows"], "of archives": entry["rows_of_archives"]}
            for entry in manifest["files"]
        ],
        as_json=False,
        title=str(file),
    )


@app.command()
def receipt(
    which: Annotated[
        str,
        typer.Argument(metavar="ID|FILE", help="The id of an erasure, or a copy of its receipt."),
    ],
) -> None:
    """Check a receipt against the ledger, and print it as the ledger has it."""
    with upkeep.connect() as connection:
        try:
            found = erasure.receipt(connection, UUID(which))
        except ValueError:
            found = erasure.check(connection, _read(Path(which)))
    typer.echo(json.dumps(found, indent=2))
    typer.secho("This receipt is genuine.", err=True)


def _user_id(text: str) -> UUID:
    word = sys.stdin.readline().strip() if text == "-" else text
    with suppress(ValueError):
        return UUID(word)
    if Path(word).is_file():
        return _person_of(_read(Path(word)))
    raise OperatorError("the person is named by a UUID; nothing was changed")


def _person_of(copy: dict[str, Any]) -> UUID:
    with upkeep.connect() as connection:
        found = erasure.find(connection, str(copy.get("user_digest")))
    if found is None:
        raise OperatorError("nothing of the person of this receipt is in the database")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path} is neither the id of an erasure nor a receipt") from error
    if not isinstance(content, dict):
        raise OperatorError(f"{path} is not a receipt")
    return content


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise OperatorError(f"{path} exists: name a new file; nothing was changed")
    if not path.absolute().parent.is_dir():
        raise OperatorError(f"there is no folder {path.absolute().parent}; nothing was changed")


def _write_new(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [{"from": name, "removed": number} for name, number in found["removed"].items()]
    rows += [
        {"from": name, "removed": entry["removed"]}
        for name, entry in found["archives"].items()
        if "removed" in entry
    ]
    upkeep.show(rows, as_json=False, title=f"Receipt {found['erasure_id']}")
    asked = ["the primary", *found["proof"]["asked"]]
    typer.echo(f"Nothing is left on {', '.join(asked)}.")
    for name, lsn in found["proof"]["replayed"].items():
        typer.echo(f"Replica {name} has replayed it (at {lsn}).")
