"""What a read must see: positions in the write-ahead log, and how far behind a standby is.

After a failover the log goes on in a new timeline, so a position is a timeline and an LSN.
"""

import re
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

HEADER = b"x-consistency-token"
_TOKEN = re.compile(r"([1-9]\d{0,8})-([0-9A-F]{1,8})/([0-9A-F]{1,8})", re.ASCII)
_SAMPLES = 1200  # of the primary: ten minutes of writes, at a look every half second


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the write-ahead log: what is written before it, and what is replayed up to it."""

    timeline: int
    lsn: int

    @classmethod
    def of(cls, token: str) -> "Position":
        """The position that a token names; ValueError where it is no token."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise ValueError("not a consistency token")
        timeline, high, low = found.groups()
        return cls(int(timeline), int(high, 16) << 32 | int(low, 16))

    def __str__(self) -> str:
        """The token."""
        return f"{self.timeline}-{self.lsn >> 32:X}/{self.lsn & 0xFFFFFFFF:X}"

    def covers(self, other: "Position") -> bool:
        """Whether a server here has all that was written up to there.

        On an older timeline it may be far ahead and still lack it: its log may have gone on after
        the new one began. On a newer one the LSN decides: what a failover lost is nowhere.
        """
        return self.timeline >= other.timeline and self.lsn >= other.lsn


class History:
    """Where the primary was when: what the lag of a standby is measured by.

    A standby tells when its newest transaction was made, and on an idle primary that was long ago.
    """

    def __init__(self) -> None:
        """Nothing is known yet: no standby lags."""
        self._timeline = 0
        self._times: deque[float] = deque(maxlen=_SAMPLES)
        self._lsns: deque[int] = deque(maxlen=_SAMPLES)

    def add(self, now: float, position: Position) -> None:
        """The primary is here now; nothing is kept of one that has written nothing."""
        if position.timeline != self._timeline:
            self._times.clear()
            self._lsns.clear()
            self._timeline = position.timeline
        elif self._lsns and position.lsn <= self._lsns[-1]:
            return
        self._times.append(now)
        self._lsns.append(position.lsn)

    def lag(self, seen_at: float, position: Position) -> float:
        """Seconds that a standby which was at the position then was behind the primary."""
        is_behind = position.timeline < self._timeline
        missing = 0 if is_behind else bisect_right(self._lsns, position.lsn)
        if missing == len(self._lsns):
            return 0.0
        return max(0.0, seen_at - self._times[missing])
