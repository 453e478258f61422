"""What has become of many calls for help: what the ledger, the providers and the watchers have."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg

# Each contact by each channel they have, and what was noted of it.
_MISSING = """
select count(*)
from core.alerts as a
cross join lateral core.ways_to_tell(a.user_id) as w
where w.channel = any((select channels from core.escalation_steps where cause = '*')::text[])
    and not exists (
        select from core.alert_deliveries as d
        where d.alert_id = a.alert_id and d.contact_id = w.contact_id and d.channel = w.channel
            and d.address is not distinct from w.address and d.state in ('sent', 'delivered')
    )
"""
_DELIVERIES = """
select d.delivery_id::text, d.alert_id || d.channel || d.address as told
from core.alert_deliveries as d
where d.channel <> 'live'
"""


@dataclass(frozen=True)
class Outcome:
    """Counts; all but the first and the last must be 0."""

    alerts: int
    missing: int
    """Contacts and channels that the ledger does not have as told."""
    unsent: int
    """Deliveries that no provider has got."""
    other_keys: int
    """Messages to one address about one alert that providers got under more than one key."""
    unknown: int
    """Messages at providers that no delivery knows."""
    not_shown: int
    """Entries of inboxes that a watcher was not shown."""
    shown_again: int
    """What a watcher was shown twice, or out of order."""
    broken_chains: int
    sent_again: int
    """Messages that a provider got twice under the same key: by which it can tell."""

    @property
    def problems(self) -> dict[str, int]:
        """What must be 0 and is not."""
        allowed = ("alerts", "sent_again")
        return {name: n for name, n in vars(self).items() if n and name not in allowed}


def outcome(
    db: psycopg.Connection,
    records: Iterable[Mapping[str, Any]],
    shown: Mapping[str, Sequence[int]],
) -> Outcome:
    """Of all alerts in the database. `records` are those of the stand-ins, `shown` is what each
    account was shown in the app: sequences.
    """
    keys = Counter(key for record in records if (key := key_of(record)) is not None)
    told = dict(db.execute(_DELIVERIES).fetchall())
    keys_of: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        if key in told:
            keys_of[told[key]].add(key)
    not_shown, again = 0, 0
    for account, sequences in inboxes(db).items():
        if account in shown:
            seen = shown[account]
            not_shown += len(set(sequences) - set(seen))
            again += sum(later <= earlier for earlier, later in pairwise(seen))
    return Outcome(
        alerts=count(db, "select count(*) from core.alerts"),
        missing=count(db, _MISSING),
        unsent=len(told.keys() - keys.keys()),
        other_keys=sum(len(found) - 1 for found in keys_of.values()),
        unknown=len(keys.keys() - told.keys()),
        not_shown=not_shown,
        shown_again=again,
        broken_chains=count(db, "select count(*) from ops.verify_alert_chain()"),
        sent_again=sum(number - 1 for number in keys.values()),
    )


def key_of(record: Mapping[str, Any]) -> str | None:
    """The key under which a stand-in got a message; none for what is no message."""
    service = record["service"]
    if service in ("sms", "voice", "webhook"):
        return str(record["key"])
    if service == "email":
        return str(record["message_id"]).strip("<>").partition("@")[0]
    if service == "web_push":
        return str(record["content"]["id"])
    return None


def inboxes(db: psycopg.Connection) -> dict[str, list[int]]:
    """The sequences in the inbox of each account."""
    found: dict[str, list[int]] = defaultdict(list)
    for account, sequence in db.execute(
        "select user_id::text, sequence from core.inbox_entries order by user_id, sequence"
    ):
        found[account].append(sequence)
    return found


def unsent(db: psycopg.Connection) -> int:
    """Deliveries that wait to be sent."""
    return count(db, "select count(*) from core.alert_deliveries where state = 'queued'")


def count(db: psycopg.Connection, query: str) -> int:
    row = db.execute(query).fetchone()
    assert row is not None
    return int(row[0])
