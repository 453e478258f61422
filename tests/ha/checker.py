"""Whether what clients have seen and what the platform has kept go together.

The rules, each a function that gives the calls which break it. They are judged once the faults are
over, by the ledger of the primary that is left:

- `lost`: a call for help, or an ordinary write, that was acknowledged is in the ledger. A refused
  one, or one without an answer, may be there or not.
- `untold`: an alert that was acknowledged has its deliveries, and all of them have been made.
- `told twice`: nobody's inbox has the same alert as raised twice, and no watcher is shown an entry
  twice or out of order.
- `not shown`: a watcher is shown all that is in their inbox.
- `invented`: no alert is in the ledger that no client has asked for.
- `two primaries`: once a primary of one timeline has acknowledged a write, no primary of an older
  timeline accepts a write that is begun after that; and no two servers acknowledge writes of one
  timeline. Writes that overlap in time prove nothing, so only what began after the other had its
  answer counts. Writes through the API tell their timeline by their token; the direct writers try
  every PostgreSQL server all the time, with `synchronous_commit = local`, which no standby can
  hold up: an old primary that still writes is seen even if no client of the API gets there.
- `wrong answer`: nothing is refused but with 503 or 429, which ask to be asked again; a call for
  help never with 429.
- `unheard`: a call for help has an answer within a minute (PATIENCE_S of the clients).
- `stale`: a read that sends the token of a write shows that write, and those of the same client
  before it.
- `broken chain`: the chains of the alerts' events are whole.

Positions are committed by the primary alone, so a failover may lose some that were acknowledged:
how many is stated, and breaks no rule.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.ha.history import REFUSED, Call, History
from tests.ha.ledger import Ledger

TOLD = 5  # calls of a broken rule that are shown


@dataclass(frozen=True)
class Violation:
    """A promise that was not kept."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


@dataclass(frozen=True)
class Figures:
    """What is stated of a history, beside its violations."""

    sos: int
    """Calls for help that were acknowledged."""
    points: int
    """Positions that were acknowledged."""
    points_lost: int
    """Those of them that are not there."""
    reads: int
    reads_unanswered: int
    """Reads that a client which tries again has never had an answer to."""
    reads_tried_again: int
    """Tries of a read that had no answer, or 503."""

    def __str__(self) -> str:
        return (
            f"{self.sos} calls for help acknowledged, {self.points_lost} of {self.points} positions"
            f" lost, {self.reads_unanswered} of {self.reads} reads without an answer"
            f" ({self.reads_tried_again} tried again)"
        )


def violations(history: History, ledger: Ledger) -> list[Violation]:
    """All broken rules; none is what must be."""
    return [
        Violation(name, what) for name, rule in _RULES.items() for what in rule(history, ledger)
    ]


def figures(history: History, ledger: Ledger) -> Figures:
    """Also of a history in which something is broken."""
    points = {call.key for call in history.acknowledged("points")}
    reads = history.of("read", "browse")
    return Figures(
        sos=len({call.key for call in history.acknowledged("sos")}),
        points=len(points),
        points_lost=len(points - ledger.points),
        reads=len({(call.kind, call.key) for call in reads}),
        reads_unanswered=len(history.unanswered("read", "browse")),
        reads_tried_again=sum(not call.is_acknowledged for call in reads),
    )


def report(found: Iterable[Violation]) -> str:
    """For people: each rule that is broken, with the first calls that break it."""
    by_rule: dict[str, list[str]] = defaultdict(list)
    for violation in found:
        by_rule[violation.rule].append(violation.what)
    lines = []
    for rule, broken in by_rule.items():
        lines.append(f"{rule}: {len(broken)}")
        lines += [f"    {what}" for what in broken[:TOLD]]
    return "\n".join(lines)


def _lost(history: History, ledger: Ledger) -> Iterator[str]:
    kept = {"sos": ledger.alerts, "journey": ledger.journeys}
    for kind, keys in kept.items():
        for call in history.acknowledged(kind):
            if call.key not in keys:
                yield str(call)


def _untold(history: History, ledger: Ledger) -> Iterator[str]:
    for call in history.acknowledged("sos"):
        if call.key not in ledger.alerts:
            continue
        if not ledger.deliveries.get(call.key) or call.key in ledger.untold:
            yield f"{call}, {ledger.deliveries.get(call.key, 0)} deliveries"


def _told_twice(history: History, ledger: Ledger) -> Iterator[str]:
    for alert_id, times in ledger.raised.items():
        if times > 1:
            yield f"alert {alert_id} stands {times} times in an inbox as raised"
    for account, entries in _shown(history).items():
        for earlier, later in pairwise(entries):
            if later <= earlier:
                yield f"account {account} was shown {later} after {earlier}"


def _not_shown(history: History, ledger: Ledger) -> Iterator[str]:
    shown = _shown(history)
    for account in {call.key for call in history.of("watch")}:
        if missing := sorted(set(ledger.inboxes.get(account, ())) - set(shown.get(account, ()))):
            yield f"account {account} was not shown {missing}"


def _invented(history: History, ledger: Ledger) -> Iterator[str]:
    for alert_id in sorted(ledger.alerts - {call.key for call in history.of("sos")}):
        yield f"alert {alert_id}"


def _two_primaries(history: History, ledger: Ledger) -> Iterator[str]:
    writes = [
        call
        for call in history.acknowledged("sos", "journey", "direct")
        if call.timeline is not None
    ]
    first: dict[int, Call] = {}
    of_direct: dict[int, Call] = {}
    for call in sorted(writes, key=lambda call: call.ended or 0):
        assert call.timeline is not None
        first.setdefault(call.timeline, call)
        if call.server is not None:
            other = of_direct.setdefault(call.timeline, call)
            if other.server != call.server:
                yield f"{call}; on the same timeline as {other}"
    for call in writes:
        newer = [each for timeline, each in first.items() if timeline > (call.timeline or 0)]
        for other in newer:
            if other.ended is not None and other.ended < call.began:
                yield f"{call}; after {other}"
                break


def _wrong_answer(history: History, _: Ledger) -> Iterator[str]:
    for call in history.of("sos", "points", "journey", "read", "browse"):
        is_asked_again = call.status == 503 or (call.status == 429 and call.kind != "sos")
        if call.outcome == REFUSED and not is_asked_again:
            yield str(call)


def _unheard(history: History, _: Ledger) -> Iterator[str]:
    for call in history.unanswered("sos"):
        yield str(call)


def _stale(history: History, ledger: Ledger) -> Iterator[str]:
    for call in history.acknowledged("read"):
        # What is not in the ledger either was lost, which is another rule.
        if missing := [key for key in call.missing if key in ledger.journeys]:
            yield f"{call}, without {', '.join(missing)}"


def _broken_chain(_: History, ledger: Ledger) -> Iterator[str]:
    if ledger.broken_chains:
        yield f"{ledger.broken_chains} alerts"


def _shown(history: History) -> dict[str, list[int]]:
    """The entries that each watcher was shown, in this order."""
    found: dict[str, list[int]] = defaultdict(list)
    for each in sorted(history.shown, key=lambda each: each.at):
        found[each.account].append(each.seq)
    return found


_RULES: dict[str, Callable[[History, Ledger], Iterator[str]]] = {
    "lost": _lost,
    "untold": _untold,
    "told twice": _told_twice,
    "not shown": _not_shown,
    "invented": _invented,
    "two primaries": _two_primaries,
    "wrong answer": _wrong_answer,
    "unheard": _unheard,
    "stale": _stale,
    "broken chain": _broken_chain,
}
