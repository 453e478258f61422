"""The note of a restore that is under way: what must outlive it, and where the old data are."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from ops.errors import OperatorError
from ops.profile import Profile


def note(profile: Profile) -> Path:
    """Where it is; there is none where no restore is under way."""
    return profile.servers / "backup" / "restore.json"


def write_note(
    profile: Profile, moment: datetime | None, old: Path | None, kept: dict[str, Any]
) -> None:
    """Write it in one step, before anything is moved. It names people: nobody else may read it."""
    path = note(profile)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    to = moment.isoformat() if moment else "latest"
    draft.write_text(json.dumps({"to": to, "old": str(old) if old else None, "kept": kept}))
    draft.replace(path)


def read_note(profile: Profile) -> dict[str, Any]:
    """The moment, the folder of the old data, and what must outlive the restore."""
    return dict(json.loads(note(profile).read_text()))


def refuse_unfinished(profile: Profile) -> None:
    """Raise an error where a restore was cut off: people who were erased may be back."""
    if note(profile).exists():
        to = read_note(profile)["to"]
        raise OperatorError(
            f"a restore was cut off. Run it again: saferoute restore --to {to} --yes"
        )
