"""What the database knows and watchers were not told: asked every 2 s, and at once where it shows.

One question for all people whom this process serves, and one for all walks. So Redis may be dead:
an alert comes up to 2 s later, and comes.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from api.errors import RequestError
from api.live.hub import NOT_YET, Hub, Topic
from api.live.metrics import READINGS
from api.servers import Servers

POLL_S = 2.0
"""Seconds between two polls: the most that an alert is late without Redis."""
_TIMEOUT = 5.0
_AGAIN_S = 0.2  # before what could not be read, or was not there yet, is asked for once more
_PAGE = 100  # rows of a topic in live.inboxes_since
_INBOXES = "select user_id, sequence, message from live.inboxes_since($1, $2)"
_STATES = "select journey_id, seq, message::text from live.journeys_since($1, $2)"
_SHARES = "select * from live.closed_shares($1)"
_ENDED = (
    "select * from unnest($1::uuid[], $2::uuid[]) as w (user_id, journey_id)"
    " where not live.may_watch(w.user_id, w.journey_id)"
)
_WALKS_EVERY = 5
"""Polls: so long may a contact see a walk after its alert has ended."""

logger = logging.getLogger("saferoute.live")


class Ledger:
    """Reads alerts, states of walks, and the end of shares."""

    def __init__(
        self,
        servers: Servers,
        hub: Hub,
        shares: Callable[[], Collection[str]],
        walks: Callable[[], Collection[tuple[UUID, UUID]]],
    ) -> None:
        """What somebody here watches: by shares, their ids; as a person, who and which walk."""
        self._servers = servers
        self._hub = hub
        self._shares = shares
        self._walks = walks
        self._closed: Callable[[str], None] = lambda _: None
        self._ended: Callable[[UUID, UUID], None] = lambda *_: None
        self._wanted: dict[Topic, None] = {}
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, closed: Callable[[str], None], ended: Callable[[UUID, UUID], None]) -> None:
        """Begin to poll; `closed` is told of shares that show nothing any more, `ended` of people
        who may not watch a walk any more.
        """
        self._closed, self._ended = closed, ended
        self._tasks = [
            asyncio.create_task(self._poll()),
            asyncio.create_task(self._answer()),
        ]

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def ask(self, topic: Topic) -> None:
        """Read the topic soon, together with all others that are asked for meanwhile."""
        self._wanted[topic] = None
        self._news.set()

    async def _poll(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(POLL_S)
            try:
                for journeys in (False, True):
                    topics = self._hub.topics(journeys=journeys)
                    for topic in await self._read("poll", topics, is_primary=False):
                        self.ask(topic)
                await self._look_at_shares()
                if number % _WALKS_EVERY == 0:
                    await self._look_at_walks()
            except RequestError:
                READINGS.labels("failed").inc()
            except Exception:  # must not end: nobody else polls
                READINGS.labels("failed").inc()
                logger.exception("the poll failed")

    async def _answer(self) -> None:
        """Read what was asked for: of the primary, since a standby may not have it yet."""
        while True:
            await self._news.wait()
            self._news.clear()
            wanted, self._wanted = list(self._wanted), {}
            try:
                for journeys in (False, True):
                    topics = [topic for topic in wanted if topic.is_journey == journeys]
                    for topic in await self._read("news", topics, is_primary=True):
                        self.ask(topic)
            except Exception as error:
                READINGS.labels("failed").inc()
                if not isinstance(error, RequestError):
                    logger.exception("reading the ledger failed")
                self._wanted.update(dict.fromkeys(wanted))
                await asyncio.sleep(_AGAIN_S)
                self._news.set()

    async def _read(self, reason: str, topics: list[Topic], *, is_primary: bool) -> list[Topic]:
        """Tell watchers what they have missed; the topics of which there is more than a page."""
        behind = {topic.id: (topic, topic.since) for topic in topics}
        behind = {key: found for key, found in behind.items() if found[1] != NOT_YET}
        if not behind:
            return []
        READINGS.labels(reason).inc()
        is_of_journeys = next(iter(behind.values()))[0].is_journey
        statement = _STATES if is_of_journeys else _INBOXES
        arguments = list(behind), [since for _, since in behind.values()]
        ask = self._servers.write if is_primary else self._servers.read
        rows = await ask(statement, arguments, _TIMEOUT, is_priority=True)
        found: dict[Any, list[tuple[int, bytes]]] = {}
        for key, seq, message in rows:
            found.setdefault(key, []).append((seq, message.encode()))
        more = []
        for key, messages in found.items():
            topic, since = behind[key]
            if self._hub.read(topic, since, messages) and len(messages) == _PAGE:
                more.append(topic)
        return more

    async def _look_at_shares(self) -> None:
        shares = self._shares()
        if shares:
            READINGS.labels("shares").inc()
            for (share_id,) in await self._servers.read(
                _SHARES, (list(shares),), _TIMEOUT, is_priority=True
            ):
                self._closed(str(share_id))

    async def _look_at_walks(self) -> None:
        walks = list(self._walks())
        # The primary where a standby says no: it may not have the alert yet.
        for ask in (self._servers.read, self._servers.write):
            if walks:
                READINGS.labels("walks").inc()
                arguments = [user_id for user_id, _ in walks], [walk_id for _, walk_id in walks]
                rows = await ask(_ENDED, arguments, _TIMEOUT, is_priority=True)
                walks = [(user_id, walk_id) for user_id, walk_id in rows]
        for user_id, walk_id in walks:
            self._ended(user_id, walk_id)
