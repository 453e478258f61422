"""Which backup and which WAL lead to a moment.

Every restore and every failover begins a timeline. What was written at a moment is on the timeline
that the primary was on then, also where a later restore has gone back behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ops.errors import OperatorError
from ops.pgbackrest import Backup, Repository, lsn

_SEGMENTS_PER_LOG = 256  # of 16 MB


@dataclass(frozen=True)
class Timeline:
    """A timeline that branched off another one. `forks`: where each of its forebears ended."""

    number: int
    began: datetime
    forks: Mapping[int, int]
    is_return: bool
    """Whether a restore to a moment began it; else a failover, or a restore of all there was."""

    @property
    def parent(self) -> int:
        """The timeline it branched off."""
        return max(self.forks)


@dataclass(frozen=True)
class Gap:
    """WAL that was never archived: nothing after `until` can be reached from before it."""

    first: str
    last: str
    until: datetime


@dataclass(frozen=True)
class Archive:
    """What the repository holds at one time."""

    backups: Sequence[Backup]
    timelines: Mapping[int, Timeline]
    segments: Mapping[str, datetime]

    @property
    def newest_segment_at(self) -> datetime | None:
        """When WAL was archived last."""
        return max(self.segments.values(), default=None)

    def way_to(self, moment: datetime) -> tuple[Backup, int]:
        """The backup to begin with and the timeline to follow; an error where there are none."""
        sound = [each for each in self.backups if not each.is_damaged]
        if not any(each.ended <= moment for each in sound):
            first = f"the first ended at {_shown(sound[0].ended)}" if sound else "there are none"
            raise OperatorError(f"no backup is older than {_shown(moment)}: {first}")
        timeline = self._live_at(moment)
        backup = self._base(moment, timeline, sound)
        for gap in self.gaps(backup):
            if gap.until < moment:
                raise OperatorError(
                    f"the WAL {gap.first} to {gap.last} was not archived: backup {backup.label} "
                    f"leads to moments before {_shown(gap.until)}, the next one to later ones"
                )
        return backup, timeline

    def gaps(self, backup: Backup) -> list[Gap]:
        """WAL that is missing on the backup's timeline since its beginning."""
        start = _number(backup.first_segment)
        known = {
            _number(name): (name, at)
            for name, at in self.segments.items()
            if int(name[:8], 16) == backup.timeline and _number(name) >= start
        }
        numbers = sorted(known)
        return [
            Gap(_name(backup.timeline, left + 1), _name(backup.timeline, right - 1), known[left][1])
            for left, right in pairwise(numbers)
            if right > left + 1
        ]

    def _live_at(self, moment: datetime) -> int:
        """The timeline that the primary was on, up to its newest failover."""
        last = [each for each in self.backups if each.ended <= moment][-1]
        number = last.timeline
        by_age = sorted(self.timelines.values(), key=lambda each: each.began)
        for each in by_age:
            if last.ended < each.began <= moment:
                number = each.number
        # A failover goes on where the one before has ended.
        for each in by_age:
            if each.began > moment and each.parent == number and not each.is_return:
                number = each.number
        return number

    def _base(self, moment: datetime, timeline: int, sound: Sequence[Backup]) -> Backup:
        forks = self.timelines[timeline].forks if timeline in self.timelines else {}
        for backup in reversed(sound):
            is_on_the_way = backup.timeline == timeline or backup.stop_lsn <= forks.get(
                backup.timeline, -1
            )
            if backup.ended <= moment and is_on_the_way:
                return backup
        raise OperatorError(f"no backup of timeline {timeline} is older than {_shown(moment)}")


def read(repository: Repository) -> Archive:
    """What the repository holds now."""
    timelines = {
        number: _timeline(number, at, text) for number, (at, text) in repository.histories().items()
    }
    return Archive(repository.backups(), timelines, repository.segments())


def _timeline(number: int, began: datetime, text: str) -> Timeline:
    lines = [line.split("\t", 2) for line in text.splitlines() if line.strip()]
    forks = {int(parent): lsn(switch) for parent, switch, _ in lines}
    # "before 2026-11-24 02:00:01+00", "no recovery target specified": what PostgreSQL writes.
    return Timeline(number, began, forks, not lines[-1][2].startswith("no recovery target"))


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * _SEGMENTS_PER_LOG + int(segment[16:], 16)


def _name(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // _SEGMENTS_PER_LOG:08X}{number % _SEGMENTS_PER_LOG:08X}"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
