"""What tests of operators' commands have in common."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.upkeep import upkeep_of


@pytest.fixture
def environment(db: psycopg.Connection, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables with which the commands do their upkeep on this database."""
    db.autocommit = True
    db.execute("set timezone = 'UTC'")
    with upkeep_of(db, tmp_path / "archive") as variables:
        yield variables
