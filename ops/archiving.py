"""pgBackRest's configuration, and how a primary archives its WAL: also of the local profile."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.settings import REPOSITORY, settings
from ops import cluster, logins
from ops.cluster import Server
from ops.pgbackrest import STANZA

_TEMPLATES = REPOSITORY / "deploy" / "pgbackrest"
QUEUE = "4GiB"
"""WAL that waits to be archived before it is dropped: as much as a standby may be behind."""


def configuration(servers: Path) -> Path:
    """pgBackRest's configuration of the profile whose servers are in this folder."""
    return servers / "backup" / "pgbackrest.conf"


def options(config: Path) -> dict[str, str]:
    """Settings of a server that archives its WAL."""
    return {
        "archive_mode": "on",
        "archive_command": f'pgbackrest --config="{config}" --stanza={STANZA} archive-push "%p"',
        # What is lost with the disk of the primary: a segment of 16 MB fills by itself in hours
        # where little is written. One that is nearly empty takes 2 kB of the archive.
        "archive_timeout": "60s",
    }


@dataclass(frozen=True)
class Paths:
    """The folders of pgBackRest on a host, and that of the server's data."""

    repository: Path
    lock: Path
    data: Path


def render(paths: Paths, port: int, passphrase: str) -> str:
    """pgBackRest's configuration. It holds the passphrase."""
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is no HTML
    )
    return templates.get_template("pgbackrest.conf.j2").render(
        paths=paths,
        port=port,
        passphrase=passphrase,
        days=settings().backup_days,
        queue=QUEUE,
        stanza=STANZA,
    )


def configure(servers: Path, primary: Server) -> bool:
    """Write pgBackRest's configuration, and make its folders; whether it has changed."""
    config = configuration(servers)
    repository, lock = config.parent / "repository", config.parent / "lock"
    for folder in (config.parent, repository, lock):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _give(folder)
    text = render(
        Paths(repository, lock, primary.data), primary.port, logins.password("backup_passphrase")
    )
    if config.exists() and config.read_text() == text:
        return False
    draft = config.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    _give(draft)
    draft.replace(config)
    return True


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, cluster.postgres_user(), cluster.postgres_user())
