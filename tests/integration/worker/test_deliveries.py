"""From a call for help to the phone: workers, a provider, and everything that can die between."""

import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.conftest import conninfo
from tests.fixtures.recorder import Recorder
from tests.fixtures.stand_ins import StandIns
from tests.integration.worker import calls
from tests.integration.worker.conftest import Workers, end_sessions, wait_until

BEN = "ben@mail.example"
JOE = "+442079460125"


@pytest.fixture
def recorder(workers: Workers) -> Iterator[Recorder]:
    """What the providers of these workers get."""
    with StandIns() as stand_ins:
        workers.environment |= stand_ins.settings
        yield stand_ins.recorder


def states(workers: Workers, alert_id: str) -> dict[str, str]:
    return {channel: state for channel, state, _ in calls.deliveries(workers.db, alert_id)}


def test_nothing_is_lost_with_the_broker_and_nothing_doubled_by_two_beats(
    workers: Workers, recorder: Recorder
) -> None:
    calls.add_contact(workers.db, calls.MUM)
    calls.add_contact(workers.db, BEN, "email")
    for queue in ("beat", "beat", "alarm", "alarm"):
        workers.start(queue)
    alerts = [calls.raise_sos(workers.db, f"call {number}") for number in range(5)]
    recorder.wait(3)
    alerts += [calls.raise_sos(workers.db, f"call {number}") for number in range(5, 20)]
    workers.db.execute("select pgmq.purge_queue('alarm')")

    wait_until(lambda: all(set(states(workers, one).values()) == {"sent"} for one in alerts))
    keys = Counter(record["key"] for record in recorder.records("sms"))
    assert len(keys) == 20
    assert set(keys.values()) == {1}
    assert len(recorder.records("email")) == 20
    texts = {record["text"] for record in recorder.records("sms")}
    assert all("Zoë calls for help" in text and "/alert#" in text for text in texts)
    assert calls.events(workers.db, alerts[0]) == ["raised", "queued", "sent", "sent"]
    assert workers.db.execute("select * from ops.verify_alert_chain()").fetchall() == []
    assert calls.MUM not in workers.logs()


def test_a_worker_killed_after_it_has_sent_is_followed_by_one_that_asks(
    workers: Workers, recorder: Recorder
) -> None:
    calls.add_contact(workers.db, calls.MUM)
    calls.add_contact(workers.db, BEN, "email")
    alert_id = calls.raise_sos(workers.db)
    with locked_chain(workers.db, alert_id):
        first = workers.start("alarm")
        recorder.wait(2)
        first.kill()
        first.wait()
        end_sessions(workers.db)
    assert states(workers, alert_id) == {"sms": "queued", "email": "queued"}

    workers.start("alarm")
    let_leases_end(workers)
    wait_until(lambda: set(states(workers, alert_id).values()) == {"sent"})
    posts = [record for record in recorder.records() if record["service"] == "sms"]
    assert len(posts) == 1, "the provider was asked whether it has it"
    mails = [record["key"] for record in recorder.records("email")]
    assert len(mails) == 2, "a mail server cannot be asked: once more, with the same key"
    assert len(set(mails)) == 1


def test_a_worker_killed_before_it_has_sent_is_followed_by_one_that_sends(
    workers: Workers, recorder: Recorder
) -> None:
    calls.add_contact(workers.db, calls.MUM)
    alert_id = calls.raise_sos(workers.db)
    # Nobody answers there: the worker has its claim and waits.
    with nobody_answers() as url:
        first = workers.start("alarm", SAFEROUTE_TWILIO_URL=url)
        wait_until(lambda: calls.deliveries(workers.db, alert_id) == [("sms", "queued", 1)])
        first.kill()
        first.wait()
    workers.start("alarm")
    let_leases_end(workers)
    wait_until(lambda: states(workers, alert_id) == {"sms": "sent"})
    assert len([record for record in recorder.records() if record["service"] == "sms"]) == 1


def test_a_wrong_number_and_a_busy_provider_affect_nobody_else(
    workers: Workers, recorder: Recorder
) -> None:
    calls.add_contact(workers.db, calls.MUM)
    calls.add_contact(workers.db, JOE)
    calls.add_contact(workers.db, BEN, "email")
    recorder.behave("refuse", service="sms", address=JOE, status=400, code=21211)
    recorder.behave("too_many", service="sms", address=calls.MUM, times=1, retry_after=1)
    alert_id = calls.raise_sos(workers.db)
    process = workers.start("alarm")
    wait_until(
        lambda: (
            sorted(calls.deliveries(workers.db, alert_id))
            == [("email", "sent", 1), ("sms", "failed", 1), ("sms", "sent", 2)]
        )
    )
    refused, taken = (
        record["at"] for record in recorder.records("sms", calls.MUM) if record["key"]
    )
    assert taken - refused >= 1, "as the provider has asked"
    dead = workers.db.execute("select channel, error from ops.dead_letters").fetchall()
    assert dead == [("sms", "twilio: error 21211")]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_webhooks_that_hang_keep_no_text_waiting(workers: Workers, recorder: Recorder) -> None:
    url = workers.environment["SAFEROUTE_TWILIO_URL"]
    calls.add_contact(workers.db, calls.MUM)
    workers.db.execute("update core.contacts set contact_user_id = gen_random_uuid()")
    for number in range(10):
        recorder.behave("hang", service="webhook", address=f"slow{number}")
        workers.db.execute(
            "insert into core.notification_endpoints (endpoint_id, user_id, channel, url, secret)"
            " select gen_random_uuid(), contact_user_id, 'webhook', %s, 's' from core.contacts",
            [f"{url}/hooks/slow{number}"],
        )
    workers.start("alarm")
    for _ in range(3):
        calls.raise_sos(workers.db)
    recorder.wait(4)
    workers.db.execute("update core.contacts set contact_user_id = null")
    begun = time.monotonic()
    alert_id = calls.raise_sos(workers.db)
    wait_until(lambda: states(workers, alert_id) == {"sms": "sent"})
    assert time.monotonic() - begun < 4, "all thirty would take half a minute"


def test_codes_are_sent_and_forgotten(workers: Workers, recorder: Recorder) -> None:
    workers.db.execute(
        "select core.enqueue_message(null, 'sms', %s, 'verify', 'en', %s)",
        [calls.MUM, '{"code": "384756"}'],
    )
    workers.start("default")
    (record,) = recorder.wait(1)
    assert "384756" in record["text"]
    query = "select status, parameters from core.outbound_messages"
    wait_until(lambda: workers.db.execute(query).fetchone() == ("sent", {}))
    assert "384756" not in workers.logs()


@contextmanager
def locked_chain(db: psycopg.Connection, alert_id: str) -> Iterator[None]:
    """Nobody can note what became of a message meanwhile."""
    with psycopg.connect(conninfo(db)) as other:
        other.execute("select from core.alert_chains where alert_id = %s for update", [alert_id])
        yield


@contextmanager
def nobody_answers() -> Iterator[str]:
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def let_leases_end(workers: Workers) -> None:
    """Ten seconds later, a sweep."""
    workers.db.execute("update core.alert_deliveries set claimed_until = now()")
    workers.enqueue("alarm", "sweep")
