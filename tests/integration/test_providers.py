"""Each client against its stand-in: what arrives, and every way in which a provider fails."""

import base64
import hashlib
import json
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from common.settings import Settings
from tests.fixtures.recorder import SERVICES
from tests.fixtures.smtp import PASSWORD, USER
from tests.fixtures.stand_ins import StandIns
from tests.fixtures.twilio import ACCOUNT, NUMBER
from worker.channels import Channels, Message, RefusedError, Sent, TryAgainError
from worker.clients import channels_of

PHONE = "+442079460000"
MAILBOX = "zoe@example.org"
ENGLISH = "Zoë calls for help. 22:51 UTC. https://walks.example/alert#"
PUBLIC = "http://127.0.0.1:1"
"""Nobody listens there: what is called back is recorded as unanswered."""


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[StandIns]:
    with StandIns() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_recorded(stand_ins: StandIns) -> None:
    stand_ins.forget()


def settings_of(stand_ins: StandIns, **others: Any) -> Settings:
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    known = {
        name.removeprefix("SAFEROUTE_").lower(): value for name, value in stand_ins.settings.items()
    }
    vapid = base64.urlsafe_b64encode(key.to_bytes(32)).decode().rstrip("=")
    return Settings(
        **{
            **known,
            "redis_hosts": "127.0.0.1:1",
            "public_url": PUBLIC,
            "vapid_private_key": vapid,
            "vapid_contact": "mailto:ops@example.org",
            **others,
        }
    )


@pytest.fixture(scope="module")
def channels(stand_ins: StandIns) -> Channels:
    return channels_of(settings_of(stand_ins))


def a_message(channel: str, address: str, **others: Any) -> Message:
    text = ENGLISH + base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode()[:43]
    return Message(
        **{
            "channel": channel,
            "address": address,
            "language": "en",
            "subject": "Zoë calls for help.",
            "text": text,
            "idempotency_key": str(uuid.uuid4()),
            "queued_at": datetime.now(UTC),
            "is_alarm": True,
            **others,
        }
    )


def link_of(message: Message) -> str:
    """What the ledger knows the link in its text by."""
    return hashlib.sha256(message.text.rpartition("#")[2].encode()).hexdigest()


# Texts and calls.


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


def test_a_provider_that_hangs_holds_nobody_for_long(stand_ins, channels) -> None:
    messages = [to(stand_ins, channel) for channel in SERVICES]
    stand_ins.recorder.behave("hang")

    def outcome(message: Message) -> str:
        with pytest.raises(TryAgainError) as raised:
            channels.send(message)
        return raised.value.reason

    began = time.monotonic()
    with ThreadPoolExecutor(len(messages)) as threads:
        assert list(threads.map(outcome, messages)) == ["no answer in time"] * len(SERVICES)
    assert time.monotonic() - began < 9


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


# E-mails.


def test_an_email_arrives_as_it_was_written(stand_ins, channels) -> None:
    message = a_message("email", MAILBOX, language="pt", text="Não é\n.\numa linha\n")
    sent = channels.send(message)
    [record] = stand_ins.recorder.records("email")
    assert (record["address"], record["subject"]) == (MAILBOX, "Zoë calls for help.")
    assert record["text"].splitlines() == ["Não é", ".", "uma linha"]
    assert sent == Sent("smtp", f"<{message.idempotency_key}@saferoute.example>")
    headers = record["headers"]
    assert headers["Message-ID"] == sent.provider_id
    assert headers["From"] == "Safe Route <alerts@saferoute.example>"
    assert (headers["Content-Language"], headers["Auto-Submitted"]) == ("pt", "auto-generated")


def test_a_second_attempt_is_the_same_email(stand_ins, channels) -> None:
    message = a_message("email", MAILBOX)
    stand_ins.recorder.behave("drop", times=1)
    with pytest.raises(TryAgainError):
        channels.send(message)
    channels.send(message)
    first, second = stand_ins.recorder.records("email")
    assert first["headers"] == second["headers"]


@pytest.mark.parametrize(
    ("behaviour", "error", "reason"),
    [
        ({"name": "broken"}, TryAgainError, "smtp: 451"),
        ({"name": "too_many"}, TryAgainError, "smtp: 450"),
        ({"name": "refuse"}, RefusedError, "smtp: 554"),
        ({"name": "refuse", "service": "email_rcpt"}, RefusedError, "smtp: 550"),
        (
            {"name": "refuse", "service": "email_rcpt", "status": 452},
            TryAgainError,
            "smtp: 452",
        ),
    ],
)
def test_what_a_mail_server_says_decides(stand_ins, channels, behaviour, error, reason) -> None:
    stand_ins.recorder.behave(**behaviour)
    with pytest.raises(error, match=f"^{reason}$"):
        channels.send(a_message("email", MAILBOX))


def test_no_header_can_be_set_in(stand_ins, channels) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        channels.send(a_message("email", MAILBOX, subject="Hello\r\nBcc: all@example.org"))
    assert stand_ins.recorder.records("email") == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> str:
    """Of a mail server on this machine."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", folder / "key", "-out", folder / "cert"]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return str(folder)


def test_a_server_that_wants_it_is_spoken_to_in_secret(certificate: str, monkeypatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}/cert", f"{certificate}/key")
    with StandIns(tls=context) as stand_ins:

        def send(url: str) -> Sent:
            where = f"localhost:{stand_ins.smtp_port}"
            values = settings_of(stand_ins, smtp_url=url.replace("HOST", where))
            return channels_of(values).send(a_message("email", MAILBOX))

        with pytest.raises(RefusedError, match=r"^smtp: 530$"):
            send("smtp://HOST")
        with pytest.raises(TryAgainError, match="SSLCertVerificationError"):
            send(f"smtp+starttls://{USER}:{PASSWORD}@HOST")
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}/cert")
        with pytest.raises(TryAgainError, match=r"^smtp: 535, not signed in$"):
            send(f"smtp+starttls://{USER}:wrong@HOST")
        send(f"smtp+starttls://{USER}:{PASSWORD}@HOST")
        [record] = stand_ins.recorder.records("email")
        assert record["is_encrypted"]


# Webhooks and browsers.


def a_hook(stand_ins: StandIns) -> dict[str, Any]:
    name, secret = uuid.uuid4().hex, uuid.uuid4().hex
    httpx.put(f"{stand_ins.url}/hooks/{name}/secret", content=secret)
    return {"address": f"{stand_ins.url}/hooks/{name}", "keys": {"secret": secret}}


def a_browser(stand_ins: StandIns) -> dict[str, Any]:
    given = httpx.post(f"{stand_ins.url}/push/browsers").json()
    return {"address": given["endpoint"], "keys": given["keys"]}


def to(stand_ins: StandIns, channel: str) -> Message:
    """A message to a new address of the channel."""
    if channel == "webhook":
        return a_message(channel, **a_hook(stand_ins), event={"event": "raised", "drill": True})
    if channel == "web_push":
        return a_message(channel, **a_browser(stand_ins), event={"event": "raised"})
    return a_message(channel, MAILBOX if channel == "email" else PHONE)


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


def test_a_channel_that_is_not_configured_fails_clearly(stand_ins) -> None:
    nothing = {"twilio_auth_token": None, "smtp_url": None, "vapid_private_key": None}
    channels = channels_of(settings_of(stand_ins, **nothing))
    for channel in ("sms", "voice", "email", "web_push"):
        with pytest.raises(RefusedError, match=r"^channel not configured$"):
            channels.send(to(stand_ins, channel))
    channels.send(to(stand_ins, "webhook"))


def test_a_process_of_its_own_can_be_asked_what_came(stand_ins, channels) -> None:
    channels.send(a_message("sms", PHONE))
    [record] = httpx.get(f"{stand_ins.url}/records", params={"service": "sms"}).json()
    assert record["address"] == PHONE
    assert json.loads(httpx.get(f"{stand_ins.url}/behaviours").text)["behaviours"] == []
    assert NUMBER.startswith("+")
    assert ACCOUNT.startswith("AC")
