"""The real data of the tests: SAFEROUTE_SHARED, by default ../shared beside the repository."""

import os
from pathlib import Path

import pytest

from common.settings import REPOSITORY


def shared(relative: str) -> Path:
    """A file of the real data; the test that asks is skipped, with the reason, without it."""
    folder = Path(os.environ.get("SAFEROUTE_SHARED", REPOSITORY.parent / "shared"))
    path = folder / relative
    if not path.exists():
        pytest.skip(f"no real data: {path} does not exist (SAFEROUTE_SHARED names the folder)")
    return path
