"""Texts to phones, by Twilio."""

import re
from hashlib import sha256
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
        """Whether an earlier attempt's text has gone to the number since it was due.

        It is known by the token in its link, which is another in each attempt and in each alert: to
        take the text of another alert for this one, in the same words, would lose one. Without a
        link it is known by its words.
        """
        words = _TOKEN.sub("#", message.text).split()
        for entry in self._account.made("Messages", "messages", message):
            body = str(entry.get("body"))
            if message.links:
                is_ours = not message.links.isdisjoint(map(_digest, _TOKEN.findall(body)))
            else:
                is_ours = _TOKEN.sub("#", body).split() == words
            if is_ours:
                return Sent(PROVIDER, str(entry["sid"]))
        return None


def _digest(token: str) -> str:
    return sha256(token[1:].encode()).hexdigest()
