"""Texts to phones, by Twilio."""

import re
from typing import Any

from worker.channels import Message, Sent
from worker.twilio import PROVIDER, Account

_TOKEN = re.compile(r"#[A-Za-z0-9_-]{43}")


class Sms:
    """A client of Twilio's messages."""

    def __init__(self, account: Account) -> None:
        """`account` is the one that pays."""
        self._account = account

    def send(self, message: Message) -> Sent:
        """Hand the text over. Raises TryAgainError or RefusedError."""
        form: dict[str, Any] = {"Body": message.text}
        if (callback := self._account.callback("status", message)) is not None:
            form["StatusCallback"] = callback
        return Sent(PROVIDER, self._account.make("Messages", message, form))

    def find(self, message: Message) -> Sent | None:
        """Whether a text with these words has gone to the number since it was due.

        The token in a link is another in each attempt and does not count.
        """
        words = _words(message.text)
        for entry in self._account.made("Messages", "messages", message):
            if _words(str(entry.get("body"))) == words:
                return Sent(PROVIDER, str(entry["sid"]))
        return None


def _words(text: str) -> list[str]:
    return _TOKEN.sub("#", text).split()
