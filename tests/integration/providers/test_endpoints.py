"""Webhooks and browsers: what arrives, and what an endpoint may answer."""

import time

import pytest

from tests.integration.providers.messages import a_browser, a_hook, a_message, to
from worker.channels import RefusedError, Sent, TryAgainError


def test_a_webhook_gets_signed_json(stand_ins, channels) -> None:
    message = to(stand_ins, "webhook")
    assert channels.send(message) == Sent("webhook", message.idempotency_key)
    [record] = stand_ins.recorder.records("webhook")
    assert record["is_signed"]
    assert record["key"] == message.idempotency_key
    assert record["content"] == {
        "event": "raised",
        "drill": True,
        "id": message.idempotency_key,
        "text": message.text,
    }


def test_another_secret_is_not_believed(stand_ins, channels) -> None:
    message = a_message("webhook", a_hook(stand_ins)["address"], keys={"secret": "guessed"})
    with pytest.raises(RefusedError, match=r"^HTTP 401$"):
        channels.send(message)


def test_a_browser_gets_what_only_it_can_read(stand_ins, channels) -> None:
    message = to(stand_ins, "web_push")
    channels.send(message)
    [record] = stand_ins.recorder.records("web_push")
    assert record["content"] == {
        "title": message.subject,
        "body": message.text,
        "id": message.idempotency_key,
        "event": {"event": "raised"},
    }
    assert record["vapid"]["sub"] == "mailto:ops@example.org"
    assert (record["urgency"], record["topic"]) == (
        "high",
        message.idempotency_key.replace("-", ""),
    )


def test_a_notification_that_is_too_long_leaves_the_event_out(stand_ins, channels) -> None:
    event = {"message": "ज़" * 1000}
    channels.send(a_message("web_push", **a_browser(stand_ins), event=event))
    [record] = stand_ins.recorder.records("web_push")
    assert set(record["content"]) == {"title", "body", "id"}


def test_keys_that_are_none_are_refused(stand_ins, channels) -> None:
    for keys in ({}, {"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": "é", "auth": "x"}):
        message = a_message("web_push", a_browser(stand_ins)["address"], keys=keys)
        with pytest.raises(RefusedError, match="keys of the browser"):
            channels.send(message)


@pytest.mark.parametrize("channel", ["webhook", "web_push"])
@pytest.mark.parametrize(
    ("behaviour", "error", "reason", "after"),
    [
        ({"name": "refuse", "status": 410}, RefusedError, "endpoint gone", None),
        ({"name": "refuse", "status": 404}, RefusedError, "endpoint gone", None),
        ({"name": "refuse", "status": 413}, RefusedError, "HTTP 413", None),
        ({"name": "redirect"}, RefusedError, "HTTP 307", None),
        ({"name": "too_many", "retry_after": 20}, TryAgainError, "HTTP 429", 20),
        ({"name": "too_many", "retry_after": 99999999}, TryAgainError, "HTTP 429", 3600),
        ({"name": "broken"}, TryAgainError, "HTTP 500", None),
        (
            {"name": "drop"},
            TryAgainError,
            "the connection broke: RemoteProtocolError",
            None,
        ),
    ],
)
def test_what_an_endpoint_answers_decides(
    stand_ins, channels, channel, behaviour, error, reason, after
) -> None:
    message = to(stand_ins, channel)
    stand_ins.recorder.behave(**behaviour)
    with pytest.raises(error, match=f"^{reason}$") as raised:
        channels.send(message)
    assert getattr(raised.value, "retry_after_s", None) == after
    assert len(stand_ins.recorder.records(channel)) == 1, "nothing was tried again or followed"


def test_an_answer_without_end_is_not_read(stand_ins, channels) -> None:
    message = to(stand_ins, "webhook")
    stand_ins.recorder.behave("drip")
    began = time.monotonic()
    assert channels.send(message)
    assert time.monotonic() - began < 2
