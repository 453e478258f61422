"""An installation that can be repeated."""

import psycopg

from ops import migrations, queues, schema
from ops.upgrade import bring_up_to_date
from tests.conftest import conninfo
from tests.migration.dump import rows, schema_text


def test_installing_again_changes_nothing(new: psycopg.Connection) -> None:
    before = schema_text(new), rows(new)
    schema.install(conninfo(new))
    assert (schema_text(new), rows(new)) == before


def test_queues_are_brought_up_to_date(new: psycopg.Connection) -> None:
    new.autocommit = True
    version = new.execute("select obj_description('pgmq'::regnamespace)").fetchone()
    new.execute("comment on schema pgmq is 'pgmq 0.1'; drop function pgmq.send(text, jsonb)")
    list(bring_up_to_date(conninfo(new), migrations.known()))
    assert new.execute("select obj_description('pgmq'::regnamespace)").fetchone() == version
    found = "select queue_name from pgmq.list_queues() order by 1"
    assert {name for (name,) in new.execute(found)} == set(queues.NAMES)

    new.execute("select pgmq.send('alarm', '{}')")
    list(bring_up_to_date(conninfo(new), migrations.known()))
    assert new.execute("select count(*) from pgmq.q_alarm").fetchone() == (1,), "left as they were"
