"""The passwords of a cluster: generated once, in a file that only its owner reads."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from secrets import token_urlsafe

from ops.errors import OperatorError

_NAME = "secrets.json"


@dataclass(frozen=True)
class Secrets:
    """Every password and key. They are in no log, no command line and no repository."""

    admin: str
    owner: str
    authenticator: str
    replicator: str
    rewinder: str
    analyst: str
    worker: str
    redis: str
    patroni: str
    """Of Patroni's REST API, for what changes something."""
    jwt: str
    session: str
    backup: str
    """Encrypts the repository of backups."""


def known(folder: Path) -> Secrets:
    """The secrets in a folder; what is missing is made now."""
    path = folder / _NAME
    try:
        given = json.loads(path.read_text()) if path.exists() else {}
        found = {name: str(given[name]) for name in _names() if name in given}
    except (ValueError, TypeError) as error:
        raise OperatorError(f"{path} is damaged: {error}") from error
    made = {name: token_urlsafe(32) for name in _names()}
    secrets = Secrets(**{**made, **found})
    if asdict(secrets) != given:
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(secrets), indent=1))
        draft.replace(path)
    return secrets


def _names() -> list[str]:
    return [each.name for each in fields(Secrets)]
