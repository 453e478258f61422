"""Run every pgTAP file of this folder: one database, each file in a transaction it rolls back."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from tests.conftest import psql

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.glob("**/*.sql") if path.name != "helpers.sql")


@pytest.fixture(scope="module")
def shared_db(template) -> Iterator[psycopg.Connection]:
    where = {
        "user": template.user,
        "host": template.host,
        "port": template.port,
        "password": template.password,
        "dbname": "pgtap",
    }
    with (
        DatabaseJanitor(**where, template_dbname=template.template_dbname),
        psycopg.connect(**where) as connection,
    ):
        yield connection


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_pgtap(path: Path, shared_db: psycopg.Connection) -> None:
    result = psql(shared_db, path)
    plan = re.search(r"^1\.\.(\d+)$", result.stdout, re.MULTILINE)
    passed = len(re.findall(r"^ok \d+", result.stdout, re.MULTILINE))
    assert result.returncode == 0, result.stderr + result.stdout
    assert not re.search(r"^not ok", result.stdout, re.MULTILINE), result.stdout
    assert plan, "the file printed no plan"
    assert passed == int(plan[1]) > 0, result.stdout
