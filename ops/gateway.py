"""nginx in front of the API and live processes: its configuration, written and checked.

One template for the local profile, where everything is on 127.0.0.1, and for hosts that are nothing
but gateways. As root it runs as the user `www-data`, which Debian's package brings; it never needs
to be root but for ports below 1024.
"""

import getpass
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.settings import REPOSITORY
from ops.errors import OperatorError
from ops.identity import Identity

TEMPLATES = REPOSITORY / "deploy" / "nginx"
VITAL = (
    "raise_sos",
    "cancel_sos",
    "acknowledge_alert",
    "acknowledge_by_link",
    "alert_by_link",
    "resolve_alert",
    "alert_status",
    "alerts_since",
)
"""Functions that are never limited here: those of class `sos`."""
_MOST_FILES = 65536


@dataclass(frozen=True)
class Certificate:
    """What it proves itself with to clients: files in PEM that its user can read."""

    chain: Path
    """The certificate, then those between it and the one that clients trust."""
    key: Path


@dataclass(frozen=True)
class Gateway:
    """An nginx of our own: its folders, where it listens, and the processes behind it.

    Addresses are `host:port` with IP addresses: it never asks a name server.
    """

    data: Path
    """What it writes while it runs."""
    listen: tuple[str, ...]
    """Where it serves: by TLS where there is a certificate."""
    api: tuple[str, ...]
    """The API processes."""
    live: tuple[str, ...]
    """The live processes."""
    certificate: Certificate | None = None
    identity: Identity | None = None
    """What it shows the processes, and by whom theirs are signed: they are asked by TLS."""
    process_name: str = ""
    """What their certificates must say: it verifies names, no addresses."""
    redirect: tuple[str, ...] = ()
    """Where plain HTTP is sent on to HTTPS."""
    status: str | None = None
    """Where it tells that it is alive, and its counts; of no use to clients."""
    etc: Path | None = None
    """The folder of its configuration, if not `data`."""
    logs: Path | None = None
    """The folder of its access log, if not `data`."""
    workers: int | None = None
    """Of its processes; one for each core where it has a host to itself."""
    calls_per_s: int = 200
    """That one address, and one API key, may make; so many more at once as `burst` says."""
    burst: int = 400
    connections: int = 200
    """Calls of one address, and of one API key, that may run at a time."""
    watchers: int = 1000
    """WebSockets and event streams of one address."""

    @property
    def port(self) -> int:
        """That of the first address it serves at."""
        return int(self.listen[0].rpartition(":")[2])

    @property
    def configuration(self) -> Path:
        """The file it is started with."""
        return (self.etc or self.data) / "nginx.conf"

    @property
    def access_log(self) -> Path:
        """One line of JSON for each call."""
        return (self.logs or self.data) / "access.log"

    @property
    def command(self) -> tuple[str, ...]:
        """What starts it in the foreground; of its own user."""
        place = ("-p", f"{self.data}/", "-c", str(self.configuration))
        return (str(program()), *place, "-e", "stderr")

    def configure(self) -> bool:
        """Write its settings; whether they changed. They hold from its next start or reload on."""
        text = self.render()
        if self.configuration.exists() and self.configuration.read_text() == text:
            return False
        (self.data / "temporary").mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(text)
        if os.geteuid() == 0:
            for path in (self.data, self.data / "temporary", self.configuration):
                shutil.chown(path, user(), user())
        self._check()
        return True

    def render(self) -> str:
        """The configuration."""
        templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701 - it is no HTML
        )
        templates.policies["json.dumps_kwargs"] = {"sort_keys": False}
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        return templates.get_template("nginx.conf.j2").render(
            gateway=self,
            vital=VITAL,
            files=_MOST_FILES if files == resource.RLIM_INFINITY else min(files, _MOST_FILES),
        )

    def _check(self) -> None:
        """Let nginx read it; what it does not understand is an error that says where."""
        as_user = user() if os.geteuid() == 0 else None
        process = subprocess.run(
            [*self.command, "-t", "-q"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=as_user,
            group=as_user,
            extra_groups=[] if as_user else None,
        )
        if process.returncode:
            reason = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
            self.configuration.rename(self.configuration.with_suffix(".refused"))
            raise OperatorError(f"nginx refuses its configuration: {reason[0]}")


def user() -> str:
    """The system user nginx runs as: the caller, or `www-data` where the caller is root."""
    return "www-data" if os.geteuid() == 0 else getpass.getuser()


def program() -> Path:
    """The server's program."""
    found = shutil.which("nginx", path=f"/usr/sbin:{os.environ['PATH']}")
    if not found:
        raise OperatorError("nginx (the package nginx) is not installed")
    return Path(found)
