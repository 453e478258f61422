"""What one `async for` of `LiveClient.watch` reads from."""

import asyncio
from collections import deque
from collections.abc import Mapping

from saferoute_client.cursors import Cursor
from saferoute_client.messages import Message

_MOST = 1000


class Watch:
    """The topics of one watcher and what has arrived for them, up to a thousand messages.

    What arrives beyond those is not taken: the topic is behind, and subscribed to again from where
    the watcher is once they have read. So a slow reader loses nothing and holds nobody up.
    """

    def __init__(self, topics: tuple[str, ...], since: Mapping[str, int]) -> None:
        """`since`: sequences that were shown before, by topic."""
        self._cursors = {topic: Cursor(since.get(topic)) for topic in topics}
        self._arrived: deque[Message] = deque()
        self._begun: set[str] = set()  # of these topics everything is taken
        self._behind: set[str] = set()
        self._changed = asyncio.Event()
        self._failure: Exception | None = None

    def ask(self, topic: str) -> dict[str, object]:
        """The frame that subscribes. Until it is answered nothing is taken: it may be of an earlier
        subscription, which has gone on without us.
        """
        self._begun.discard(topic)
        self._behind.discard(topic)
        return {"subscribe": topic, "last_seq": self._cursors[topic].seq}

    def begin(self, topic: str) -> None:
        """The subscription is answered."""
        self._begun.add(topic)

    def take(self, message: Message) -> None:
        """Keep what has arrived, if it is news."""
        if message.topic not in self._begun:
            return
        if len(self._arrived) >= _MOST:
            self._begun.discard(message.topic)
            self._behind.add(message.topic)
        elif self._cursors[message.topic].admits(message):
            self._arrived.append(message)
            self._changed.set()

    def fail(self, failure: Exception) -> None:
        """Nothing more will come: raised once what has arrived is read."""
        self._failure = failure
        self._changed.set()

    async def wait(self) -> None:
        """Return once there is something to read, or a topic to subscribe to again."""
        while not self._arrived and not self._behind:
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    def read(self) -> Message | None:
        """The next message that has arrived, if there is one."""
        return self._arrived.popleft() if self._arrived else None

    @property
    def behind(self) -> tuple[str, ...]:
        """Topics that are to be subscribed to again."""
        return tuple(self._behind)
