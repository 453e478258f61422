"""The fan-out: every message once and in order, whichever way it comes."""

import json
from uuid import UUID

from api.live.hub import NOT_YET, Hub, Subscription, Topic
from api.publications import channel

ID = UUID("00000000-0000-4000-8000-000000000001")
PERSON, WALK = f"user:{ID}", f"journey:{ID}"


class Watcher:
    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.unread = 0

    def tell(self, seq: int, message: bytes) -> None:
        self.told.append(json.loads(message))

    def waiting(self) -> int:
        return self.unread

    def revoked(self, share_id: str) -> None: ...

    def denied(self, name: str) -> None: ...

    def close(self, code: int, reason: str | None = None) -> None: ...

    @property
    def seqs(self) -> list[object]:
        return [message["seq"] for message in self.told]


def entry(seq: int, kind: str = "alert") -> bytes:
    return json.dumps({"type": kind, "seq": seq, "lon": -77.03, "lat": 38.9}).encode()


def watching(name: str, seq: int = 0) -> tuple[Hub, Watcher, Subscription, list[Topic]]:
    hub, watcher, asked = Hub(), Watcher(), []
    hub.ask = asked.append
    return hub, watcher, hub.subscribe(watcher, name, ID, seq), asked


def publish(hub: Hub, name: str, payload: bytes) -> None:
    hub.published(channel(name).encode(), payload)


def test_what_is_next_is_told_at_once_and_once() -> None:
    hub, watcher, _, asked = watching(PERSON, 4)
    for seq, kind in ((5, "alert"), (5, "alert"), (6, "watch"), (3, "alert")):
        publish(hub, PERSON, entry(seq, kind))
    assert watcher.seqs == [5, 6]
    assert not asked


def test_a_gap_is_read_and_nothing_is_told_before_it() -> None:
    hub, watcher, subscription, asked = watching(PERSON)
    publish(hub, PERSON, entry(3))
    assert not watcher.told
    assert asked == [subscription.topic]
    hub.read(subscription.topic, 0, [(seq, entry(seq)) for seq in (1, 2, 3)])
    publish(hub, PERSON, entry(3))
    assert watcher.seqs == [1, 2, 3]


def test_who_is_further_behind_than_what_was_read_waits_for_their_own() -> None:
    hub, watcher, subscription, _ = watching(PERSON)
    ahead = Watcher()
    hub.subscribe(ahead, PERSON, ID, 7)
    hub.read(subscription.topic, 7, [(8, entry(8))])
    assert (ahead.seqs, watcher.seqs) == ([8], [])
    assert subscription.topic.since == 0


def test_who_takes_nothing_gets_the_rest_later() -> None:
    hub, watcher, subscription, _ = watching(PERSON)
    watcher.unread = 20_000
    assert not hub.read(subscription.topic, 0, [(1, entry(1))])
    watcher.unread = 0
    assert hub.read(subscription.topic, 0, [(1, entry(1)), (2, entry(2))])
    assert watcher.seqs == [1, 2]


def test_positions_wait_for_how_the_walk_stands() -> None:
    hub, watcher, subscription, _ = watching(WALK, NOT_YET)
    publish(hub, WALK, entry(30, "position"))
    assert not watcher.told
    hub.stands(subscription, 20, 0)
    publish(hub, WALK, entry(25, "position"))
    publish(hub, WALK, entry(40, "position"))
    assert watcher.seqs == [30, 40]


def test_a_topic_ends_with_its_last_watcher() -> None:
    hub, watcher, subscription, _ = watching(PERSON)
    left: list[bytes] = []
    hub.leave = left.append
    again = hub.subscribe(watcher, PERSON, ID, 0)
    hub.unsubscribe(subscription)  # it was taken over
    assert not left
    hub.unsubscribe(again)
    assert left == [channel(PERSON).encode()]
