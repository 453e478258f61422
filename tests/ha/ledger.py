"""What the platform has kept, as its primary tells once the faults are over."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from tests.ha.outcome import inboxes

# A contact who is to be told by a channel and was not.
_UNTOLD = """
select distinct a.alert_id::text
from core.alerts as a
cross join lateral core.ways_to_tell(a.user_id) as w
where w.channel = any((select channels from core.escalation_steps where cause = '*')::text[])
    and not exists (
        select from core.alert_deliveries as d
        where d.alert_id = a.alert_id and d.contact_id = w.contact_id and d.channel = w.channel
            and d.address is not distinct from w.address
            and d.state in ('sent', 'delivered', 'read')
    )
"""
_DELIVERIES = "select alert_id::text, count(*) from core.alert_deliveries group by alert_id"
_RAISED = """
select alert_id::text, max(times)
from (
    select alert_id, user_id, count(*) as times
    from core.inbox_entries where event = 'raised'
    group by alert_id, user_id
) as told
group by alert_id
"""
_POINTS = """
select journey_id || ' ' || (extract(epoch from recorded_at) * 1000000)::bigint
from core.journey_points
"""


@dataclass
class Ledger:
    """Keys are those of the history."""

    alerts: set[str] = field(default_factory=set)
    deliveries: Mapping[str, int] = field(default_factory=Counter)
    """How many each alert has."""
    untold: set[str] = field(default_factory=set)
    """Alerts that some contact has not been told of by every channel."""
    raised: Mapping[str, int] = field(default_factory=Counter)
    """How often one person was told, in the app, that the alert was raised: of all the highest."""
    journeys: set[str] = field(default_factory=set)
    points: set[str] = field(default_factory=set)
    direct: set[str] = field(default_factory=set)
    inboxes: Mapping[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The sequences of each account."""
    broken_chains: int = 0

    def forget(self, alerts: set[str]) -> None:
        """These are of an earlier history."""
        self.alerts -= alerts
        self.raised = {key: times for key, times in self.raised.items() if key not in alerts}


def ledger_of(db: psycopg.Connection) -> Ledger:
    """Read it; `db` is a connection of the superuser to the primary."""
    row = db.execute("select count(*) from ops.verify_alert_chain()").fetchone()
    assert row is not None
    return Ledger(
        alerts=_keys(db, "select alert_id::text from core.alerts"),
        deliveries=_counts(db, _DELIVERIES),
        untold=_keys(db, _UNTOLD),
        raised=_counts(db, _RAISED),
        journeys=_keys(db, "select journey_id::text from core.journeys"),
        points=_keys(db, _POINTS),
        direct=_keys(db, "select id::text from faults.direct_writes"),
        inboxes=inboxes(db),
        broken_chains=int(row[0]),
    )


def _keys(db: psycopg.Connection, query: str) -> set[str]:
    return {key for (key,) in db.execute(query)}


def _counts(db: psycopg.Connection, query: str) -> Counter[str]:
    return Counter(dict(db.execute(query).fetchall()))
