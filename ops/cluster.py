"""PostgreSQL servers of our own: a primary and its streaming standbys, for the local profile
and for the tests.

PostgreSQL refuses root, so as root every program here runs as the user `postgres`.
"""

import getpass
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OperatorError

MINIMUM_VERSION = 15
_SYSTEM_STATE = Path("/var/lib/saferoute")
HBA = """\
# Written by saferoute. Passwords everywhere; nothing listens beyond loopback.
# Analysts, whatever their logins, have a standby of their own.
local all         +analyst              reject
host  all         +analyst 127.0.0.1/32 reject
local all         all                   scram-sha-256
host  all         all      127.0.0.1/32 scram-sha-256
host  replication replicator 127.0.0.1/32 scram-sha-256
"""
"""Who may sign in at the primary and at the standbys of the API (pg_hba.conf)."""


def postgres_user() -> str:
    """The system user PostgreSQL runs as: the caller, or `postgres` where the caller is root."""
    return "postgres" if os.geteuid() == 0 else getpass.getuser()


def servers_folder(folder: Path) -> Path:
    """Where servers keep their data: in the profile's folder, or where `postgres` reaches it."""
    if _postgres_reaches(folder):
        return folder / "servers"
    _SYSTEM_STATE.mkdir(exist_ok=True)
    _SYSTEM_STATE.chmod(0o755)  # whatever the umask: postgres passes through
    return _SYSTEM_STATE / hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def _postgres_reaches(folder: Path) -> bool:
    if os.geteuid() != 0:
        return True
    check = subprocess.run(
        ["test", "-x", folder], user="postgres", group="postgres", extra_groups=[], check=False
    )
    return check.returncode == 0


def bin_directory() -> Path:
    """The newest PostgreSQL (15 or later) of this machine."""
    found = [
        (int(path.parent.name), path)
        for path in Path("/usr/lib/postgresql").glob("*/bin")
        if path.parent.name.isdigit() and (path / "initdb").exists()
    ]
    usable = [path for version, path in sorted(found) if version >= MINIMUM_VERSION]
    if not usable:
        raise OperatorError(f"PostgreSQL {MINIMUM_VERSION} or newer is not installed")
    return usable[-1]


def free_port() -> int:
    """A port nobody listens on, below the ephemeral range."""
    while True:
        port = 20000 + secrets.randbelow(12000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def run(program: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a PostgreSQL program as the right user; its standard output."""
    as_user = postgres_user() if os.geteuid() == 0 else None
    process = subprocess.run(
        [str(bin_directory() / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})},
        user=as_user,
        group=as_user,
        extra_groups=[] if as_user else None,
    )
    if process.returncode:
        reason = (process.stderr or process.stdout).strip().splitlines()
        raise OperatorError(f"{program} failed: {reason[-1] if reason else process.returncode}")
    return process.stdout


@dataclass(frozen=True)
class Server:
    """One PostgreSQL server on loopback: its data folder, its port, its log file."""

    data: Path
    port: int

    @property
    def log(self) -> Path:
        """The server's log file, beside its data."""
        return self.data.with_suffix(".log")

    @property
    def exists(self) -> bool:
        """Whether the data folder has been initialised to the end."""
        return self._mark.exists()

    @property
    def is_standby(self) -> bool:
        """Whether it follows another server, now or once it is started."""
        return self._signal.exists()

    @property
    def _signal(self) -> Path:
        return self.data / "standby.signal"

    @property
    def _mark(self) -> Path:
        """Stands beside the data: within, pg_basebackup would copy it to an unfinished standby."""
        return self.data.with_suffix(".ready")

    def create_primary(self, password: str, options: Mapping[str, str], hba: str = HBA) -> None:
        """initdb with UTF-8, the superuser `postgres` with this password, and these options."""
        self._empty()
        secret = self.data.with_suffix(".password")
        secret.touch(mode=0o600)
        secret.write_text(password)
        if os.geteuid() == 0:
            shutil.chown(secret, "postgres")
        try:
            run(
                "initdb",
                *("-D", self.data, "-U", "postgres", "--pwfile", secret),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            )
        finally:
            secret.unlink()
        self.configure(options)
        self.admit(hba)
        self._mark.touch()

    def create_standby(
        self,
        primary: "Server",
        password: str,
        name: str,
        options: Mapping[str, str],
        hba: str = HBA,
    ) -> None:
        """pg_basebackup from the primary with a replication slot; the standby then streams.

        `password` is that of the role `replicator`: the standby keeps it in its settings, so it is
        not a superuser's.
        """
        self._empty()
        run(
            "pg_basebackup",
            *("-h", "127.0.0.1", "-p", str(primary.port), "-U", "replicator"),
            *("-D", self.data, "-X", "stream", "-c", "fast", "-C", "-S", name),
            env={"PGPASSWORD": password},
        )
        self.become_standby()
        self.configure({**options, **following(primary, password, name)})
        self.admit(hba)  # the copy brought the primary's
        self._mark.touch()

    def forget(self) -> None:
        """Have it made anew by whoever starts it next."""
        self._mark.unlink(missing_ok=True)

    def become_standby(self) -> None:
        """Have it follow, from its next start on, whom its settings name."""
        _write(self._signal, "")

    def configure(self, options: Mapping[str, str]) -> bool:
        """Write its settings; whether they changed. They hold from its next start on."""
        fixed = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        lines = [f"{name} = '{value}'\n" for name, value in {**fixed, **options}.items()]
        main = self.data / "postgresql.conf"
        include = "include 'saferoute.conf'\n"
        if include not in main.read_text():
            with main.open("a") as stream:
                stream.write(include)
        self._take_over_upstream()
        return _write(self.data / "saferoute.conf", "".join(lines))

    def _take_over_upstream(self) -> None:
        """Remove whom to follow from where `pg_basebackup -R` wrote it: that goes before ours."""
        path = self.data / "postgresql.auto.conf"
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(("primary_conninfo", "primary_slot"))]
        _write(path, "".join(kept))

    def admit(self, hba: str) -> bool:
        """Write who may sign in; whether that changed. It holds once the server has reloaded."""
        return _write(self.data / "pg_hba.conf", hba)

    def reload(self) -> None:
        """Make the running server read anew who may sign in."""
        run("pg_ctl", "-D", self.data, "reload")

    def start(self) -> None:
        """Start in the background and wait until it answers."""
        run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop and wait until it has ended."""
        run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def _empty(self) -> None:
        """Remove what an interrupted creation left, and leave the parent open to PostgreSQL."""
        self._mark.unlink(missing_ok=True)
        if self.data.exists():
            shutil.rmtree(self.data)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.data.parent, "postgres", "postgres")


def following(primary: Server, password: str, name: str) -> dict[str, str]:
    """Settings of a standby that streams from `primary`, as `name`, through a slot so called."""
    where = f"host=127.0.0.1 port={primary.port} user=replicator password={password}"
    return {
        "primary_conninfo": f"{where} application_name={name}",
        "primary_slot_name": name,
    }


def _write(path: Path, text: str) -> bool:
    """Write a file that PostgreSQL reads, and nobody else; whether it was another one."""
    if path.exists() and path.read_text() == text:
        return False
    path.touch(mode=0o600)
    path.write_text(text)
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")
    return True
