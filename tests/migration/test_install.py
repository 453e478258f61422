"""An installation that can be repeated."""

import psycopg

from ops import schema
from tests.conftest import conninfo
from tests.migration.dump import dump, schema_text


def test_installing_again_changes_nothing(new: psycopg.Connection) -> None:
    before = schema_text(new), _rows(new)
    schema.install(conninfo(new))
    assert (schema_text(new), _rows(new)) == before


def _rows(connection: psycopg.Connection) -> list[str]:
    return [
        line
        for line in dump(connection, "--data-only").splitlines()
        if not line.startswith(("\\restrict", "\\unrestrict"))
    ]
