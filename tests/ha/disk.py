"""A small disk for PostgreSQL on one simulated host, that can be full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.ha.cluster import Cluster
from ops.ha.inventory import Host

_LEFT = 65536  # bytes: less than PostgreSQL needs to go on


@dataclass(frozen=True)
class Disk:
    """A file with a file system in it, and where it is attached."""

    image: Path
    mount: Path

    def attach(self, size: str = "3G") -> None:
        """Before the host is started for the first time. The file takes what is written to it."""
        self.mount.mkdir(parents=True, exist_ok=True)
        self.image.parent.mkdir(parents=True, exist_ok=True)
        _run("truncate", "-s", size, str(self.image))
        # Nothing kept back for root.
        _run("mkfs.ext4", "-q", "-m", "0", str(self.image))
        _run("mount", "-o", "loop", str(self.image), str(self.mount))

    def detach(self) -> None:
        """Once nothing runs there."""
        if os.path.ismount(self.mount):
            _run("umount", str(self.mount))
        self.image.unlink(missing_ok=True)

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.mount)
        return found.f_bavail * found.f_frsize

    @contextmanager
    def full(self) -> Iterator[None]:
        """Somebody fills it to the last block."""
        filler = self.mount / "filler"
        try:
            with filler.open("ab") as stream:
                # By halves: the file system takes some blocks for itself.
                while (left := self.free) > _LEFT:
                    os.posix_fallocate(stream.fileno(), stream.seek(0, os.SEEK_END), left // 2)
            yield
        finally:
            filler.unlink(missing_ok=True)


def disk_of(cluster: Cluster, host: Host) -> Disk:
    """That of the primary where `host` leads."""
    return Disk(
        cluster.state.with_name(f"{cluster.inventory.name}-{host.name}.ext4"),
        cluster.place(host).data / "patroni",
    )


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
