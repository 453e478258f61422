"""An installation that can be repeated."""

import psycopg

from ops import schema
from tests.conftest import conninfo
from tests.migration.dump import rows, schema_text


def test_installing_again_changes_nothing(new: psycopg.Connection) -> None:
    before = schema_text(new), rows(new)
    schema.install(conninfo(new))
    assert (schema_text(new), rows(new)) == before
