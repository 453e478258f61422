"""All that tells watchers, for whichever process they are connected to."""

import asyncio
import contextlib
from collections import defaultdict
from typing import Any
from uuid import UUID

import orjson

from api.catalogue import Catalogue
from api.errors import RequestError
from api.live import codes
from api.live.access import Access, Guest
from api.live.hub import NOT_YET, Hub, Subscription, Topic, Watcher, topic_id
from api.live.ledger import Ledger
from api.live.subscriber import Subscriber
from api.publications import channel, last_key
from api.servers import Servers
from api.tokens import Tokens
from common.redis import Redis, RedisGoneError

OF_PERSON = 10
"""Connections that one person may have to this process: their newest."""
OF_SHARE = 100
"""Connections by one share."""
_TIMEOUT = 5.0
_READ = "select tasks.note_inbox_read($1, $2)"
_SNAPSHOT = "select live.journey_snapshot($1, $2, $3)::text"


class Live:
    """The fan-out, and what feeds it."""

    def __init__(
        self, servers: Servers, catalogue: Catalogue, redis: Redis, tokens: Tokens
    ) -> None:
        """Nothing runs before `open`."""
        self._servers = servers
        self._catalogue = catalogue
        self._redis = redis
        self.hub = Hub()
        self.access = Access(servers, tokens)
        self._ledger = Ledger(servers, self.hub, self._shares, self._walks)
        self._subscriber = Subscriber(redis, self.hub.published, self._heard)
        self._same: defaultdict[str, list[Watcher]] = defaultdict(list)
        self._guests: dict[Watcher, Guest] = {}
        self._unread: dict[Topic, None] = {}
        self._reading: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to listen and to poll."""
        hub = self.hub
        hub.listen, hub.leave = self._subscriber.listen, self._subscriber.leave
        hub.ask = self._ledger.ask
        self._subscriber.open()
        self._ledger.open(self._closed, self._ended)

    async def close(self) -> None:
        """Stop."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._ledger.close()
        await self._subscriber.close()

    def came(self, watcher: Watcher, guest: Guest) -> bool:
        """Whether there is room for one more of theirs. A person's oldest make room."""
        same = self._same[guest.subject]
        if guest.share is not None and len(same) >= OF_SHARE:
            return False
        if guest.share is None and len(same) >= OF_PERSON:
            same.pop(0).close(codes.REPLACED)
        same.append(watcher)
        self._guests[watcher] = guest
        return True

    def went(self, watcher: Watcher) -> None:
        """One is gone."""
        guest = self._guests.pop(watcher, None)
        if guest is not None:
            same = self._same[guest.subject]
            if watcher in same:
                same.remove(watcher)
            if not same:
                del self._same[guest.subject]

    def error(self, code: str, details: str | None = None) -> RequestError:
        """One of our own errors."""
        return self._catalogue.contents.error(code, details)

    async def subscribe(
        self, watcher: Watcher, guest: Guest, name: object, last_seq: object
    ) -> Subscription:
        """Tell the watcher of the topic from `last_seq` on. Raises RequestError."""
        kind, found, since = self._asked(name, last_seq)
        allowed = await self.access.check(guest, kind, found)
        if allowed is None:
            raise self.error("SR002", str(name))
        since, grid = max(since, allowed[0]), allowed[1]
        name = f"{kind}:{found}"
        start = orjson.dumps({"type": "subscribed", "topic": name, "seq": since})
        if kind == "user":
            watcher.tell(since, start)
            subscription = self.hub.subscribe(watcher, name, found, since)
            self.hub.ask(subscription.topic)
            return subscription
        # Listened to before it is read how the walk stands, or what comes in between is lost.
        subscription = self.hub.subscribe(watcher, name, found, NOT_YET, grid)
        try:
            snapshot = await self._snapshot(found, since, guest)
        except BaseException:
            self.hub.unsubscribe(subscription)
            raise
        stands = orjson.loads(snapshot)
        position = stands["position"]
        newest = max(since, position["seq"] if position else 0)
        watcher.tell(since, start)
        watcher.tell(newest, snapshot.encode())
        self.hub.stands(subscription, newest, stands["state_seq"])
        return subscription

    async def note_received(self, guest: Guest, seq: int) -> None:
        """The person has seen what they were told up to there."""
        if guest.user_id is not None and 0 < seq < NOT_YET:
            await self._servers.write(_READ, (UUID(guest.user_id), seq), _TIMEOUT, is_priority=True)

    def _asked(self, name: object, last_seq: object) -> tuple[str, UUID, int]:
        try:
            kind, found = topic_id(name)
        except ValueError:
            raise self.error("SR018", "A topic is user:<id> or journey:<id>.") from None
        if last_seq is None:
            last_seq = 0
        if type(last_seq) is not int or not 0 <= last_seq < NOT_YET:
            raise self.error("SR018", "last_seq is the last seq that was seen.")
        return kind, found, last_seq

    async def _snapshot(self, journey_id: UUID, since: int, guest: Guest) -> str:
        precision = guest.share.precision if guest.share else "exact"
        arguments = journey_id, since, precision
        [[found]] = await self._servers.read(_SNAPSHOT, arguments, _TIMEOUT)
        if found is None:  # a standby may not have it yet
            [[found]] = await self._servers.write(_SNAPSHOT, arguments, _TIMEOUT)
        if found is None:
            raise self.error("SR002", f"journey:{journey_id}")
        snapshot: str = found
        return snapshot

    def _heard(self, on: bytes) -> None:
        """What was published before, while nobody listened, is read."""
        topic = self.hub.topic(on)
        if topic is None:
            return
        self._ledger.ask(topic)
        if topic.is_journey:
            self._unread[topic] = None
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read_positions())

    async def _read_positions(self) -> None:
        """The newest position of each, one after another: after a failover there are many."""
        while self._unread:
            topic = next(iter(self._unread))
            del self._unread[topic]
            with contextlib.suppress(RedisGoneError):
                last: Any = await self._redis.get(last_key(topic.name))
                if last is not None:
                    self.hub.moved(topic, orjson.loads(last), last)

    def _shares(self) -> set[str]:
        """Those that somebody watches by."""
        return {guest.share.share_id for guest in self._guests.values() if guest.share is not None}

    def _closed(self, share_id: str) -> None:
        for watcher in tuple(self._same.get(share_id, ())):
            watcher.revoked(share_id)

    def _walks(self) -> set[tuple[UUID, UUID]]:
        """Who watches which walk as a person."""
        return {
            (UUID(guest.user_id), topic.id)
            for topic in self.hub.topics(journeys=True)
            for watcher in topic.subscriptions
            if (guest := self._guests.get(watcher)) is not None and guest.user_id is not None
        }

    def _ended(self, user_id: UUID, walk_id: UUID) -> None:
        name = f"journey:{walk_id}"
        topic = self.hub.topic(channel(name).encode())
        for watcher in tuple(topic.subscriptions) if topic is not None else ():
            guest = self._guests.get(watcher)
            if guest is not None and guest.user_id == str(user_id):
                watcher.denied(name)
