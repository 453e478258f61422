"""Which backup and timeline lead to a moment, and what an operator may write as one."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.errors import OperatorError
from ops.pgbackrest import Backup
from ops.recovery import parse
from ops.timelines import Archive, Timeline

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def backup(label: str, ended: float, timeline: int = 1, stop: int = 0x100) -> Backup:
    segment = f"{timeline:08X}0000000000000001"
    return Backup(label, "full", at(ended), at(ended), 1, 1, segment, stop, is_damaged=False)


def segments(*numbers: int, timeline: int = 1) -> dict[str, datetime]:
    """Archived a minute each after noon."""
    return {f"{timeline:08X}00000000{number:08X}": at(number) for number in numbers}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "is no moment"),
        ("2026-11-24T11:00:00", "does not say its zone"),
        ("2026-11-24T12:00:01Z", "is in the future"),
        ("2026-13-24T12:00:01Z", "is no moment"),
        ("", "is no moment"),
    ],
)
def test_what_is_no_moment_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(OperatorError, match=reason) as error:
        parse(text, NOON)
    assert "\n" not in str(error.value)


def test_a_moment_is_understood_in_any_zone() -> None:
    assert parse("2026-11-24T13:30:00+02:00", NOON) == at(-30)
    assert parse("latest", NOON) is None


def test_the_newest_backup_before_the_moment_is_where_it_begins() -> None:
    archive = Archive([backup("a", 0), backup("b", 10), backup("c", 20)], {}, {})
    assert archive.way_to(at(15))[0].label == "b"
    assert archive.way_to(at(20))[0].label == "c"


def test_a_moment_before_the_first_backup_is_out_of_reach() -> None:
    with pytest.raises(OperatorError, match="the first ended at 2026-11-24 12:10:00 UTC"):
        Archive([backup("b", 10)], {}, {}).way_to(at(5))
    with pytest.raises(OperatorError, match="there are none"):
        Archive([], {}, {}).way_to(at(5))


def test_each_moment_is_looked_for_on_the_timeline_of_its_time() -> None:
    """At minute 30 somebody went back to minute 5; at minute 50 to minute 20 after all."""
    second = Timeline(2, at(30), {1: 0x150}, is_return=True)
    third = Timeline(3, at(50), {1: 0x250}, is_return=True)
    known = [backup("a", 0), backup("b", 40, timeline=2, stop=0x200)]
    archive = Archive(known, {2: second, 3: third}, {})
    ways = {minute: archive.way_to(at(minute)) for minute in (4, 20, 35, 45, 55)}
    assert {minute: (found.label, number) for minute, (found, number) in ways.items()} == {
        4: ("a", 1),
        20: ("a", 1),
        35: ("a", 2),
        45: ("b", 2),
        # The backup of the second timeline does not lead to the third.
        55: ("a", 3),
    }


def test_a_failover_is_followed() -> None:
    """What the old primary wrote last may be archived by the new one only."""
    archive = Archive(
        [backup("a", 0)],
        {2: Timeline(2, at(30), {1: 0x150}, is_return=False)},
        {},
    )
    assert archive.way_to(at(29)) == (archive.backups[0], 2)


def test_wal_that_was_dropped_ends_what_a_backup_leads_to() -> None:
    archive = Archive([backup("a", 0)], {}, segments(1, 2, 5, 6))
    (gap,) = archive.gaps(archive.backups[0])
    assert (gap.first[-2:], gap.last[-2:], gap.until) == ("03", "04", at(2))
    assert archive.way_to(at(1.5))[0].label == "a"
    with pytest.raises(OperatorError, match="leads to moments before 2026-11-24 12:02:00 UTC"):
        archive.way_to(at(5))


def test_no_gap_is_seen_where_one_log_ends_and_the_next_begins() -> None:
    names = {"0000000100000000000000FF": at(1), "000000010000000100000000": at(2)}
    assert Archive([backup("a", 0)], {}, names).gaps(backup("a", 0)) == []
