"""`saferoute alerts` as an operator runs it."""

import json
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from tests.command import owners_environment, saferoute_here
from tests.integration.worker import calls

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(db: psycopg.Connection) -> Run:
    environment = owners_environment(db)
    db.autocommit = True
    return lambda *words: saferoute_here("alerts", *words, **environment)


@pytest.fixture
def letter(db: psycopg.Connection, run: Run) -> str:
    """A text message that the provider refused for good."""
    calls.add_contact(db, calls.MUM)
    alert_id = calls.raise_sos(db)
    query = "select delivery_id::text from core.alert_deliveries where alert_id = %s and tier = 1"
    (delivery,) = db.execute(query, [alert_id]).fetchone()
    db.execute(
        "select tasks.note_failed("
        "(tasks.claim_delivery(%s) ->> 'claim_id')::uuid, 'HTTP 400', null, true)",
        [delivery],
    )
    db.execute("select pgmq.purge_queue('alarm')")
    return str(delivery)


def nudged(db: psycopg.Connection) -> int:
    return db.execute("select count(*) from pgmq.q_alarm").fetchone()[0]


def test_what_was_given_up_is_listed_and_sent_again(
    run: Run, letter: str, db: psycopg.Connection
) -> None:
    (row,) = json.loads(run("dead-letters", "--json").stdout)
    assert (row["delivery_id"], row["error"], row["attempts"]) == (letter, "HTTP 400", 1)
    assert calls.MUM not in run("dead-letters").stdout

    shown = run("replay", "--all")
    assert letter in shown.stdout
    assert "--yes" in shown.stderr
    assert nudged(db) == 0, "nothing is sent before it was looked at"

    assert run("replay", "--all", "--yes").returncode == 0
    assert nudged(db) == 1
    assert json.loads(run("dead-letters", "--json").stdout) == []
    assert "Every event" in run("verify").stdout


def test_news_of_an_alert_that_has_ended_is_sent_only_by_name(
    run: Run, letter: str, db: psycopg.Connection
) -> None:
    db.execute("update core.alerts set state = 'resolved', ended_at = now()")
    assert json.loads(run("replay", "--all", "--yes", "--json").stdout) == []
    assert json.loads(run("replay", letter, "--json").stdout) == [
        {"delivery_id": letter, "queued": True}
    ]
    again = run("replay", letter)
    assert again.returncode == 2
    assert "no dead letter" in again.stderr
    assert run("replay").returncode == 2


def test_a_ledger_that_somebody_changed_is_noticed(
    run: Run, letter: str, db: psycopg.Connection
) -> None:
    db.execute("update core.alert_events set event = 'delivered' where event = 'failed'")
    result = run("verify")
    assert result.returncode == 1
    assert "changed" in result.stdout
