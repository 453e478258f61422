"""E-mails, by SMTP."""

import smtplib
import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from common.settings import Settings
from worker.channels import Message, RefusedError, Sent, TryAgainError
from worker.outgoing import CONNECT_S, TOTAL_S

PROVIDER = "smtp"


class Mail:
    """A client of one mail server: a connection for each message."""

    def __init__(self, settings: Settings) -> None:
        """Raises RefusedError where the settings name no server and no sender."""
        if settings.smtp_url is None or settings.mail_from is None:
            raise RefusedError("channel not configured")
        self._url = urlsplit(settings.smtp_url.get_secret_value())
        self._from = settings.mail_from
        self._domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]

    def send(self, message: Message) -> Sent:
        """Hand the e-mail over. Raises TryAgainError or RefusedError."""
        mail = self._mail(message)
        try:
            with _connected(self._url) as server:
                server.send_message(mail, to_addrs=[message.address])
        except smtplib.SMTPRecipientsRefused as error:
            [(code, _)] = error.recipients.values()
            raise _error(code) from None
        except smtplib.SMTPNotSupportedError:
            raise RefusedError("smtp: the server cannot take this") from None
        except smtplib.SMTPAuthenticationError as error:
            raise TryAgainError(f"smtp: {error.smtp_code}, not signed in") from None
        except smtplib.SMTPResponseException as error:
            raise _error(error.smtp_code) from None
        except TimeoutError:
            raise TryAgainError("no answer in time") from None
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgainError(f"the connection broke: {type(error).__name__}") from None
        return Sent(PROVIDER, str(mail["Message-ID"]))

    def find(self, message: Message) -> Sent | None:
        """Always none: no mail server can be asked. Mailboxes know the e-mail by its Message-ID."""
        return None

    def _mail(self, message: Message) -> EmailMessage:
        """The same in every attempt, so that a mailbox that gets it twice can tell."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._from
        mail["To"] = message.address
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(message.queued_at)
        mail["Message-ID"] = f"<{message.idempotency_key}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail["Content-Language"] = message.language  # set_content takes out what was there
        return mail


class _InTime:
    """What ends a conversation that takes too long, whichever reply does not come."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._until = time.monotonic() + TOTAL_S
        super().__init__(*arguments, timeout=CONNECT_S, **options)  # type: ignore[call-arg]

    def getreply(self) -> tuple[int, bytes]:
        """The next reply. Raises TimeoutError."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)  # type: ignore[attr-defined]
        try:
            reply: tuple[int, bytes] = super().getreply()  # type: ignore[misc]
        except smtplib.SMTPServerDisconnected as error:  # so it says, also where nobody answers
            if time.monotonic() >= self._until:
                raise TimeoutError from error
            raise
        return reply


class _Plain(_InTime, smtplib.SMTP):
    pass


class _Encrypted(_InTime, smtplib.SMTP_SSL):
    pass


def _connected(url: SplitResult) -> smtplib.SMTP:
    """Connected, encrypted and signed in, as the address says."""
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = _Encrypted(host, url.port or 465, context=_tls())
    else:
        server = _Plain(host, url.port or 587)
    try:
        if url.scheme == "smtp+starttls":
            server.starttls(context=_tls())
        if url.username is not None:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _error(code: int) -> TryAgainError | RefusedError:
    """4xx may pass, 5xx does not (RFC 5321). What the server says holds the address."""
    reason = f"smtp: {code}"
    return TryAgainError(reason) if 400 <= code < 500 else RefusedError(reason)
