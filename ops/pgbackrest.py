"""pgBackRest, which keeps the backups: how it is run, and what it says is in its repository."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from common.settings import Settings, settings
from ops import cluster
from ops.errors import OperatorError

STANZA = "saferoute"
_SEGMENT = re.compile(r"/([0-9A-F]{24})-[0-9a-f]{40}[^/]*$")
_HISTORY = re.compile(r"/([0-9A-F]{8})\.history[^/]*$")
_OTHER_SERVER = 28
"""Exit code where the repository was made by another server: before an upgrade, or another one."""

_GIVEN = {key: value for key, value in os.environ.items() if key.startswith("PGBACKREST_")}
"""Options of its own, such as those of a repository that is no folder."""

Watch = Callable[[str], object]
"""Called with each line that a command says."""


@dataclass(frozen=True)
class Backup:
    """One backup in the repository."""

    label: str
    kind: str
    began: datetime
    ended: datetime
    database_bytes: int
    stored_bytes: int
    first_segment: str
    stop_lsn: int
    is_damaged: bool

    @property
    def timeline(self) -> int:
        """The timeline that the server was on."""
        return int(self.first_segment[:8], 16)


@dataclass(frozen=True)
class Stored:
    """A file of the archive that was there at `at`."""

    name: str
    path: str
    at: datetime


@dataclass(frozen=True)
class Repository:
    """What the configuration file `config` names; `variables` let pgBackRest sign in."""

    config: Path
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    inside: tuple[str, ...] = ()
    """What a command begins with that runs on a simulated host."""

    def run(self, *arguments: str, watch: Watch | None = None) -> str:
        """Run a command as the user of the servers; its standard output, line by line watched."""
        if shutil.which("pgbackrest") is None:
            raise OperatorError("pgbackrest is not installed: deploy/local/packages.sh run adds it")
        as_user = cluster.postgres_user() if os.geteuid() == 0 and not self.inside else None
        switch = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--")
        begin = (*self.inside, *switch) if self.inside else ()
        lines = []
        with (
            tempfile.TemporaryFile("w+") as complaints,
            subprocess.Popen(
                [*begin, "pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", *arguments],
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                cwd="/",
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **_GIVEN, **self.variables},
                user=as_user,
                group=as_user,
                extra_groups=[] if as_user else None,
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if watch:
                    watch(line.rstrip())
            if process.wait():
                complaints.seek(0)
                raise BackupError(_reason(complaints.read().splitlines()), process.returncode)
        return "".join(lines)

    def prepare(self) -> None:
        """Let the repository know this server; nothing happens where it does already."""
        try:
            self.run("stanza-create")
        except BackupError as error:
            if error.code != _OTHER_SERVER:
                raise
            # An upgraded server: what the earlier one left stays, and expires.
            self.run("stanza-upgrade")

    def is_standby(self) -> bool:
        """Whether the server of this machine streams from another one."""
        where = psycopg.conninfo.make_conninfo(
            settings().admin_conninfo,
            host=self.variables["PGHOST"],
            port=self._option("pg1-port"),
            target_session_attrs="any",
        )
        with psycopg.connect(where) as connection:
            return connection.execute("select pg_is_in_recovery()").fetchone() == (True,)

    def backups(self) -> list[Backup]:
        """Every backup that is whole, the oldest first."""
        found = [_backup(entry) for entry in self._information().get("backup", [])]
        return sorted(found, key=lambda each: each.ended)

    def segments(self) -> dict[str, datetime]:
        """The WAL files that are archived, and since when."""
        return {each.name: each.at for each in self._archived(_SEGMENT)}

    def histories(self) -> dict[int, tuple[datetime, str]]:
        """The history file of each timeline but the first, and when it was archived."""
        return {
            int(each.name, 16): (each.at, self.run("repo-get", each.path))
            for each in self._archived(_HISTORY)
        }

    def _option(self, name: str) -> str:
        try:
            found = re.search(rf"^{name}=(.*)$", self.config.read_text(), re.MULTILINE)
        except OSError as error:
            raise OperatorError(f"{self.config} cannot be read: {error.strerror}") from error
        if found is None:
            raise OperatorError(f"{self.config} does not say {name}")
        return found[1].strip()

    def _archived(self, pattern: re.Pattern[str]) -> Iterable[Stored]:
        archives = self._information().get("archive", [])
        if not archives:
            return
        folder = f"archive/{STANZA}/{archives[-1]['id']}"
        listing = json.loads(self.run("repo-ls", "--output=json", "--recurse", folder) or "{}")
        for name, entry in listing.items():
            if entry["type"] == "file" and (found := pattern.search(f"/{name}")):
                yield Stored(found[1], f"{folder}/{name}", _time(entry["time"]))

    def _information(self) -> dict[str, Any]:
        try:
            found = json.loads(self.run("info", "--output=json"))
        except ValueError as error:
            raise OperatorError("pgbackrest does not say what is in its repository") from error
        (stanza,) = found or [{}]
        return dict(stanza)


class BackupError(OperatorError):
    """What pgBackRest refused or could not do; `code` is its exit code."""

    def __init__(self, message: str, code: int) -> None:
        """With the first line that it gave as a reason."""
        super().__init__(message)
        self.code = code


def open_repository() -> Repository:
    """The repository of the settings; an error where there is none."""
    values = settings()
    if values.backup_config is None:
        raise OperatorError(
            "no backups are set up here: SAFEROUTE_BACKUP_CONFIG names pgBackRest's configuration "
            "(`make up` sets it for the local profile)"
        )
    variables = {"PGHOST": own_address(values)}
    if values.admin_password is not None:
        # In the environment, which others cannot read, and not in a command's arguments.
        variables["PGPASSWORD"] = values.admin_password.get_secret_value()
    return Repository(values.backup_config, variables)


def own_address(values: Settings) -> str:
    """The one of the servers' addresses that is this machine's: files are copied where they are."""
    for host, _ in values.hosts:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, 0))
            return host
    raise OperatorError(
        f"none of SAFEROUTE_DATABASE_HOSTS ({values.database_hosts}) is this machine: backups are "
        "made where a server's files are"
    )


def lsn(text: str) -> int:
    """A place in the WAL as a number: 0/5000100 is 83886336."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _backup(entry: Mapping[str, Any]) -> Backup:
    return Backup(
        label=entry["label"],
        kind={"full": "full", "diff": "differential", "incr": "incremental"}[entry["type"]],
        began=_time(entry["timestamp"]["start"]),
        # Told in whole seconds: it ended within this one, and is of use from the next one on.
        ended=_time(entry["timestamp"]["stop"] + 1),
        database_bytes=entry["info"]["size"],
        stored_bytes=entry["info"]["repository"]["delta"],
        first_segment=entry["archive"]["start"],
        stop_lsn=lsn(entry["lsn"]["stop"]),
        is_damaged=bool(entry["error"]),
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _reason(lines: list[str]) -> str:
    """The first error that it names, without its time and number."""
    for number, line in enumerate(lines):
        if found := re.search(r"ERROR: \[\d+\]: (.*)", line):
            more = lines[number + 1].strip() if number + 1 < len(lines) else ""
            is_cut = found[1].endswith(":") and more
            return f"pgbackrest: {found[1]}{' ' + more if is_cut else ''}"
    return f"pgbackrest failed: {lines[-1].strip() if lines else 'it said nothing'}"
