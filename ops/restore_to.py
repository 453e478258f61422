"""`saferoute restore --to`: the whole database as it was at a moment."""

import shlex
from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer
from dotenv import dotenv_values

from common.settings import environment_file, settings
from ops import local_recovery, pgbackrest, recovery, upkeep
from ops.errors import OperatorError
from ops.pgbackrest import STANZA
from ops.profile import find_profile
from ops.recovery import EXAMPLE, Way

_LOST = """
select t.what, t.number
from (
    select 'walks' as what, count(*) as number from core.journeys where started_at > %(moment)s
    union all select 'alerts', count(*) from core.alerts where raised_at > %(moment)s
    union all select 'accounts', count(*) from core.users where created_at > %(moment)s
    union all select 'contacts', count(*) from core.contacts where added_at > %(moment)s
) as t where t.number > 0
"""


def restore(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help=f"The moment, with its zone, as {EXAMPLE}; `latest`: all that is archived.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, nothing is changed.")] = False,
    discard_old: Annotated[
        bool, typer.Option("--discard-old", help="Delete what earlier restores have kept.")
    ] = False,
) -> None:
    """Bring the whole database back to a moment. Without --yes: say what that would do.

    What was written after the moment is lost, except that people erased since are erased again,
    and that noes of contacts, revoked keys and revoked links stay so. The platform is down
    meanwhile. The data of before are kept beside the new ones until --discard-old. A restore that
    was cut off is run again.

    `saferoute partitions restore` is another thing: it brings back one retired period.
    """
    if discard_old:
        if to is not None:
            raise OperatorError("--discard-old goes without --to: look at what was restored first")
        local_recovery.discard(find_profile(), yes=yes)
        return
    if to is None:
        raise OperatorError(f"--to says the moment, as in --to {EXAMPLE}")
    way = recovery.find_way(pgbackrest.open_repository(), recovery.parse(to, datetime.now(UTC)))
    if "SAFEROUTE_SERVERS" not in dotenv_values(environment_file()):
        _show(way, "yours to keep")
        _show_command(way)
        if yes:
            raise OperatorError(
                "this is a cluster: Patroni is stopped on all its hosts first, and this command is "
                "one of the steps of docs/how-to/back-up-and-restore.md; nothing was changed"
            )
        return
    profile = find_profile()
    local_recovery.check(profile, way)
    _show(way, f"kept as {local_recovery.place_for_old(profile).name}")
    if not yes:
        typer.echo("Nothing was changed: --yes does it.")
        return
    local_recovery.restore(profile, way)


def _show(way: Way, old: str) -> None:
    backup = way.backup
    until = f"{way.archived_until:%Y-%m-%d %H:%M:%S}" if way.archived_until else "never"
    facts = {
        "to": f"{way.moment:%Y-%m-%d %H:%M:%S.%f} UTC" if way.moment else "all that is archived",
        "from backup": f"{backup.label} ({backup.kind}), {backup.database_bytes / 1e6:,.1f} MB",
        "with WAL": f"of timeline {way.timeline}, from {backup.first_segment}, until {until}",
        "is lost": _lost(way.moment) if way.moment else "what was not archived",
        "old data": f"are {old}",
    }
    upkeep.show([{"": key, "is": value} for key, value in facts.items()], as_json=False)


def _show_command(way: Way) -> None:
    """What restores the files of a server that is not the local profile's."""
    config = settings().backup_config
    words = ["pgbackrest", f"--config={config}", f"--stanza={STANZA}", "restore", *way.options]
    typer.echo(shlex.join(words))


def _lost(moment: datetime) -> str:
    """What was written since, where the database can be asked."""
    try:
        with upkeep.connect() as connection:
            rows = connection.execute(_LOST, {"moment": moment}).fetchall()
    except psycopg.Error:
        return "all that was written since; the primary cannot be asked what"
    return (
        f"all that was written since: {', '.join(f'{n:,} {what}' for what, n in rows) or 'little'}"
    )
