"""The checker of the fault suite finds each promise that is broken: a suite that cannot fail proves
nothing.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ha.checker import figures, report, violations
from tests.ha.history import ACKNOWLEDGED, REFUSED, UNKNOWN, Call, History, Journal, Reader, Shown
from tests.ha.ledger import Ledger

SOS = Call("sos", "s1", 10, 11, ACKNOWLEDGED, status=200, timeline=1)
POINT = Call("points", "p1", 10, 11, ACKNOWLEDGED, status=200)
JOURNEY = Call("journey", "j1", 10, 11, ACKNOWLEDGED, status=200, timeline=1)
READ = Call("read", "r1", 12, 13, ACKNOWLEDGED, status=200, sent="1-0/A")
DIRECT = Call("direct", "d1", 10, 11, ACKNOWLEDGED, server="a", timeline=1)
WATCH = Call("watch", "anna", 0)
SEEN = [Shown("anna", 1, "s1", "raised", 12), Shown("anna", 2, "s1", "resolved", 14)]


def history(*more: Call, shown: list[Shown] = SEEN) -> History:
    """One in which all is well, and more."""
    return History([SOS, POINT, JOURNEY, READ, DIRECT, WATCH, *more], shown)


def ledger(**other: object) -> Ledger:
    """What was kept of it."""
    kept = Ledger(
        alerts={"s1"},
        deliveries={"s1": 2},
        raised={"s1": 1},
        journeys={"j1"},
        points={"p1"},
        direct={"d1"},
        inboxes={"anna": [1, 2]},
    )
    return replace(kept, **other)


def broken(seen: History, kept: Ledger) -> list[str]:
    return sorted({violation.rule for violation in violations(seen, kept)})


def test_nothing_is_broken_where_all_is_well() -> None:
    assert violations(history(), ledger()) == []


@pytest.mark.parametrize("outcome", [REFUSED, UNKNOWN])
@pytest.mark.parametrize("kept", [{"s1"}, {"s1", "s2"}])
def test_what_was_not_acknowledged_may_be_there_or_not(outcome: str, kept: set[str]) -> None:
    first = Call("sos", "s2", 10, 11, outcome, status=503)
    again = Call("sos", "s2", 12, 13, ACKNOWLEDGED, status=200)
    assert broken(history(first), ledger(alerts=kept)) == ["unheard"]
    told = {"alerts": {"s1", "s2"}, "deliveries": {"s1": 2, "s2": 2}}
    assert broken(history(first, again), ledger(**told)) == []


def test_a_lost_call_for_help_is_found_with_its_call() -> None:
    found = violations(history(), ledger(alerts=set()))
    assert [violation.rule for violation in found] == ["lost"]
    assert "sos s1 acknowledged, began 10.000, ended 11.000" in report(found)


def test_a_lost_ordinary_write_is_found() -> None:
    assert broken(history(), ledger(journeys=set())) == ["lost"]


@pytest.mark.parametrize("other", [{"deliveries": {}}, {"untold": {"s1"}}])
def test_an_alert_that_nobody_was_told_of_is_found(other: dict[str, object]) -> None:
    assert broken(history(), ledger(**other)) == ["untold"]


def test_an_alert_that_somebody_was_told_of_twice_is_found() -> None:
    assert broken(history(), ledger(raised={"s1": 2})) == ["told twice"]


@pytest.mark.parametrize("order", [[1, 1, 2], [2, 1]])
def test_what_a_watcher_is_shown_twice_or_out_of_order_is_found(order: list[int]) -> None:
    shown = [Shown("anna", seq, "s1", "raised", 12 + at) for at, seq in enumerate(order)]
    assert broken(history(shown=shown), ledger()) == ["told twice"]


@pytest.mark.parametrize("shown", [SEEN[:1], []])
def test_what_a_watcher_was_not_shown_is_found(shown: list[Shown]) -> None:
    assert broken(history(shown=shown), ledger()) == ["not shown"]


def test_an_alert_that_nobody_asked_for_is_found() -> None:
    assert broken(history(), ledger(alerts={"s1", "s9"})) == ["invented"]


def test_an_old_primary_that_accepts_a_write_begun_after_a_newer_one_is_found() -> None:
    newer = replace(DIRECT, key="d2", server="b", timeline=2, began=20, ended=21)
    late = replace(DIRECT, key="d3", began=21.5, ended=21.6)
    assert broken(history(newer, late), ledger()) == ["two primaries"]
    late_sos = replace(JOURNEY, key="j1", began=21.5, ended=21.6)
    assert broken(history(newer, late_sos), ledger()) == ["two primaries"]


def test_writes_of_two_timelines_that_overlap_prove_nothing() -> None:
    newer = replace(DIRECT, key="d2", server="b", timeline=2, began=20, ended=21)
    together = replace(DIRECT, key="d3", began=20.5, ended=23)
    assert broken(history(newer, together), ledger()) == []


def test_two_servers_on_one_timeline_are_found() -> None:
    other = replace(DIRECT, key="d2", server="b", began=10.5, ended=10.9)
    assert broken(history(other), ledger()) == ["two primaries"]


def test_a_read_that_does_not_show_the_write_of_its_token_is_found() -> None:
    stale = replace(READ, key="r2", missing=("j1",))
    assert broken(history(stale), ledger()) == ["stale"]
    # What was lost is told as that.
    assert broken(history(stale), ledger(journeys=set())) == ["lost"]


def test_refusals_other_than_to_ask_again_are_found() -> None:
    busy = Call("read", "r2", 12, 13, REFUSED, status=503)
    assert broken(history(busy), ledger()) == []
    assert broken(history(replace(busy, status=500)), ledger()) == ["wrong answer"]
    limited = Call("sos", "s1", 9, 9.5, REFUSED, status=429)
    assert broken(history(limited), ledger()) == ["wrong answer"]


def test_a_broken_chain_is_found() -> None:
    assert broken(history(), ledger(broken_chains=1)) == ["broken chain"]


def test_lost_positions_and_reads_without_an_answer_are_stated() -> None:
    tries = [Call("browse", "b1", 12 + n, 12.5 + n, REFUSED, status=503) for n in range(2)]
    more = [replace(POINT, key="p2"), *tries]
    stated = figures(history(*more), ledger())
    assert violations(history(*more), ledger()) == []
    assert (stated.points, stated.points_lost) == (2, 1)
    assert (stated.reads, stated.reads_unanswered, stated.reads_tried_again) == (2, 1, 2)


def test_an_outage_is_the_longest_time_without_a_yes() -> None:
    ends = [10, 11, 12, 16, 16.5, 30]
    calls = [Call("sos", str(at), at - 0.1, at, ACKNOWLEDGED) for at in ends]
    calls.append(Call("sos", "refused", 13, 14, REFUSED, status=503))
    seen = History(calls)
    assert seen.outage("sos", 11.5, 16.2) == 4
    # To the first yes after it.
    assert seen.outage("sos", 16.5, 20) == pytest.approx(13.5)
    assert seen.outage("points", 10, 12) == 2


def test_journals_are_read_while_they_are_written(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path / "one.jsonl"), Journal(tmp_path / "two.jsonl")
    reader = Reader(tmp_path)
    first = journal.began("sos", "s1")
    other.shown("anna", 1, "s1", "raised")
    (begun,) = reader.read().calls
    assert (begun.kind, begun.key, begun.outcome, begun.ended) == ("sos", "s1", UNKNOWN, None)
    second = other.began("read", "r1", sent="1-0/A")
    journal.ended(first, ACKNOWLEDGED, status=200, timeline=3)
    other.ended(second, ACKNOWLEDGED, status=200, missing=["j1"])
    journal.close()
    other.close()
    with (tmp_path / "one.jsonl").open("a") as stream:
        stream.write('{"call": 2, "kind": "sos"')
    found = reader.read()
    assert [(call.key, call.timeline, call.missing) for call in found.calls] == [
        ("s1", 3, ()),
        ("r1", None, ("j1",)),
    ]
    assert found.calls[0].ended < found.calls[1].ended
    assert [each.alert_id for each in found.shown] == ["s1"]
