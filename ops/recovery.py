"""Recovery of a server to a moment: which way leads there, and what the server says on it."""

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from ops import backup, cluster, timelines
from ops.cluster import Server
from ops.errors import OperatorError
from ops.pgbackrest import Backup, Repository

EXAMPLE = "2026-11-24T02:10:00+00:00"
_SECONDS_TO_ARCHIVE = 60
_OF_RECOVERY = (
    "restore_command",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_action",
)
_FATAL = re.compile(r"\[\d+\] FATAL: +(.*)")
"""What a server says for itself: lines of its sessions name the user first."""


@dataclass(frozen=True)
class Way:
    """What leads to a moment; None: to the newest that is archived."""

    moment: datetime | None
    backup: Backup
    timeline: int
    archived_until: datetime | None

    @property
    def options(self) -> list[str]:
        """What pgBackRest is told of it."""
        common = [f"--set={self.backup.label}", f"--target-timeline={self.timeline}"]
        if self.moment is None:
            return [*common, "--type=default"]
        target = f"--target={self.moment:%Y-%m-%d %H:%M:%S.%f}+00"
        return [*common, "--type=time", target, "--target-action=promote"]


def parse(text: str, now: datetime) -> datetime | None:
    """The moment an operator names; None for `latest`."""
    if text == "latest":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OperatorError(f"{text} is no moment: write it as {EXAMPLE}") from error
    if moment.tzinfo is None:
        raise OperatorError(f"{text} does not say its zone: write it as {EXAMPLE}")
    if moment > now:
        raise OperatorError(f"{text} is in the future: it is {now:%Y-%m-%dT%H:%M:%S}+00:00")
    return moment.astimezone(UTC)


def find_way(repository: Repository, moment: datetime | None) -> Way:
    """The way in the repository; an error where there is none."""
    archive = timelines.read(repository)
    found, timeline = archive.way_to(moment or datetime.now(UTC))
    return Way(moment, found, timeline, archive.newest_segment_at)


def archive_everything(conninfo: str) -> None:
    """Have the archive hold a commit later than any moment of the past: recovery stops at it."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("select pg_current_xact_id()")
        query = "select pg_walfile_name(pg_switch_wal())"
        wanted = connection.execute(query).fetchone()
        deadline = time.monotonic() + _SECONDS_TO_ARCHIVE
        query = "select left(last_archived_wal, 24) >= %s from pg_stat_archiver"
        while connection.execute(query, wanted).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise OperatorError(
                    "the newest WAL is not archived, so the moment may be out of reach: "
                    "`saferoute backup health` says more; nothing was changed"
                )
            time.sleep(0.05)


def fetch(repository: Repository, server: Server, way: Way) -> None:
    """Write the files of the backup into the server's data folder, which there must not be."""
    server.data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(server.data, cluster.postgres_user(), cluster.postgres_user())
    with backup.watched(f"Restoring {way.backup.label}") as watch:
        repository.run("restore", *way.options, "--log-level-console=detail", watch=watch)


def wait_until_recovered(conninfo: str, said: Callable[[], str]) -> None:
    """Return once a started server takes writes; an error with what it has `said` if it cannot."""
    while not _is_recovered(conninfo):
        if found := _FATAL.search(said()):
            raise OperatorError(f"the server could not recover: {found[1]}")
        time.sleep(0.1)


def _is_recovered(conninfo: str) -> bool:
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            if connection.execute("select pg_is_in_recovery()").fetchone() != (False,):
                return False
            # A copy of this server would stop at the same moment.
            for name in _OF_RECOVERY:
                connection.execute(f"alter system reset {name}")
            return True
    except psycopg.OperationalError:
        return False
