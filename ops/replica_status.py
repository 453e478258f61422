"""How the servers of a cluster are, asked of each of them: for `saferoute replicas status`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.settings import settings
from ops.logins import password

_MEGABYTE = 1e6


@dataclass
class Seen:
    """One server: what it says of itself, and what the primary says of it."""

    name: str
    role: str
    """primary, standby, or gone where it does not answer."""
    address: str
    timeline: int | None = None
    here: dict[str, Any] = field(default_factory=dict)
    """Its row of ops.replay_health."""
    there: dict[str, Any] = field(default_factory=dict)
    """The primary's row of ops.replication_health."""
    state: str = "green"
    problems: list[str] = field(default_factory=list)

    def blame(self, sentence: str, state: str = "red") -> None:
        """Note what is wrong."""
        if sentence not in self.problems:
            self.problems.append(sentence)
        self.state = "red" if "red" in (self.state, state) else state

    @property
    def brief(self) -> dict[str, Any]:
        """What fits in a line."""
        cancelled = [value for key, value in self.here.items() if key.startswith("cancelled_")]
        lag = self.there.get("replay_lag_s")
        return {
            "name": self.name,
            "state": self.state,
            "role": self.role,
            "address": self.address,
            "timeline": self.timeline,
            "link": self.there.get("link") or self.here.get("link"),
            "commits wait": self.there.get("sync_state"),
            "unflushed MB": _megabytes(self.there.get("unflushed_bytes")),
            "unreplayed MB": _megabytes(self.there.get("unreplayed_bytes")),
            "late by s": None if lag is None else f"{lag:.1f}",
            "WAL kept MB": _megabytes(self.there.get("retained_bytes")),
            "reads cancelled": sum(cancelled) if cancelled else None,
        }

    @property
    def facts(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


@dataclass(frozen=True)
class _Answer:
    """What one server says."""

    address: str
    name: str
    timeline: int
    is_standby: bool
    needs_standby: bool
    follows: dict[str, Any] | None
    followers: list[dict[str, Any]]


def look(names: Mapping[str, str]) -> list[Seen]:
    """Every server of the settings, the primary first, then slots that no server uses.

    `names` are those of the servers by address, where they are known otherwise than from them.
    """
    values = settings()
    found: list[Seen] = []
    answers: list[_Answer] = []
    places = [*((*host, False) for host in values.hosts), (*values.analyst_host, True)]
    for host, port, is_analysts in places:
        address = f"{host}:{port}"
        name = names.get(address) or ("analysts" if is_analysts else address)
        try:
            answer = _ask(host, port, name, is_analysts)
        except psycopg.OperationalError as error:
            gone = Seen(name, "gone", address)
            reason = str(error).strip().splitlines()[0].rpartition(": ")[2]
            gone.blame(f"It does not answer: {reason}", "yellow" if is_analysts else "red")
            found.append(gone)
            continue
        answers.append(answer)
        seen = Seen(
            names.get(address, answer.name),
            "standby" if answer.is_standby else "primary",
            address,
            answer.timeline,
            answer.follows or {},
        )
        if is_analysts and not answer.is_standby:
            seen.blame("Analysts reach a primary here: take it down.")
        for sentence in seen.here.get("problems", []):
            seen.blame(sentence, seen.here["state"])
        found.append(seen)
    _compare(found, answers)
    return sorted(found, key=lambda each: each.role != "primary")


def _compare(found: list[Seen], answers: list[_Answer]) -> None:
    """What no server can know of itself."""
    primaries = [answer for answer in answers if not answer.is_standby]
    if not primaries:
        for seen in found:
            seen.blame("There is no primary: nothing can be written.")
        return
    # One that was replaced, and does not know it, is on an older timeline.
    primary = max(primaries, key=lambda answer: answer.timeline)
    followers = {row["name"]: row for row in primary.followers}
    for seen in found:
        if seen.address == primary.address:
            _judge_primary(seen, primary)
        elif seen.role == "primary":
            seen.blame(f"It is a second primary; {primary.address} has a newer timeline.")
        else:
            seen.there = followers.pop(seen.here.get("name", seen.name), {})
            _judge_standby(seen, primary)
    for row in followers.values():
        stranger = Seen(row["name"], "gone", str(row["address"] or "-"), there=row)
        for sentence in row["problems"]:
            stranger.blame(sentence, row["state"])
        if row["link"] != "backup":
            found.append(stranger)


def _judge_primary(seen: Seen, primary: _Answer) -> None:
    waited_for = any(row["sync_state"] in ("sync", "quorum") for row in primary.followers)
    if primary.needs_standby and not waited_for:
        seen.blame("Commits wait for a standby, and there is none that they could wait for.")
    able = [row for row in primary.followers if not row["is_lag_tolerant"]]
    if not any(row["link"] == "streaming" for row in able):
        seen.blame("No standby of the API follows it: if it dies, there is none to take over.")


def _judge_standby(seen: Seen, primary: _Answer) -> None:
    for sentence in seen.there.get("problems", []):
        seen.blame(sentence, seen.there["state"])
    if seen.timeline is not None and seen.timeline < primary.timeline:
        seen.blame(
            f"It is on timeline {seen.timeline}, the primary on {primary.timeline}: "
            "it has not followed the last failover."
        )


def _ask(host: str, port: int, name: str, is_analysts: bool) -> _Answer:
    values = settings()
    # At the analysts' standby the owner may not sign in.
    known = values.admin_conninfo if is_analysts else values.owner_conninfo
    if is_analysts:
        password("admin_password")
    where = psycopg.conninfo.make_conninfo(
        known,
        host=host,
        port=port,
        target_session_attrs="any",
        connect_timeout=3,
        application_name="saferoute replicas",
    )
    with (
        psycopg.connect(where, autocommit=True) as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        cursor.execute(
            "select set_config('saferoute.lag_tolerant_replicas', %s, false),"
            " set_config('saferoute.max_replay_lag_s', %s, false)",
            [values.lag_tolerant_replicas, str(values.max_replay_lag_s)],
        )
        row = cursor.execute(
            "select is_standby, timeline, current_setting('cluster_name') as name,"
            " current_setting('synchronous_standby_names') <> '' as needs_standby"
            " from ops.wal_position()"
        ).fetchone()
        assert row is not None
        follows = cursor.execute("select * from ops.replay_health").fetchone()
        followers = cursor.execute("select * from ops.replication_health").fetchall()
    return _Answer(
        address=f"{host}:{port}",
        name=(follows or row)["name"] or name,
        timeline=row["timeline"],
        is_standby=row["is_standby"],
        needs_standby=row["needs_standby"],
        follows=follows,
        followers=followers,
    )


def _megabytes(size: int | None) -> str | None:
    return None if size is None else f"{size / _MEGABYTE:,.1f}"
