"""What clients of the platform have seen, written down while it happens: one line of JSON for the
begin and one for the end of each call, and one for each alert that a watcher is shown.

Times are of CLOCK_MONOTONIC, which all processes of a machine share: calls of different processes
can be put in order, whatever is done to the clocks of the platform.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

ACKNOWLEDGED = "acknowledged"
"""The platform has said yes."""
REFUSED = "refused"
"""The platform has said no. Of a write: with 503 it may have happened all the same."""
UNKNOWN = "unknown"
"""No answer: the connection broke, the client gave up waiting, or it was stopped."""


@dataclass(frozen=True)
class Call:
    """One try of a client. Tries with the same kind and key are of one call."""

    kind: str
    """sos, points, journey (an ordinary write), read (with a token), browse (a read without),
    direct (a write straight to one PostgreSQL server), watch (somebody watches in the app)."""
    key: str
    """What is written; of a read a number, of a watch the account."""
    began: float
    ended: float | None = None
    outcome: str = UNKNOWN
    status: int | None = None
    """Of HTTP."""
    code: str | None = None
    """Of the error: what the body says, an SQLSTATE, or the class of the exception."""
    server: str | None = None
    """The one that was asked, where the client chose it."""
    timeline: int | None = None
    """Of the primary that has taken the write, as it says itself."""
    sent: str | None = None
    """The consistency token that a read sent."""
    missing: tuple[str, ...] = ()
    """What a read with a token should have shown and did not."""

    @property
    def is_acknowledged(self) -> bool:
        return self.outcome == ACKNOWLEDGED

    def __str__(self) -> str:
        """For whoever looks for the cause of a violation."""
        told = [f"{self.kind} {self.key} {self.outcome}", f"began {self.began:.3f}"]
        told += [f"ended {self.ended:.3f}"] if self.ended is not None else []
        names = ("status", "code", "server", "timeline", "sent")
        told += [f"{name} {value}" for name in names if (value := getattr(self, name)) is not None]
        return ", ".join(told)


@dataclass(frozen=True)
class Shown:
    """An alert that somebody who watches in the app was shown."""

    account: str
    seq: int
    alert_id: str
    event: str
    at: float


@dataclass
class History:
    """All that was written down, the calls in the order in which they began."""

    calls: list[Call] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Call]:
        """The tries of these kinds."""
        return [call for call in self.calls if call.kind in kinds]

    def acknowledged(self, *kinds: str) -> list[Call]:
        """Those of these kinds that the platform has said yes to."""
        return [call for call in self.of(*kinds) if call.is_acknowledged]

    def outage(self, kind: str, since: float, until: float) -> float:
        """Seconds, between the two times, in which the platform said yes to no call of the kind at
        the longest.

        It has at least the pause that a writer makes between two calls.
        """
        times = sorted(call.ended for call in self.acknowledged(kind) if call.ended is not None)
        before = max((at for at in times if at <= since), default=since)
        within = [at for at in times if since < at < until]
        after = min((at for at in times if at >= until), default=until)
        return max(later - earlier for earlier, later in pairwise([before, *within, after]))

    def unanswered(self, *kinds: str) -> list[Call]:
        """The last try of each call that the platform has never said yes to."""
        last = {(call.kind, call.key): call for call in self.of(*kinds)}
        for call in self.acknowledged(*kinds):
            last.pop((call.kind, call.key), None)
        return list(last.values())


class Journal:
    """The file of one process that writes down what it does."""

    def __init__(self, path: Path) -> None:
        # Each line is there as soon as it is written, also if the process is killed.
        self._stream = path.open("a", buffering=1)
        self._number = 0

    def began(self, kind: str, key: str, **more: Any) -> int:
        """A call is about to be made. The number is what `ended` is told."""
        self._number += 1
        self._write(call=self._number, kind=kind, key=key, began=time.monotonic(), **more)
        return self._number

    def ended(self, number: int, outcome: str, **more: Any) -> None:
        """It has an answer, or will have none."""
        self._write(call=number, ended=time.monotonic(), outcome=outcome, **more)

    def shown(self, account: str, seq: int, alert_id: str, event: str) -> None:
        """A watcher was shown an alert."""
        at = time.monotonic()
        self._write(account=account, seq=seq, alert_id=alert_id, event=event, at=at)

    def close(self) -> None:
        """Write no more."""
        self._stream.close()

    def _write(self, **line: Any) -> None:
        self._stream.write(json.dumps(line) + "\n")


class Reader:
    """Reads the journals of a folder, and later only what has come since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_to: dict[Path, int] = {}
        self._calls: dict[tuple[Path, int], Call] = {}
        self._shown: list[Shown] = []

    def read(self) -> History:
        """All so far. A call without an end has an unknown outcome."""
        for path in self._folder.glob("*.jsonl"):
            for line in self._new_lines(path):
                if "call" in line:
                    self._add((path, line.pop("call")), line)
                else:
                    self._shown.append(Shown(**line))
        calls = sorted(self._calls.values(), key=lambda call: call.began)
        return History(calls, list(self._shown))

    def _add(self, call: tuple[Path, int], line: dict[str, Any]) -> None:
        if "missing" in line:
            line["missing"] = tuple(line["missing"])
        begun = self._calls.get(call)
        self._calls[call] = Call(**line) if begun is None else replace(begun, **line)

    def _new_lines(self, path: Path) -> Iterator[dict[str, Any]]:
        with path.open("rb") as stream:
            stream.seek(self._read_to.get(path, 0))
            text = stream.read()
        # A line is read once it is whole.
        whole, _, _ = text.rpartition(b"\n")
        if whole:
            self._read_to[path] = self._read_to.get(path, 0) + len(whole) + 1
            yield from map(json.loads, whole.split(b"\n"))


def read(folder: Path) -> History:
    """What the journals of a folder tell."""
    return Reader(folder).read()


def journal(folder: Path, name: str) -> Journal:
    """The journal of this process, beside those of the others."""
    return Journal(folder / f"{name}-{os.getpid()}.jsonl")
