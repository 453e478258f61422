"""Calls that read a text out and take a key as the answer, by Twilio."""

from typing import Any
from xml.etree import ElementTree

from common import twilio as twiml_of
from worker.channels import Message, Sent
from worker.twilio import PROVIDER, Account

_RING_S = 40
_WAIT_S = 8
"""For a key, after the text."""


class Voice:
    """A client of Twilio's calls."""

    def __init__(self, account: Account) -> None:
        """`account` is the one that pays."""
        self._account = account

    def send(self, message: Message) -> Sent:
        """Have the number called. Raises TryAgainError or RefusedError."""
        form: dict[str, Any] = {
            "Twiml": twiml(message, self._account.callback("voice", message)),
            "Timeout": str(_RING_S),
        }
        if (callback := self._account.callback("status", message)) is not None:
            form["StatusCallback"] = callback
            form["StatusCallbackEvent"] = ["initiated", "answered", "completed"]
        return Sent(PROVIDER, self._account.make("Calls", message, form))

    def find(self, message: Message) -> Sent | None:
        """Always none: what Twilio lists of a call holds nothing of ours.

        To take another call to the same number for this one would lose an alert; that a phone rings
        twice loses nothing.
        """
        return None


def twiml(message: Message, action: str | None) -> str:
    """What is said, twice; a key that is pressed goes to `action`."""
    response = ElementTree.Element("Response")
    place = response
    if action is not None:
        place = ElementTree.SubElement(
            response,
            "Gather",
            {"action": action, "method": "POST", "numDigits": "1", "timeout": str(_WAIT_S)},
        )
    twiml_of.say(place, message.text, message.language, times=2)
    return twiml_of.twiml(response)
