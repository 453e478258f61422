"""The whole local profile in a folder of its own on free ports, as `make up` runs it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.crc import key_slot

from ops.cluster import free_port
from ops.supervision import Supervisor
from tests.command import saferoute, start_saferoute
from tests.small_map import FOOTWAY, write_map
from tests.stack import BUS, EVERYTHING, OURS, Stack, four_ports

GRID = [([column * 10 + row for row in range(8)], FOOTWAY) for column in range(8)]
GRID += [([column * 10 + row for column in range(8)], FOOTWAY) for row in range(8)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    city = write_map(folder / "gridtown.osm.pbf", GRID)
    stack = Stack(folder / "state", four_ports())
    try:
        answer = stack.up("--osm", city)
        assert "gridtown" in answer
        assert "curl" in answer
        yield stack
    finally:
        stack.run("clean", "--yes")


def test_up_ends_with_a_walk_and_everything_running(stack: Stack) -> None:
    assert list(stack.processes()) == EVERYTHING
    assert stack.listening() == [True] * 4
    secrets = stack.folder / "saferoute.env"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert (stack.folder / "supervisor.sock").stat().st_mode & 0o077 == 0


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = stack.processes(), (stack.folder / "saferoute.env").read_text()
    stack.up()
    assert (stack.processes(), (stack.folder / "saferoute.env").read_text()) == before


def test_roll_replaces_what_it_is_told_to_and_nothing_else(stack: Stack) -> None:
    before = stack.processes()
    result = stack.run("roll", "--only", "live")
    assert result.returncode == 0, result.stderr
    assert re.findall(r"^✓ (\S+): ended in [\d.]+ s, ready in [\d.]+ s$", result.stderr, re.M) == [
        "live-1",
        "live-2",
    ]
    after = stack.processes()
    assert {name for name in before if before[name] != after[name]} == {"live-1", "live-2"}


def test_a_walk_is_seen_and_a_call_for_help_heard(stack: Stack) -> None:
    found = saferoute("demo", "walk", "--speed", "4", **stack.environment)
    assert found.returncode == 0, found.stderr
    assert "Sam saw 24 of 24 positions live" in found.stdout
    told = re.findall(r"^ *(\w+) +(.+?)  +(.+?)  +[\d.]+ s *$", found.stdout, re.MULTILINE)
    assert {("Sam", "sms", "sent"), ("Alex", "email", "sent")} <= set(told)
    assert ("Sam", "the app, live", "shown: raised") in told
    assert ("Robin", "the app, live", "shown: acknowledged") in told


def test_an_operator_reads_what_a_function_cost_and_nobody_a_password(stack: Stack) -> None:
    calls = 0
    for server in ("primary", "replica"):
        with stack.connect("admin", server) as operator:
            operator.execute("set role operator")
            kept = operator.execute("select query, calls from pg_stat_statements").fetchall()
        calls += sum(calls for query, calls in kept if "/*action='safe_routes'" in query)
        assert not any("alter role" in query.lower() for query, _ in kept)
    assert calls > 0


def test_up_loads_crimes_once_and_walks_know_of_them(stack: Stack, tmp_path: Path) -> None:
    header = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Crime type"
    row = ",2025-06,Gridshire Police,Gridshire Police,{:.4f},{:.4f},Robbery"
    rows = [row.format(7.4 + step / 1000, 43.7 + step / 1000) for step in range(8)]
    crimes = tmp_path / "2025-06-gridshire-street.csv"
    crimes.write_text("\n".join([header, *rows, ""]))
    answer = stack.up("--crime", crimes, "--city", "gridtown")
    assert re.findall(r"^ loaded +(\d+)", answer, re.MULTILINE) == ["8"]
    assert "Crimes from 2025-06-01 to 2025-06-30." in answer


def test_up_makes_the_days_that_have_come_near(stack: Stack) -> None:
    address = {"host": "127.0.0.1", "port": stack.ports[0], "dbname": "saferoute"}
    password = stack.setting("SAFEROUTE_OWNER_PASSWORD")
    horizon = "select max(upper_bound) from core.periods('core.journey_points')"
    with psycopg.connect(**address, user="saferoute_owner", password=password) as owner:
        before = owner.execute(horizon).fetchone()
        last = "select period::text from core.periods('core.journey_points') order by lower_bound"
        owner.execute(f"drop table {owner.execute(last).fetchall()[-1][0]}")
        assert owner.execute(horizon).fetchone() < before
        owner.commit()
        stack.up()
        assert owner.execute(horizon).fetchone() == before


def test_nothing_runs_as_root_that_is_a_server_or_listens_beyond_loopback(stack: Stack) -> None:
    pids = stack.processes()
    servers = [name for name in EVERYTHING if name not in OURS]
    assert all(Path(f"/proc/{pids[name]}").stat().st_uid != 0 for name in servers)
    listeners = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    buses = [port + BUS for port in stack.redis_ports]
    ours = [stack.api_port, stack.api_port + 1, stack.live_port, stack.live_port + 1]
    ours += [stack.admin_port + number for number in range(5)]
    for port in (*stack.ports, *ours, *stack.redis_ports, *buses):
        addresses = re.findall(rf": ([0-9A-F]+):{port:04X} \S+ 0A ", listeners)
        assert addresses == ["0100007F"]


@pytest.mark.parametrize("name", ["replica", "analysts"])
def test_a_standby_does_not_hold_a_superusers_password(stack: Stack, name: str) -> None:
    data = Path(stack.setting("SAFEROUTE_SERVERS")) / name
    kept = (data / "saferoute.conf").read_text() + (data / "postgresql.auto.conf").read_text()
    assert "user=replicator" in kept
    assert stack.setting("SAFEROUTE_ADMIN_PASSWORD") not in kept


def test_status_tells_how_far_each_standby_is_behind(stack: Stack) -> None:
    shown = stack.run("status").stdout
    assert re.findall(r"^ *(\w+) .* [\d,.]+ MB, [\d.]+ s *$", shown, re.M) == EVERYTHING[1:3]


@pytest.mark.parametrize(
    ("role", "server", "is_let_in"),
    [
        ("analyst", "primary", False),
        ("analyst", "replica", False),
        ("analyst", "analysts", True),
        ("authenticator", "replica", True),
        ("authenticator", "analysts", False),
        ("owner", "primary", True),
        ("owner", "analysts", False),
        ("replicator", "analysts", False),
        ("admin", "analysts", True),
    ],
)
def test_who_is_let_in_where(stack: Stack, role: str, server: str, is_let_in: bool) -> None:
    assert _lets_in(stack, role, server) == is_let_in


def test_a_login_of_an_analysts_own_is_let_in_where_analyst_is(stack: Stack) -> None:
    with stack.connect("admin", "primary") as admin:
        admin.execute("create role anna login password 'anna' in role analyst")
    for server in ("primary", "replica"):
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(stack.conninfo("analyst", server), user="anna", password="anna")
    with stack.connect("admin", "analysts") as admin:
        admin.autocommit = True
        there = "select count(*) from pg_roles where rolname = 'anna'"
        _wait_until(lambda: admin.execute(there).fetchone() == (1,))
    psycopg.connect(stack.conninfo("analyst", "analysts"), user="anna", password="anna").close()


def test_an_analyst_reads_and_cannot_write(stack: Stack) -> None:
    with stack.connect("analyst", "analysts") as analyst:
        shown = {
            name: analyst.execute(f"show {name}").fetchone()[0]
            for name in ("statement_timeout", "search_path", "hot_standby_feedback")
        }
        assert shown == {
            "statement_timeout": "1h",
            "search_path": "analytics, public",
            "hot_standby_feedback": "off",
        }
        counted = "select sum(crimes) from analytics.crimes_by_cell_month"
        with stack.connect("owner", "primary") as owner:
            assert analyst.execute(counted).fetchall() == owner.execute(counted).fetchall()
        may = "select has_database_privilege(current_database(), 'create, temporary')"
        assert analyst.execute(may).fetchone() == (False,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            analyst.execute("create temporary table mine (n integer)")
        analyst.rollback()
        # The role starts read-only; who lifts that is still on a server in recovery.
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="during recovery"):
            analyst.execute("set transaction read write")


def test_a_standby_whose_slot_is_gone_is_copied_anew(stack: Stack) -> None:
    mark = Path(stack.setting("SAFEROUTE_SERVERS")) / "analysts.ready"
    made = mark.stat().st_mtime_ns
    Supervisor(stack.folder).stop_process("analysts")
    with stack.connect("admin", "primary") as admin:
        admin.execute("select pg_drop_replication_slot('analysts')")
    stack.up()
    assert mark.stat().st_mtime_ns > made
    assert list(stack.processes()) == EVERYTHING


def test_a_running_profile_of_an_earlier_version_is_brought_up_to_date(stack: Stack) -> None:
    servers = Path(stack.setting("SAFEROUTE_SERVERS"))
    with stack.connect("admin", "primary") as admin:
        (servers / "primary" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256")
        admin.execute("select pg_reload_conf()")
    _wait_until(lambda: _lets_in(stack, "analyst", "primary"))
    port = free_port()
    stack.ports = (*stack.ports[:2], port, stack.ports[3])
    stack.up()
    _wait_until(lambda: not _lets_in(stack, "analyst", "primary"))
    assert _lets_in(stack, "analyst", "analysts")
    assert f":{port}" in stack.setting("SAFEROUTE_ANALYST_ADDRESS")


def test_up_after_everything_was_killed_repairs(stack: Stack) -> None:
    supervisor = int((stack.folder / "supervisor.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    stack.up()
    assert list(stack.processes()) == EVERYTHING


def test_up_that_was_killed_while_copying_the_primary_is_repaired(stack: Stack) -> None:
    stack.run("down")
    assert stack.listening() == [False] * 4
    replica = Path(stack.setting("SAFEROUTE_SERVERS")) / "replica"
    replica.with_suffix(".ready").unlink()
    shutil.rmtree(replica)
    killed = subprocess.Popen(
        [Path(sys.executable).with_name("saferoute"), "stack", "up"],
        env={**os.environ, **stack.environment},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    _wait_until((replica / "PG_VERSION").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not replica.with_suffix(".ready").exists()
    stack.up()
    assert stack.listening() == [True] * 4


def test_a_redis_node_that_was_killed_is_taken_back_with_its_data(stack: Stack) -> None:
    assert sorted(stack.redis_roles()) == ["master"] * 3 + ["replica"] * 3
    number = stack.redis_roles().index("master") + 1
    with stack.redis(number) as node:
        key = _some_key(node, stack.redis_ports[number - 1])
        node.set(key, "session")
    pid = stack.processes()[f"redis-{number}"]
    os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: stack.processes().get(f"redis-{number}", pid) != pid)
    stack.up()
    assert sorted(stack.redis_roles()) == ["master"] * 3 + ["replica"] * 3
    with stack.redis(number) as node:
        node.execute_command("READONLY")
        assert node.get(key) == b"session"


def test_redis_keeps_its_data_while_the_profile_is_down(stack: Stack) -> None:
    before = [_keys(stack, number) for number in range(1, 7)]
    assert any(before)
    stack.run("down")
    stack.up()
    assert [_keys(stack, number) for number in range(1, 7)] == before


def test_a_redis_cluster_that_was_not_made_to_the_end_is_made_anew(stack: Stack) -> None:
    (Path(stack.setting("SAFEROUTE_SERVERS")) / "redis.ready").unlink()
    stack.up()
    assert stack.redis_roles() == ["master"] * 3 + ["replica"] * 3
    assert [_keys(stack, number) for number in range(1, 7)] == [[]] * 6


def test_a_port_of_somebody_else_is_named_and_nothing_is_started(tmp_path) -> None:
    stack = Stack(tmp_path / "state", four_ports())
    with socket.create_server(("127.0.0.1", stack.ports[1])):
        result = stack.run("up")
        assert result.returncode == 2
        assert result.stderr.count("\n") <= 2
        assert str(stack.ports[1]) in result.stderr
        assert stack.listening() == [False, True, False, False]
    assert stack.run("clean", "--yes").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--osm", "nowhere.osm.pbf"], "nowhere.osm.pbf is not a file"),
        (["--crime", __file__], "of which city"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_one_line(tmp_path, arguments, said) -> None:
    result = Stack(tmp_path / "state", (1, 2, 3, 4)).run("up", *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:2", "192.0.2.1:15434", "15434", "127.0.0.1:here"])
def test_an_address_that_the_analysts_standby_cannot_have(tmp_path, address: str) -> None:
    stack = Stack(tmp_path / "state", (1, 2, 3, 4))
    environment = {**stack.environment, "SAFEROUTE_ANALYST_ADDRESS": address}
    result = saferoute("stack", "up", **environment)
    assert result.returncode == 2
    assert "SAFEROUTE_ANALYST_ADDRESS" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not stack.folder.exists()


def test_a_restore_that_was_killed_is_run_again_and_brings_back_nobody_who_was_erased(
    stack: Stack,
) -> None:
    servers = Path(stack.setting("SAFEROUTE_SERVERS"))
    person = "0192f0c1-aaaa-4000-8000-000000000001"
    with stack.connect("admin", "primary") as admin:
        admin.execute(
            "insert into core.users (user_id, email, email_verified_at, password_hash, language)"
            " values (%s, 'anna@mail.example', now(), '$argon2id$', 'en')",
            [person],
        )
    with stack.connect("admin", "primary") as admin:
        (moment,) = admin.execute("select clock_timestamp()").fetchone()
    to = ("restore", "--to", moment.isoformat())
    with stack.connect("admin", "primary") as admin:
        admin.execute("create table core.of_later (n integer)")
    erased = saferoute("users", "erase", person, "--yes", **stack.environment)
    assert erased.returncode == 0, erased.stderr

    tried = saferoute(*to, **stack.environment)
    assert "Nothing was changed" in tried.stdout
    assert not list(servers.glob("primary.before-*"))
    killed = start_saferoute(*to, "--yes", **stack.environment)
    _wait_until(lambda: any(servers.glob("primary.before-*")))
    killed.kill()
    killed.wait()
    refused = stack.run("up")
    assert (refused.returncode, "was cut off" in refused.stderr) == (2, True)

    done = saferoute(*to, "--yes", **stack.environment)
    assert done.returncode == 0, done.stderr
    assert list(stack.processes()) == EVERYTHING
    with stack.connect("admin", "primary") as admin:
        assert admin.execute("select to_regclass('core.of_later')").fetchone() == (None,)
        came_back = "select count(*) from core.users where user_id = %s"
        assert admin.execute(came_back, [person]).fetchone() == (0,)
        # Of then, and of having been erased again.
        receipts = "select count(*) from core.erasures where finished_at is not null"
        assert admin.execute(receipts).fetchone() == (2,)
    assert saferoute("restore", "--discard-old", "--yes", **stack.environment).returncode == 0
    assert not list(servers.glob("primary.before-*"))


def test_clean_asks_first_and_then_leaves_nothing(stack: Stack) -> None:
    servers = Path(stack.setting("SAFEROUTE_SERVERS"))
    assert stack.run("clean").returncode != 0
    assert servers.exists()
    assert stack.run("clean", "--yes").returncode == 0
    assert not servers.exists()
    assert not stack.folder.exists()
    assert stack.listening() == [False] * 4


def _some_key(node: redis.Redis, port: int) -> str:
    """A key that belongs to the master at this port."""
    shards = node.execute_command("CLUSTER SLOTS")
    [(first, last)] = [(first, last) for first, last, master, *_ in shards if master[1] == port]
    names = (f"key-{number}" for number in range(1000))
    return next(name for name in names if first <= key_slot(name.encode()) <= last)


def _keys(stack: Stack, number: int) -> list[bytes]:
    with stack.redis(number) as node:
        return sorted(node.keys("key-*"))  # not the counts of rate limits


def _lets_in(stack: Stack, role: str, server: str) -> bool:
    try:
        stack.connect(role, server).close()
    except psycopg.OperationalError as error:
        if "pg_hba.conf rejects connection" in str(error):
            return False
        raise
    return True


def _wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)
