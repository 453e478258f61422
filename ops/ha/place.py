"""Where a host has its files: a simulated one below one folder, a real one as Debian has them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from common.settings import REPOSITORY
from ops.cluster import bin_directory


@dataclass(frozen=True)
class File:
    """A file to be: its text, and who may read it."""

    text: str
    owner: str = "root"
    mode: int = 0o644


@dataclass(frozen=True)
class Place:
    """The folders of one host, and the programs that are not the distribution's."""

    etc: Path
    """Settings, written by `saferoute ha`."""
    data: Path
    """What the servers keep: a folder for each."""
    logs: Path
    shared: Path
    """What every host of the API needs alike: `keys`, `archive`."""
    code: Path
    """The product."""
    python: Path
    """Its Python."""
    patroni: Path
    """Patroni's program, in an environment that the user `postgres` can reach."""
    postgres_bin: Path
    is_simulated: bool

    @property
    def backups(self) -> Path:
        """The repository of backups, the same for all hosts: a real one mounts it there."""
        return self.shared / "backup" if self.is_simulated else Path("/var/lib/pgbackrest")

    @property
    def root(self) -> Path:
        """The one folder of a simulated host, where its supervisor is."""
        return self.etc.parent


def simulated(state: Path, name: str) -> Place:
    """A network namespace whose cluster keeps its state in the folder `state`."""
    root = state / name
    return Place(
        etc=root / "etc",
        data=root / "data",
        logs=root / "logs",
        shared=state / "shared",
        code=REPOSITORY,
        python=Path(sys.executable),
        patroni=state / "patroni" / "bin" / "patroni",
        postgres_bin=bin_directory(),
        is_simulated=True,
    )


def real(major: int) -> Place:
    """A host of its own with Debian and this PostgreSQL; see deploy/README.md."""
    code = Path("/opt/saferoute")
    return Place(
        etc=Path("/etc/saferoute"),
        data=Path("/var/lib/saferoute"),
        logs=Path("/var/log/saferoute"),
        shared=Path("/var/lib/saferoute/shared"),
        code=code,
        python=code / ".venv" / "bin" / "python",
        patroni=code / "patroni" / "bin" / "patroni",
        postgres_bin=Path(f"/usr/lib/postgresql/{major}/bin"),
        is_simulated=False,
    )
