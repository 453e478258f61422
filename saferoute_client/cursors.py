"""Where a watcher is in a topic: what was shown already, and from where to resume."""

from saferoute_client.messages import Message, Snapshot, State


class Cursor:
    """The place in one topic. What it admits counts as shown."""

    def __init__(self, seq: int | None = None) -> None:
        """Resume after `seq`; without it, with all that the gateway keeps."""
        self.seq = seq
        """Of the last alert or position that was shown: what to resume from."""
        # Of the server's clock; positions are of the phone's.
        self._state_seq = 0

    def admits(self, message: Message) -> bool:
        """Whether the message is news; what was shown, or is older than that, is not."""
        if isinstance(message, Snapshot):
            self.seq = max(self.seq or 0, message.seq)
            self._state_seq = max(self._state_seq, message.state_seq)
            return True
        if isinstance(message, State):
            is_news = message.seq > self._state_seq
            self._state_seq = max(self._state_seq, message.seq)
            return is_news
        if self.seq is not None and message.seq <= self.seq:
            return False
        self.seq = message.seq
        return True
