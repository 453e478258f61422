"""Twilio's REST API, as far as texts and calls need it.

The package `twilio` would do it too. It brings 51 MB and 776 modules for the two requests, the
four tags and the one signature that we need, and a client whose timeouts are per socket.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from common.settings import Settings
from worker.budgets import Budget
from worker.channels import Message, RefusedError, TryAgainError
from worker.outgoing import Answer, Outgoing

PROVIDER = "twilio"
_TEMPORARY = frozenset({20429, 21611, 30001, 14107})
"""Error codes that pass: too many requests, the queue of the number is full, rate limit."""
_SEND_S, _FIND_S = 5.5, 2.0
"""Both together, and the wait for our own limit: within the ten seconds of a claim."""
_CLOCKS = timedelta(seconds=30)
"""How far Twilio's clock and ours may be apart."""
_NEWEST = 50
"""As many of the messages to a number are looked through: how many a person gets in an alert."""


class Account:
    """Our account there."""

    def __init__(self, settings: Settings, outgoing: Outgoing, budget: Budget) -> None:
        """Raises RefusedError where the settings do not name an account and a number."""
        account, token = settings.twilio_account_sid, settings.twilio_auth_token
        if not (account and token and settings.twilio_number):
            raise RefusedError("channel not configured")
        self._base = f"{settings.twilio_url.rstrip('/')}/2010-04-01/Accounts/{account}"
        self._credentials = (account, token.get_secret_value())
        self._public_url = settings.public_url
        self._outgoing = outgoing
        self._budget = budget
        self.number = settings.twilio_number

    def make(self, resource: str, message: Message, form: Mapping[str, Any]) -> str:
        """Post what is to be sent or called; its sid. Raises TryAgainError or RefusedError."""
        self._budget.take(message.is_alarm)
        answer = self._outgoing.request(
            "POST",
            f"{self._base}/{resource}.json",
            within_s=_SEND_S,
            data={"To": message.address, "From": self.number, **form},
            auth=self._credentials,
            # Twilio knows no such key today; what stands between us and it may.
            headers={"Idempotency-Key": message.idempotency_key},
        )
        if answer.status not in (200, 201):
            raise _error(answer)
        sid = answer.json().get("sid")
        if not isinstance(sid, str):
            raise TryAgainError("twilio: an answer without a sid")
        return sid

    def made(self, resource: str, key: str, message: Message) -> Iterable[Mapping[str, Any]]:
        """What went to the address since the message was due, the newest first."""
        self._budget.take(message.is_alarm)
        answer = self._outgoing.request(
            "GET",
            f"{self._base}/{resource}.json",
            within_s=_FIND_S,
            params={"To": message.address, "From": self.number, "PageSize": str(_NEWEST)},
            auth=self._credentials,
        )
        if answer.status != 200:
            raise _error(answer)
        for entry in answer.json().get(key, ()):
            at = _time(entry.get("date_created"))
            if at is None or at >= message.queued_at - _CLOCKS:
                yield entry

    def callback(self, path: str, message: Message) -> str | None:
        """Where Twilio is to tell what became of the message.

        None where it cannot reach us, and for what is about no alert: nobody waits to hear of it.
        """
        if self._public_url is None or not message.is_alarm:
            return None
        return f"{self._public_url}/callbacks/twilio/{path}?id={quote(message.idempotency_key)}"


def _error(answer: Answer) -> TryAgainError | RefusedError:
    """Its message holds the number: only the code is told."""
    code = answer.json().get("code")
    reason = f"twilio: error {code}" if isinstance(code, int) else f"twilio: HTTP {answer.status}"
    # 401 and 403: the settings are wrong, or the account is closed. That can be put right.
    is_temporary = answer.status in (401, 403, 408, 429) or answer.status >= 500
    if is_temporary or code in _TEMPORARY:
        return TryAgainError(reason, answer.retry_after_s)
    return RefusedError(reason)


def _time(text: object) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
