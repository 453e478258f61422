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
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ops.cluster import free_port
from tests.command import saferoute
from tests.small_map import FOOTWAY, write_map

GRID = [([column * 10 + row for row in range(8)], FOOTWAY) for column in range(8)]
GRID += [([column * 10 + row for column in range(8)], FOOTWAY) for row in range(8)]


@dataclass
class Stack:
    folder: Path
    ports: tuple[int, int, int]

    @property
    def environment(self) -> dict[str, str]:
        primary, replica, api = self.ports
        return {
            "SAFEROUTE_ENV_FILE": str(self.folder / "saferoute.env"),
            "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{primary},127.0.0.1:{replica}",
            "SAFEROUTE_API_PORT": str(api),
        }

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return saferoute("stack", *arguments, **self.environment)

    def up(self, *arguments: object) -> str:
        result = self.run("up", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def processes(self) -> dict[str, int]:
        """The process id of each program that runs."""
        found = re.findall(
            r"^ *(\w+) +(?:running|starting) +\S+ +(\d+)", self.run("status").stdout, re.M
        )
        return {name: int(pid) for name, pid in found}

    def listening(self) -> list[bool]:
        return [_listens(port) for port in self.ports]


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    city = write_map(folder / "gridtown.osm.pbf", GRID)
    stack = Stack(folder / "state", (free_port(), free_port(), free_port()))
    try:
        answer = stack.up("--osm", city)
        assert "gridtown" in answer
        assert "curl" in answer
        yield stack
    finally:
        stack.run("clean", "--yes")


def test_up_ends_with_a_walk_and_everything_running(stack: Stack) -> None:
    assert list(stack.processes()) == ["primary", "replica", "api"]
    assert stack.listening() == [True, True, True]
    secrets = stack.folder / "saferoute.env"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert (stack.folder / "supervisor.sock").stat().st_mode & 0o077 == 0


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = stack.processes(), (stack.folder / "saferoute.env").read_text()
    stack.up()
    assert (stack.processes(), (stack.folder / "saferoute.env").read_text()) == before


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
    password = _setting(stack, "SAFEROUTE_OWNER_PASSWORD")
    horizon = "select max(upper_bound) from core.periods('core.journey_points')"
    with psycopg.connect(**address, user="saferoute_owner", password=password) as owner:
        before = owner.execute(horizon).fetchone()
        last = "select period::text from core.periods('core.journey_points') order by lower_bound"
        owner.execute(f"drop table {owner.execute(last).fetchall()[-1][0]}")
        assert owner.execute(horizon).fetchone() < before
        owner.commit()
        stack.up()
        assert owner.execute(horizon).fetchone() == before


def test_nothing_runs_as_root_that_is_postgresql_or_listens_beyond_loopback(stack: Stack) -> None:
    pids = stack.processes()
    assert all(Path(f"/proc/{pids[name]}").stat().st_uid != 0 for name in ("primary", "replica"))
    listeners = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    for port in stack.ports:
        addresses = re.findall(rf": ([0-9A-F]+):{port:04X} \S+ 0A ", listeners)
        assert addresses == ["0100007F"]


def test_the_replica_does_not_hold_a_superusers_password(stack: Stack) -> None:
    replica = Path(_setting(stack, "SAFEROUTE_SERVERS")) / "replica"
    kept = (replica / "postgresql.auto.conf").read_text()
    assert "user=replicator" in kept
    assert _setting(stack, "SAFEROUTE_ADMIN_PASSWORD") not in kept


def test_up_after_everything_was_killed_repairs(stack: Stack) -> None:
    supervisor = int((stack.folder / "supervisor.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    stack.up()
    assert list(stack.processes()) == ["primary", "replica", "api"]


def test_up_that_was_killed_while_copying_the_primary_is_repaired(stack: Stack) -> None:
    stack.run("down")
    assert stack.listening() == [False, False, False]
    replica = Path(_setting(stack, "SAFEROUTE_SERVERS")) / "replica"
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
    assert stack.listening() == [True, True, True]


def test_a_port_of_somebody_else_is_named_and_nothing_is_started(tmp_path) -> None:
    stack = Stack(tmp_path / "state", (free_port(), free_port(), free_port()))
    with socket.create_server(("127.0.0.1", stack.ports[1])):
        result = stack.run("up")
        assert result.returncode == 2
        assert result.stderr.count("\n") <= 2
        assert str(stack.ports[1]) in result.stderr
        assert stack.listening() == [False, True, False]
    assert stack.run("clean", "--yes").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--osm", "nowhere.osm.pbf"], "nowhere.osm.pbf is not a file"),
        (["--crime", __file__], "of which city"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_one_line(tmp_path, arguments, said) -> None:
    result = Stack(tmp_path / "state", (1, 2, 3)).run("up", *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


def test_clean_asks_first_and_then_leaves_nothing(stack: Stack) -> None:
    servers = Path(_setting(stack, "SAFEROUTE_SERVERS"))
    assert stack.run("clean").returncode != 0
    assert servers.exists()
    assert stack.run("clean", "--yes").returncode == 0
    assert not servers.exists()
    assert not stack.folder.exists()
    assert stack.listening() == [False, False, False]


def _setting(stack: Stack, name: str) -> str:
    text = (stack.folder / "saferoute.env").read_text()
    return re.search(rf"^{name}='(.*)'$", text, re.MULTILINE)[1]


def _wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
