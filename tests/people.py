"""A person who walked where others did: today, in archived days, and in tables beside the set."""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from ops import archive_files, retention, upkeep
from tests.command import saferoute_here
from tests.redis_cluster import TestCluster
from tests.upkeep import POINTS, day, make_day, upkeep_of

ANNA = UUID("0192f0c1-aaaa-4000-8000-000000000001")
BERT = UUID("0192f0c1-bbbb-4000-8000-000000000002")
ARCHIVED = (45, 40)
"""Days ago, of two archived periods that Anna is in. She is not in the one between them."""
WITHOUT_ANNA = 42
POINTS_A_DAY = 300
EVERYWHERE = {
    "journey_points": 900,
    "point_quarantine": 20,
    "journeys": 5,
    "outbound_messages": 2,
    "codes": 1,
    "reports": 1,
    "watches": 1,
    "journey_events": 1,
    "journey_shares": 1,
    "geofences": 1,
    "contact_links": 1,
    "contacts": 1,
    "contact_consents": 1,
    "alert_links": 1,
    "inbox_entries": 1,
    "inboxes": 1,
    "alert_events": 2,
    "alert_deliveries": 1,
    "alerts": 1,
    "alert_settings": 1,
    "notification_endpoints": 1,
    "idempotency_keys": 1,
    "users": 1,
}
"""Rows of Anna in the database; each archive has POINTS_A_DAY more."""
SECRET = "$argon2id$secret"


@lru_cache
def _archives() -> "tempfile.TemporaryDirectory[str]":
    """Where `settle` archives, until the process ends. Not made on import: processes that are
    killed in other tests would leave one each.
    """
    return tempfile.TemporaryDirectory(prefix="saferoute-people-")


@dataclass
class Town:
    """A database with people in it, its archives, and what the command needs to reach them."""

    db: psycopg.Connection
    archives: Path
    environment: dict[str, str]

    def run(self, *arguments: object, **options: str) -> subprocess.CompletedProcess[str]:
        return saferoute_here("users", *arguments, **options)

    def erase(self) -> dict[str, Any]:
        done = self.run("erase", ANNA, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def restore(self, ago: int, *options: str) -> None:
        """Bring an archived day back."""
        words = ["partitions", "restore", "journey_points", f"{day(ago):%Y-%m-%d}", *options]
        done = saferoute_here(*words)
        assert done.returncode == 0, done.stderr

    def left(self) -> int:
        """Rows of Anna in the database."""
        query = "select sum(core.count_user_rows(leaf, user_column, %s)) from core.user_tables()"
        return self.db.execute(query, [ANNA]).fetchone()[0]

    def archived(self) -> dict[str, int]:
        """Lines of Anna in each file of the archive directory."""
        return {
            path.name: sum(
                str(ANNA).encode() in line for _, _, line in archive_files.lines(path.name)
            )
            for path in self.archives.glob("*.dump")
        }

    def receipts(self) -> list[tuple[bool, dict[str, int]]]:
        return self.db.execute(
            "select finished_at is not null, removed from core.erasures order by began_at"
        ).fetchall()


@contextmanager
def town_of(db: psycopg.Connection, folder: Path, redis: TestCluster) -> Iterator[Town]:
    """The town in a clone of the database that `settle` has filled."""
    db.autocommit = True
    shutil.copytree(_archives().name, folder)
    with pytest.MonkeyPatch.context() as patch, upkeep_of(db, folder) as environment:
        for name, value in redis.settings.items():
            patch.setenv(name, value)
        yield Town(db, folder, {**environment, **redis.settings})


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = re.findall(r"(?m)^saferoute: .*$", done.stderr)
    assert all(word in line for word in words), line
    assert str(ANNA) not in line


def settle(conninfo: str) -> None:
    """Give Anna, Bert and others their rows, and archive some of their days."""
    with (
        psycopg.connect(conninfo, autocommit=True) as db,
        upkeep_of(db, Path(_archives().name)),
    ):
        _settle(db)


def _settle(db: psycopg.Connection) -> None:
    for ago in (*ARCHIVED, WITHOUT_ANNA, 33, 2):
        make_day(db, day(ago), 90)
    for user_id, phone in ((ANNA, "+442079460001"), (BERT, "+442079460002")):
        account(db, user_id, phone)
        watch(db, user_id)
    for ago in (*ARCHIVED, 33, 2, 0):
        walk(db, ANNA, ago)
    for ago in (*ARCHIVED, WITHOUT_ANNA, 33, 2, 0):
        walk(db, BERT, ago)
    # One journey over all the archived days as well: not every candidate holds her.
    db.execute(
        "update core.journeys set points_from = %s where user_id = %s and started_at >= %s",
        [day(50), ANNA, day(1)],
    )
    with upkeep.exclusive() as owner:
        entry = upkeep.find_set(owner, POINTS)
        for ago in (*ARCHIVED, WITHOUT_ANNA):
            period = retention.named(owner, entry, f"{day(ago):%Y-%m-%d}", early=True)
            retention.retire_period(owner, entry, period)
    # By hand: its table stays.
    (period,) = db.execute(
        "select period::text from core.periods(%s) where lower_bound = %s", [POINTS, day(33)]
    ).fetchone()
    db.execute(f"alter table {POINTS} detach partition {period}")


def account(db: psycopg.Connection, user_id: UUID, phone: str) -> None:
    """An account with a code that is on its way, an emergency contact who was called, and an
    answer kept.
    """
    db.execute(
        """insert into core.users (user_id, phone, phone_verified_at, password_hash, language)
        values (%s, %s, now(), %s, 'en')""",
        [user_id, phone, SECRET],
    )
    parameters = json.dumps({"code": SECRET})
    statement = "select core.enqueue_message(%s, 'sms', %s, 'verify', 'en', %s)"
    db.execute(statement, [user_id, phone, parameters])
    db.execute(
        """insert into core.codes (purpose, address, code_id, channel, user_id, digest, expires_at)
        values ('verify', %s, gen_random_uuid(), 'sms', %s, %s, now() + interval '10 minutes')""",
        [phone, user_id, SECRET.encode()],
    )
    db.execute(
        """select core.add_contact(
            %s, gen_random_uuid(), 'Mum', 'email', 'mum@mail.example', 'Me', 1, 'en')""",
        [user_id],
    )
    db.execute("update core.contacts set code_digest = %s, state = 'accepted'", [SECRET.encode()])
    db.execute(
        """select core.raise_alert(
            gen_random_uuid(), %s, null, 'sos', -77.03, 38.91, 'by the river', false, false)""",
        [user_id],
    )
    db.execute(
        """insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
        select sha256(uuid_send(delivery_id)), alert_id, contact_id, user_id, delivery_id
        from core.alert_deliveries where user_id = %s""",
        [user_id],
    )
    db.execute(
        """insert into core.alert_settings (user_id, code_salt, cancel_code_digest)
        values (%s, %s, %s)""",
        [user_id, b"salt", SECRET.encode()],
    )
    db.execute(
        """insert into core.notification_endpoints (endpoint_id, user_id, channel, url, secret)
        values (gen_random_uuid(), %s, 'webhook', 'https://hook.example', %s)""",
        [user_id, SECRET],
    )
    db.execute(
        """insert into core.idempotency_keys (caller_id, idempotency_key, endpoint, digest, body)
        values (%s, 'once', 'start_journey', %s, '{}')""",
        [user_id, SECRET.encode()],
    )


def watch(db: psycopg.Connection, user_id: UUID) -> None:
    """A walk that was watched and shared, and a report of it."""
    journey_id = uuid4()
    db.execute(
        """insert into core.watches (
            journey_id, user_id, state, state_since, starts_at, grace, ended_at, next_look_at)
        values (%s, %s, 'ended', now(), now(), '5 minutes', now(), null)""",
        [journey_id, user_id],
    )
    db.execute(
        """insert into core.journey_events (journey_id, seq, user_id, event, state, at)
        values (%s, 1, %s, 'state', 'ended', now())""",
        [journey_id, user_id],
    )
    db.execute(
        """insert into core.journey_shares (
            share_id, journey_id, user_id, digest, precision, created_at, expires_at)
        values (gen_random_uuid(), %s, %s, sha256(uuid_send(%s)), 'exact', now(), now())""",
        [journey_id, user_id, journey_id],
    )
    db.execute(
        """insert into core.geofences (journey_id, geofence_id, user_id, kind, min_risk)
        values (%s, gen_random_uuid(), %s, 'risk', 0.5)""",
        [journey_id, user_id],
    )
    db.execute(
        """insert into core.reports (report_id, user_id, kind, parameters, total)
        values (gen_random_uuid(), %s, 'export', '{}', 1)""",
        [user_id],
    )


def walk(db: psycopg.Connection, user_id: UUID, ago: int) -> None:
    """A journey of that day with POINTS_A_DAY points, and ten more that were set aside."""
    start = day(ago)
    (journey_id,) = db.execute(
        """insert into core.journeys (
            journey_id, user_id, cell, started_at, origin, points_from, points_until, cells)
        values (gen_random_uuid(), %s, 'dqcjr', %s, 'srid=4326;point(-77.03 38.91)', %s, %s,
            '{dqcjr,ez3fh}') returning journey_id""",
        [user_id, start, start, day(ago - 1)],
    ).fetchone()
    db.execute(
        """insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
        select %s, %s::timestamptz + n * interval '7 seconds',
            case when n %% 2 = 0 then 'dqcjr' else 'ez3fh' end, %s,
            case when n %% 2 = 0 then st_point(-77.03, 38.91, 4326)
                else st_point(-8.62, 41.16, 4326) end
        from generate_series(1, %s) as n""",
        [journey_id, start, user_id, POINTS_A_DAY],
    )
    db.execute(
        """insert into core.point_quarantine (journey_id, user_id, reason, point, digest)
        select %s, %s, 'unreadable', to_json('no point ' || n), md5(n::text)::uuid
        from generate_series(1, 4) as n""",
        [journey_id, user_id],
    )


def others(db: psycopg.Connection, folder: Path) -> dict[str, str]:
    """A digest of all rows that are not Anna's, for each table and each archived day."""
    tables = db.execute(
        "select leaf::text, relation::text, user_column from core.user_tables()"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for leaf, relation, column in tables:
        rows = db.execute(f"select t::text from {leaf} as t where {column} <> %s", [ANNA])
        found.setdefault(relation, []).extend(text for (text,) in rows.fetchall())
    for path in folder.glob("*.dump"):
        lines = found.setdefault(path.name.rpartition("_")[0], [])
        lines += [
            line.decode()
            for _, _, line in archive_files.lines(path.name)
            if str(ANNA).encode() not in line
        ]
    return {
        name: f"{len(rows)} {hashlib.sha256(''.join(sorted(rows)).encode()).hexdigest()}"
        for name, rows in found.items()
    }
