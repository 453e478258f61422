"""The backups of the local profile: where they are, and how its primary archives its WAL."""

import os
import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.settings import settings
from ops import cluster, logins
from ops.cluster import Server
from ops.pgbackrest import STANZA
from ops.supervision import TEMPLATES

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


def configure(servers: Path, primary: Server) -> bool:
    """Write pgBackRest's configuration, and make its folders; whether it has changed."""
    config = configuration(servers)
    repository, lock = config.parent / "repository", config.parent / "lock"
    for folder in (config.parent, repository, lock):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _give(folder)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is no HTML
    )
    text = templates.get_template("pgbackrest.conf.j2").render(
        repository=repository,
        lock=lock,
        passphrase=logins.password("backup_passphrase"),
        days=settings().backup_days,
        queue=QUEUE,
        stanza=STANZA,
        data=primary.data,
        port=primary.port,
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
