"""E-mails: what arrives, and what a mail server may say."""

import ssl
import subprocess

import pytest

from tests.fixtures.smtp import PASSWORD, USER
from tests.fixtures.stand_ins import StandIns
from tests.integration.providers.messages import MAILBOX, a_message, settings_of
from worker.channels import RefusedError, Sent, TryAgainError
from worker.clients import channels_of


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
