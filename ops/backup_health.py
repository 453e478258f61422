"""How the backups are: how old the newest is, and whether the WAL between them is archived."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from common.settings import settings
from ops import pgbackrest, timelines
from ops.errors import OperatorError
from ops.pgbackrest import Repository

_TOO_OLD = timedelta(days=2)
"""They are made once a day."""
_MANY = 16
"""WAL files that wait (256 MB): archiving does not keep up."""
_ARCHIVER = """
select a.last_archived_time, a.last_failed_wal, a.last_failed_time,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false),
    (select count(*) from pg_ls_archive_statusdir() where name like '%.ready'),
    current_setting('archive_mode')
from pg_stat_archiver as a
"""


@dataclass
class Health:
    """What is known, and what is wrong, a sentence each."""

    facts: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    state: str = "green"

    def blame(self, state: str, sentence: str) -> None:
        """Note what is wrong."""
        self.problems.append(sentence)
        self.state = "red" if "red" in (self.state, state) else state


def read(repository: Repository) -> Health:
    """Ask the repository and the primary."""
    archive = timelines.read(repository)
    newest = archive.backups[-1] if archive.backups else None
    now = datetime.now(UTC)
    with psycopg.connect(settings().admin_conninfo) as connection:
        row = connection.execute(_ARCHIVER).fetchone()
    assert row is not None
    last_at, failed_wal, failed_at, is_failing, waiting, mode = row
    found = Health(
        {
            "state": "",
            "backups": len(archive.backups),
            "newest backup ended": newest and newest.ended,
            "restorable from": archive.backups[0].ended if newest else None,
            "WAL archived last": last_at,
            "WAL files that wait": waiting,
            "free bytes": shutil.disk_usage(repository.config.parent).free,
        }
    )
    if newest is None:
        found.blame("red", "There is no backup. Run `saferoute backup`.")
    elif now - newest.ended > _TOO_OLD:
        found.blame("red", f"The newest backup is {_days(now - newest.ended)} old.")
    elif newest.is_damaged:
        found.blame("red", "The newest backup holds damaged pages. See the server's log.")
    if mode != "on":
        found.blame("red", "The primary archives no WAL (archive_mode): restart it.")
    if is_failing:
        found.blame(
            "red",
            f"WAL {failed_wal} could not be archived at {failed_at.astimezone(UTC):%H:%M:%S} UTC. "
            "Is the repository full or out of reach? The server's log says why.",
        )
    elif waiting >= _MANY:
        found.blame("yellow", f"{waiting} WAL files wait to be archived.")
    if newest and (gaps := archive.gaps(newest)):
        found.blame(
            "red",
            f"WAL was dropped, the first {gaps[0].first}: moments after {gaps[0].until:%H:%M:%S} "
            "UTC cannot be restored until there is a new backup. Run `saferoute backup`.",
        )
    found.facts["state"] = found.state
    return found


def summary() -> str:
    """How they are, in one line."""
    try:
        found = read(pgbackrest.open_repository())
    except OperatorError as error:
        return f"Backups: red, {error} (saferoute backup health)"
    newest = found.facts["newest backup ended"]
    age = f", the newest {_ago(datetime.now(UTC) - newest)}" if newest else ""
    return f"Backups: {found.state}{age} (saferoute backup health)"


def _days(age: timedelta) -> str:
    return f"{age.total_seconds() / 86400:.1f} days"


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() / 60)
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
