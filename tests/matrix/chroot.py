"""A Debian release of its own in a throw-away folder, with PostgreSQL and all we need with it.

What runs inside has mounts, processes and shared memory of its own and dies with this process,
even if that is killed: nothing is ever mounted or left running on the machine itself.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("", "-postgis-3", "-pgrouting", "-partman", "-pgtap", "-plpgsql-check")
_PREFIX = "saferoute-matrix-"
_ALONE = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"),
)
_INSTALL = ("apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends")


class NotAvailableError(Exception):
    """The release cannot be had today; the text says which step failed and how."""


@dataclass(frozen=True)
class Chroot:
    """An unpacked release: its folder, and the packages kept from one run to the next."""

    root: Path
    cache: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs this inside, as root."""
        return [*_ALONE, f"--root={self.root}", "--mount-proc", "--wd=/", "--", *arguments]

    def run(self, *arguments: str) -> str:
        """Run a command inside, as root; its standard output."""
        return _run(self.command(*arguments), arguments[0])

    def unpack(self, suite: str, mirror: str) -> None:
        """The minimal system of this release."""
        self.cache.mkdir(parents=True, exist_ok=True)
        _run(
            [
                *(*_ALONE, "--", "debootstrap", "--variant=minbase"),
                *(f"--cache-dir={self.cache}", suite, str(self.root), mirror),
            ],
            "debootstrap",
        )

    def add(self, *packages: str) -> None:
        """Debian packages; PostgreSQL's starts no server."""
        self._write(
            "etc/postgresql-common/createcluster.d/matrix.conf", "create_main_cluster = 0\n"
        )
        self._write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n").chmod(0o755)
        archives = self.root / "var/cache/apt/archives"
        for package in self.cache.glob("*.deb"):
            shutil.copy(package, archives)
        self.run(*_INSTALL, *packages)
        self.run("apt-get", "autoclean", "--quiet=2")
        for package in archives.glob("*.deb"):
            shutil.copy(package, self.cache)

    def _write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@contextmanager
def chroot(suite: str, cache: Path) -> Iterator[Chroot]:
    """A folder for this release, deleted at the end; what a killed run left is deleted first."""
    _remove_stale()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        yield Chroot(folder / suite, cache / suite)
    finally:
        shutil.rmtree(folder)


def _remove_stale() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder)


def _run(command: list[str], name: str) -> str:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, errors="replace"
    )
    if process.returncode:
        lines = (process.stderr + process.stdout).strip().splitlines()
        errors = [line for line in lines if line.startswith(("E:", "dpkg: error"))] or lines
        raise NotAvailableError(f"{name} failed: {errors[0] if errors else process.returncode}")
    return process.stdout
