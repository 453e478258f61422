"""A restore of the local profile: another data folder for its primary, and new standbys.

While it is under way, a note beside the backups holds what must outlive it. A run that finds the
note of another puts the old data back first, and so begins as that one did.
"""

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import typer
from psycopg.types.json import Jsonb

from ops import backup, databases, erasure, logins, pgbackrest, recovery, stack, upkeep
from ops.errors import OperatorError
from ops.profile import Profile
from ops.progress import step
from ops.recovery import Way
from ops.unfinished import note, read_note, write_note

_SECONDS_FOR_REPLICAS = 60


def check(profile: Profile, way: Way) -> None:
    """Raise an error where a restore could not come to its end."""
    size = way.backup.database_bytes
    free = shutil.disk_usage(profile.servers).free
    # The standbys are copied anew, in place of the old ones.
    if free < 1.2 * size:
        raise OperatorError(
            f"the restored data need {size / 1e6:,.0f} MB and {profile.servers} has "
            f"{free / 1e6:,.0f} MB: make room, or delete older data with --discard-old"
        )
    if way.moment is not None and _outliving(profile, way) is None and not note(profile).exists():
        raise OperatorError(
            "no server answers that could say who was erased since: start them with `make up`. "
            "Where they are lost, `saferoute restore --to latest` brings back the newest first"
        )


def place_for_old(profile: Profile) -> Path:
    """Where the data of before are kept."""
    return profile.primary.server.data.with_name(
        f"primary.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    )


def discard(profile: Profile, *, yes: bool) -> None:
    """Delete what earlier restores have kept; asks first."""
    kept = sorted(profile.servers.glob("primary.before-*"))
    if note(profile).exists():
        raise OperatorError("a restore was cut off and needs them: run it again first")
    if not kept:
        typer.echo("There is nothing to delete.")
        return
    names = ", ".join(str(path) for path in kept)
    if not yes:
        typer.confirm(f"Delete {names}?", abort=True, err=True)
    for path in kept:
        shutil.rmtree(path)
    typer.echo(f"Deleted {names}.")


def restore(profile: Profile, way: Way) -> None:
    """Restore the primary to the moment, erase again who was erased since, copy the standbys."""
    with profile.lock():
        kept = _put_back(profile) if note(profile).exists() else None
        stack.start_supervisor(profile)
        primary = logins.server_conninfo(profile.primary.server.port)
        if logins.answers(primary):
            with step("Archiving the newest WAL"):
                recovery.archive_everything(primary)
        with step("Stopping all that writes"):
            stack.stop_services(profile)
        kept = _outliving(profile, way) or kept or {}
        old = place_for_old(profile) if profile.primary.server.data.exists() else None
        write_note(profile, way.moment, old, kept)
        try:
            _replace(profile, old, way)
        except OperatorError as error:
            _put_back(profile)
            note(profile).unlink()
            raise OperatorError(
                f"{error}. The data are as they were; `make up` starts the platform again"
            ) from error
        _finish(profile)
    if old:
        typer.echo(
            f"The old data are in {old}. Once you need them no more: saferoute restore "
            "--discard-old"
        )


def _replace(profile: Profile, old: Path | None, way: Way) -> None:
    """Put restored data in the place of the old ones, and let the server recover to the moment."""
    name, primary, supervisor = profile.primary.name, profile.primary.server, profile.supervisor
    _stop_servers(profile)
    if old:
        primary.data.rename(old)
    with step(f"Restoring {way.backup.label}"):
        recovery.fetch(pgbackrest.open_repository(), primary, way)
    with step("Recovering to the moment"):
        databases.configure(profile, profile.primary)
        log = supervisor.log(name)
        begin = log.stat().st_size if log.exists() else 0
        supervisor.start_process(name)
        try:
            recovery.wait_until_recovered(
                logins.server_conninfo(primary.port),
                lambda: log.read_bytes()[begin:].decode(errors="replace"),
            )
        except OperatorError as error:
            raise OperatorError(f"{error} (see {log})") from error


def _finish(profile: Profile) -> None:
    """Bring in what outlives the restore, and start all that follows the primary."""
    changed = stack.start_database(profile)
    kept = read_note(profile)["kept"]
    digests: list[str] = []
    if kept:
        with step("Keeping what must not be undone"), upkeep.exclusive() as connection:
            row = connection.execute("select core.carry_over(%s)", [Jsonb(kept)]).fetchone()
            assert row is not None
            digests = row[0]
    stack.start_followers(profile)
    if digests:
        with step("Erasing again who was erased since"), upkeep.exclusive() as connection:
            for digest in digests:
                user_id = erasure.find(connection, digest)
                if user_id is not None:
                    erasure.erase(connection, user_id, _SECONDS_FOR_REPLICAS)
    # From here on `make up` finishes what is left.
    note(profile).unlink()
    stack.start_services(profile, changed)
    with step("A backup of the new timeline"):
        backup.make(pgbackrest.open_repository())


def _put_back(profile: Profile) -> dict[str, Any]:
    """Undo an unfinished restore; what was to outlive it."""
    found = read_note(profile)
    with step("Putting back the data that a restore has replaced"):
        if profile.supervisor.runs:
            stack.stop_services(profile)
            _stop_servers(profile)
        data = profile.primary.server.data
        old = Path(found["old"]) if found["old"] else None
        if old is None or old.exists():
            shutil.rmtree(data, ignore_errors=True)
            # They may have been copied from what has just been deleted.
            for standby in profile.standbys:
                standby.server.forget()
        if old is not None and old.exists():
            old.rename(data)
        stack.start_supervisor(profile)
        # Where it does not start, its ledger is the one that was kept.
        with suppress(OperatorError):
            databases.start_primary(profile)
    return dict(found["kept"])


def _stop_servers(profile: Profile) -> None:
    with step("Stopping the servers"):
        for node in (*reversed(profile.standbys), profile.primary):
            profile.supervisor.stop_process(node.name)


def _outliving(profile: Profile, way: Way) -> dict[str, Any] | None:
    """What must outlive the restore, of the first server that answers."""
    since = way.moment or way.backup.ended
    for node in (profile.primary, *profile.replicas):
        try:
            with upkeep.connect(("127.0.0.1", node.server.port)) as connection:
                query = "select core.what_outlives_a_restore(%s)"
                row = connection.execute(query, [since]).fetchone()
                assert row is not None
                return dict(row[0])
        except psycopg.OperationalError:
            continue
        except psycopg.errors.UndefinedFunction as error:
            raise OperatorError("the database lacks migrations: `make up` first") from error
    return None
