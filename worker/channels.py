"""How messages leave: one client per channel, all with the same two calls.

A client makes one attempt. When another is made, and by whom, is the delivery's matter: its row is
the queue of record.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class TryAgainError(Exception):
    """The provider could not take the message now; whether it has it is not known."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        """`reason` goes to the ledger: never an address. `retry_after_s` as the provider says."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class RefusedError(Exception):
    """The provider will never take this message: another attempt is of no use."""

    def __init__(self, reason: str) -> None:
        """`reason` goes to the ledger: never an address."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to one address."""

    channel: str
    """sms, voice, email, web_push or webhook."""
    address: str = field(repr=False)
    """Number in E.164, mailbox, or URL."""
    language: str
    subject: str = field(repr=False)
    """Of an e-mail, title of a notification; empty where the channel has none."""
    text: str = field(repr=False)
    idempotency_key: str
    """UUID of the delivery or message: the same in every attempt."""
    queued_at: datetime
    """When it was first to be sent: no provider has it from before."""
    is_alarm: bool = False
    """Whether it is about an alert: what else goes out never uses up what an alert may."""
    links: frozenset[str] = frozenset()
    """SHA-256, hexadecimal, of the tokens in the links of all attempts; none where the text has no
    link. A text with one of them is this message, whatever else says the same."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """web_push: `p256dh` and `auth` of the browser; webhook: its `secret`."""
    event: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What programs are told: the JSON of a webhook, the data of a notification."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has the message."""

    provider: str
    provider_id: str
    """What the provider calls it, and names in its callbacks."""


class Client(Protocol):
    """A client of one provider."""

    def send(self, message: Message) -> Sent:
        """Hand the message over. Raises TryAgainError or RefusedError; within eight seconds."""
        ...

    def find(self, message: Message) -> Sent | None:
        """Whether the provider has it already: asked before it is sent a second time.

        None where it has not, or where it cannot be asked. Raises TryAgainError.
        """
        ...


class Channels:
    """The client of each channel, made when it is first needed."""

    def __init__(self, clients: Mapping[str, Callable[[], Client]]) -> None:
        """`clients`: what makes the client of a channel, where the channel is configured."""
        self._makers = clients
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()

    def send(self, message: Message) -> Sent:
        """Hand the message over. Raises TryAgainError or RefusedError; within eight seconds."""
        return self._client(message.channel).send(message)

    def find(self, message: Message) -> Sent | None:
        """Whether its provider has it already. Raises TryAgainError or RefusedError."""
        return self._client(message.channel).find(message)

    def _client(self, channel: str) -> Client:
        if channel not in self._makers:
            raise RefusedError("channel not configured")
        with self._lock:
            if channel not in self._clients:
                self._clients[channel] = self._makers[channel]()
            return self._clients[channel]
