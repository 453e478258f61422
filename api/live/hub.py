"""Who watches what in this process, and the fan-out: a message is encoded once for all.

Nothing here waits. Every watcher gets each message of a topic once and in order, whichever way it
came: an alert by its number, which has no gaps; a position and a state by its time.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import orjson

from api.live.metrics import MESSAGES, TOPICS
from api.publications import channel

NOT_YET = 2**63 - 1
"""The sequence of who still waits for how a walk stands: nothing is newer."""
GRIDS = {"exact": 0.0, "street": 100 / 111320, "area": 1000 / 111320}
"""Degrees of latitude between the lines of what a share shows: `core.coarse_position`."""
_LATER = 16 * 1024  # bytes that wait for a watcher, beyond which what was missed comes later
_ALERTS, _POSITIONS, _STATES = (MESSAGES.labels(kind) for kind in ("alert", "position", "state"))


class Watcher(Protocol):
    """A connection."""

    def tell(self, seq: int, message: bytes) -> None:
        """Send the message, or close a connection that is too slow. Never waits.

        `seq` is where the watcher is then; 0 where that does not change.
        """

    def waiting(self) -> int:
        """Bytes that were sent and not taken yet."""

    def revoked(self, share_id: str) -> None:
        """The share shows nothing any more."""

    def denied(self, name: str) -> None:
        """Its person may not watch this topic any more."""

    def close(self, code: int, reason: str | None = None) -> None:
        """End the connection with this code of `api.live.codes`."""


@dataclass(slots=True, eq=False)
class Subscription:
    """A watcher of a topic, and how far they are."""

    watcher: Watcher
    topic: "Topic"
    seq: int
    state_seq: int = 0
    grid: float = 0.0


@dataclass(slots=True, eq=False)
class Topic:
    """`user:<id>` or `journey:<id>`."""

    name: str
    is_journey: bool
    id: UUID
    subscriptions: dict[Watcher, Subscription] = field(default_factory=dict)
    last: tuple[int, bytes] = (0, b"")
    """The newest position that was told, and its seq."""

    @property
    def since(self) -> int:
        """How far the watcher is who is furthest behind: of alerts, or of states."""
        if self.is_journey:
            return min((s.state_seq for s in self.subscriptions.values()), default=NOT_YET)
        return min((s.seq for s in self.subscriptions.values()), default=NOT_YET)


class Hub:
    """The topics of this process."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        self._topics: dict[bytes, Topic] = {}
        self.listen: Callable[[bytes], None] = lambda _: None
        """Called with the channel of a topic that has got its first watcher."""
        self.leave: Callable[[bytes], None] = lambda _: None
        """Called with the channel of a topic that has lost its last one."""
        self.ask: Callable[[Topic], None] = lambda _: None
        """Called where the database knows more of a topic than its watchers were told."""
        TOPICS.set_function(lambda: len(self._topics))

    def topics(self, *, journeys: bool) -> list[Topic]:
        """Those of walks, or those of people."""
        return [topic for topic in self._topics.values() if topic.is_journey == journeys]

    def topic(self, name: bytes) -> Topic | None:
        """The topic of this channel, if anybody watches it."""
        return self._topics.get(name)

    def subscribe(
        self, watcher: Watcher, name: str, topic_id: UUID, seq: int, grid: float = 0.0
    ) -> Subscription:
        """Tell the watcher what comes after `seq` from now on."""
        on = channel(name).encode()
        topic = self._topics.get(on)
        if topic is None:
            topic = self._topics[on] = Topic(name, name.startswith("journey:"), topic_id)
            self.listen(on)
        state_seq = NOT_YET if topic.is_journey else 0
        subscription = Subscription(watcher, topic, seq, state_seq, grid)
        topic.subscriptions[watcher] = subscription
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell the watcher nothing more of it."""
        topic = subscription.topic
        if topic.subscriptions.get(subscription.watcher) is subscription:
            del topic.subscriptions[subscription.watcher]
            if not topic.subscriptions:
                on = channel(topic.name).encode()
                del self._topics[on]
                self.leave(on)

    def published(self, on: bytes, payload: bytes) -> None:
        """A publication has come from Redis."""
        topic = self._topics.get(on)
        if topic is None:
            return
        message = orjson.loads(payload)
        if not topic.is_journey:  # an entry of the inbox, of whatever type
            self._alerted(topic, message["seq"], payload)
            return
        match message["type"]:
            case "position":
                self.moved(topic, message, payload)
            case "state":
                # One before it may not have been published: they are read, in order.
                self.ask(topic)
            case "revoked":
                for watcher in topic.subscriptions:
                    watcher.revoked(message["share_id"])

    def moved(self, topic: Topic, message: dict[str, Any], payload: bytes) -> None:
        """Tell of a position that is newer than what a watcher has seen."""
        seq = message["seq"]
        if seq <= topic.last[0]:
            return
        topic.last = seq, payload
        told = 0
        coarse: dict[float, bytes] = {}
        for subscription in topic.subscriptions.values():
            if subscription.seq < seq:
                subscription.seq = seq
                text, grid = payload, subscription.grid
                if grid:
                    text = coarse.get(grid) or coarse.setdefault(grid, _coarse(message, grid))
                subscription.watcher.tell(seq, text)
                told += 1
        _POSITIONS.inc(told)

    def stands(self, subscription: Subscription, seq: int, state_seq: int) -> None:
        """The watcher was told how the walk stands, up to there; now they get what is newer."""
        topic = subscription.topic
        subscription.seq, subscription.state_seq = seq, state_seq
        newest, payload = topic.last
        if newest > seq:
            subscription.seq = newest
            if subscription.grid:
                payload = _coarse(orjson.loads(payload), subscription.grid)
            subscription.watcher.tell(newest, payload)
        self.ask(topic)

    def read(self, topic: Topic, since: int, rows: Iterable[tuple[int, bytes]]) -> bool:
        """Tell what the database has after `since`; whether that brought anybody further.

        Who was further behind than `since` is not told: something may be missing in between.
        """
        found = list(rows)
        told = 0
        for subscription in topic.subscriptions.values():
            watcher = subscription.watcher
            at = subscription.state_seq if topic.is_journey else subscription.seq
            if at < since or not found:
                continue
            for seq, message in found:
                if watcher.waiting() > _LATER:
                    break
                if at < seq:
                    at = seq
                    watcher.tell(0 if topic.is_journey else seq, message)
                    told += 1
            if topic.is_journey:
                subscription.state_seq = at
            else:
                subscription.seq = at
        (_STATES if topic.is_journey else _ALERTS).inc(told)
        return told > 0

    def _alerted(self, topic: Topic, seq: int, payload: bytes) -> None:
        told, is_behind = 0, False
        for subscription in topic.subscriptions.values():
            if subscription.seq == seq - 1:
                subscription.seq = seq
                subscription.watcher.tell(seq, payload)
                told += 1
            elif subscription.seq < seq:
                is_behind = True
        _ALERTS.inc(told)
        if is_behind:
            self.ask(topic)


def _coarse(message: dict[str, Any], grid: float) -> bytes:
    """The position on the grid of a share, as `core.coarse_position` puts it there."""
    lat = round(message["lat"] / grid) * grid  # halves to even, as PostgreSQL rounds a float
    step = grid / max(math.cos(math.radians(lat)), 0.01)
    lon = round(message["lon"] / step) * step
    return orjson.dumps({**message, "lon": round(lon, 6), "lat": round(lat, 6)})


def topic_id(name: object) -> tuple[str, UUID]:
    """Kind and id of a topic's name; ValueError where it is none."""
    if not isinstance(name, str):
        raise ValueError
    kind, _, text = name.partition(":")
    if kind not in ("user", "journey"):
        raise ValueError
    found = UUID(text)
    if str(found) != text:
        raise ValueError
    return kind, found
