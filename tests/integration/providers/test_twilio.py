"""Texts and calls: what arrives, and every way in which Twilio fails."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.providers.messages import PHONE, PUBLIC, a_message, settings_of
from worker.channels import Message, RefusedError, Sent, TryAgainError
from worker.clients import channels_of


def link_of(message: Message) -> str:
    """What the ledger knows the link in its text by."""
    return hashlib.sha256(message.text.rpartition("#")[2].encode()).hexdigest()


@pytest.mark.parametrize(("channel", "prefix"), [("sms", "SM"), ("voice", "CA")])
def test_twilio_is_handed_what_is_to_be_sent(stand_ins, channels, channel, prefix) -> None:
    message = a_message(channel, PHONE)
    sent = channels.send(message)
    assert sent.provider == "twilio"
    assert sent.provider_id.startswith(prefix)
    [record] = stand_ins.recorder.records(channel)
    assert record["address"] == PHONE
    assert record["key"] == message.idempotency_key
    assert record["callback"] == f"{PUBLIC}/callbacks/twilio/status?id={message.idempotency_key}"
    assert message.text in record["text"]


def test_a_call_speaks_the_language_and_asks_for_a_key(stand_ins, channels) -> None:
    message = a_message("voice", PHONE, language="hi", text="मदद <&> चाहिए")
    channels.send(message)
    [record] = stand_ins.recorder.records("voice")
    assert 'language="hi-IN"' in record["text"]
    assert "मदद &lt;&amp;&gt; चाहिए" in record["text"]
    where = f"{PUBLIC}/callbacks/twilio/voice?id={message.idempotency_key}"
    assert f'<Gather action="{where}"' in record["text"]


def test_without_a_public_address_nothing_is_called_back(stand_ins) -> None:
    channels = channels_of(settings_of(stand_ins, public_url=None))
    channels.send(a_message("sms", PHONE))
    channels.send(a_message("voice", PHONE))
    [sms], [voice] = (stand_ins.recorder.records(each) for each in ("sms", "voice"))
    assert sms["callback"] == voice["callback"] == ""
    assert "<Gather" not in voice["text"]


def test_nobody_waits_to_hear_of_a_code(stand_ins, channels) -> None:
    channels.send(a_message("sms", PHONE, is_alarm=False))
    [record] = stand_ins.recorder.records("sms")
    assert record["callback"] == ""


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize(
    ("behaviour", "error", "after"),
    [
        ({"name": "too_many", "retry_after": 7}, "twilio: error 20429", 7),
        ({"name": "too_many"}, "twilio: error 20429", None),
        ({"name": "broken"}, "twilio: error 20500", None),
        ({"name": "refuse", "status": 401, "code": 20003}, "twilio: error 20003", None),
        ({"name": "refuse", "status": 400, "code": 21611}, "twilio: error 21611", None),
        ({"name": "drop"}, "the connection broke: RemoteProtocolError", None),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else None,
)
def test_what_may_pass_is_to_be_tried_again(
    stand_ins, channels, channel, behaviour, error, after
) -> None:
    stand_ins.recorder.behave(**behaviour, times=1)
    message = a_message(channel, PHONE)
    with pytest.raises(TryAgainError, match=f"^{error}$") as raised:
        channels.send(message)
    assert raised.value.retry_after_s == after
    assert channels.send(message).provider_id, "and then it works"


@pytest.mark.parametrize("code", [21211, 21610, 21408])
def test_a_wrong_number_is_refused_without_naming_it(stand_ins, channels, code) -> None:
    stand_ins.recorder.behave("refuse", status=400, code=code)
    with pytest.raises(RefusedError, match=f"^twilio: error {code}$"):
        channels.send(a_message("sms", PHONE))


def test_a_second_answer_is_not_taken_for_that_of_the_next_message(stand_ins, channels) -> None:
    stand_ins.recorder.behave("twice", times=1)
    sent = [channels.send(a_message("sms", PHONE)) for _ in range(3)]
    known = [record["provider_id"] for record in stand_ins.recorder.records("sms")]
    assert [each.provider_id for each in sent] == known
    assert len(set(known)) == 3


def test_a_text_that_was_taken_is_found(stand_ins, channels) -> None:
    """The worker died, or the connection broke, after Twilio had it."""
    first = a_message("sms", PHONE)
    assert channels.find(first) is None
    stand_ins.recorder.behave("drop", times=1)
    with pytest.raises(TryAgainError):
        channels.send(first)
    again = a_message(
        "sms",
        PHONE,
        idempotency_key=first.idempotency_key,
        queued_at=first.queued_at,
        links=frozenset({link_of(first)}),
    )
    assert again.text != first.text, "each attempt has a link of its own"
    [record] = stand_ins.recorder.records("sms", PHONE)[:1]
    assert channels.find(again) == Sent("twilio", record["provider_id"])


def test_another_text_is_not_taken_for_it(channels) -> None:
    message = a_message("sms", PHONE)
    channels.send(message)
    for other in (
        {"text": message.text.replace("22:51", "22:52")},
        {"address": "+442079460001"},
        {"queued_at": datetime.now(UTC) + timedelta(minutes=3)},
    ):
        assert channels.find(a_message("sms", **{"address": PHONE, **other})) is None


def test_a_text_about_another_alert_is_not_taken_for_it_in_the_same_words(channels) -> None:
    first, second = a_message("sms", PHONE), a_message("sms", PHONE)
    channels.send(first)
    asked = a_message("sms", PHONE, text=second.text, links=frozenset({link_of(second)}))
    assert channels.find(asked) is None
    assert channels.find(replace(asked, links=frozenset({link_of(first)}))) is not None


def test_where_twilio_cannot_be_asked_nothing_is_known(stand_ins, channels) -> None:
    message = a_message("sms", PHONE)
    stand_ins.recorder.behave("broken", service="sms_list")
    with pytest.raises(TryAgainError):
        channels.find(message)


def test_a_call_is_made_again_rather_than_lost(stand_ins, channels) -> None:
    message = a_message("voice", PHONE)
    channels.send(message)
    assert channels.find(message) is None
