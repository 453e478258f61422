"""`saferoute replicas` in the local profile: one more, another primary, one less."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ops.cluster import Server
from ops.supervision import Supervisor
from tests.command import saferoute, saferoute_here
from tests.integration.test_stack import GRID
from tests.small_map import write_map
from tests.stack import Stack, four_ports


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("replicas")
    stack = Stack(folder / "state", four_ports())
    try:
        stack.up("--osm", write_map(folder / "gridtown.osm.pbf", GRID))
        yield stack
    finally:
        stack.run("clean", "--yes")


def replicas(stack: Stack, *words: object) -> subprocess.CompletedProcess[str]:
    return saferoute("replicas", *words, **stack.environment)


def status(stack: Stack) -> dict[str, dict[str, Any]]:
    """What is told of each server, by its name."""
    return {row["name"]: row for row in json.loads(replicas(stack, "status", "--json").stdout)}


def roles(stack: Stack) -> dict[str, str]:
    return {name: f"{row['state']} {row['role']}" for name, row in status(stack).items()}


def seen_by_the_api(stack: Stack) -> set[str]:
    """The servers that every API process uses."""
    admin = [f"http://127.0.0.1:{stack.admin_port + number}/ready" for number in range(2)]
    found = [httpx.get(url).json()["servers"] for url in admin]
    return set.intersection(*({each["server"] for each in servers} for servers in found))


def end_workers(stack: Stack) -> None:
    """What follows starts them again, all at once; it replaces those that run one after another."""
    supervisor = Supervisor(stack.folder)
    workers = [name for name in stack.processes() if name.startswith("worker-")]
    for name in workers:
        supervisor.stop_process(name, wait=False)
    until(lambda: not set(workers) & set(stack.processes()))


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def anywhere(stack: Stack) -> str:
    """The superuser's session on whichever server is the primary."""
    ports = [
        host.rpartition(":")[2] for host in stack.setting("SAFEROUTE_DATABASE_HOSTS").split(",")
    ]
    return (
        f"host={','.join(['127.0.0.1'] * len(ports))} port={','.join(ports)} dbname=saferoute "
        f"user=postgres password={stack.setting('SAFEROUTE_ADMIN_PASSWORD')} "
        "target_session_attrs=read-write connect_timeout=5"
    )


def test_one_that_is_down_is_told_and_what_is_kept_for_it(stack: Stack) -> None:
    assert roles(stack) == {
        **{"primary": "green primary", "replica": "green standby", "analysts": "green standby"}
    }
    assert replicas(stack, "status").returncode == 0
    Supervisor(stack.folder).stop_process("replica")
    answer = replicas(stack, "status")
    assert answer.returncode == 1
    assert "replica: It does not answer" in answer.stdout
    assert "primary: No standby of the API follows it" in answer.stdout
    Supervisor(stack.folder).start_process("replica")
    until(lambda: replicas(stack, "status").returncode == 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("remove", "primary", "--yes"), "primary is the primary: first make another one"),
        (("remove", "replica", "--yes"), "replica is the last replica"),
        (("remove", "analysts", "--yes"), "it stays"),
        (
            ("remove", "nobody", "--yes"),
            "there is no server nobody here: primary, replica, analysts",
        ),
        (("switchover", "--to", "analysts", "--yes"), "never becomes the primary"),
        (("switchover", "--to", "primary", "--yes"), "primary is the primary already"),
        (("add", "third"), "a replica gets its name by itself"),
    ],
)
def test_what_would_do_harm_is_refused_in_one_line(
    stack: Stack, words: tuple[str, ...], said: str
) -> None:
    answer = saferoute_here("replicas", *words, **stack.environment)
    assert answer.returncode == 2
    assert said in answer.stderr.splitlines()[-1]


def test_one_more_replica_is_followed_by_the_api(stack: Stack) -> None:
    end_workers(stack)
    before = stack.processes()
    assert "replica2 follows the primary" in replicas(stack, "add").stdout
    assert roles(stack)["replica2"] == "green standby"
    address = status(stack)["replica2"]["address"]
    assert address in stack.setting("SAFEROUTE_DATABASE_HOSTS").split(",")
    assert address in seen_by_the_api(stack)
    servers = {name: pid for name, pid in stack.processes().items() if "-" not in name}
    assert {name: before[name] for name in servers if name != "replica2"}.items() <= servers.items()
    # Again, for the same: nothing to do.
    port = address.rpartition(":")[2]
    assert replicas(stack, "add", "--port", port).returncode == 0
    assert {name: pid for name, pid in stack.processes().items() if "-" not in name} == servers


def test_a_switchover_loses_nothing_and_everybody_follows(stack: Stack) -> None:
    acknowledged: list[int] = []
    is_over = threading.Event()

    def write() -> None:
        number = 0
        while not is_over.is_set():
            try:
                with psycopg.connect(anywhere(stack), autocommit=True) as connection:
                    while not is_over.is_set():
                        connection.execute(
                            "insert into written values (%s)", [number := number + 1]
                        )
                        acknowledged.append(number)
            except psycopg.OperationalError:
                time.sleep(0.02)

    with psycopg.connect(anywhere(stack), autocommit=True) as connection:
        connection.execute("create table written (number integer)")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(acknowledged) > 100)
        assert replicas(stack, "switchover", "--to", "replica").returncode == 1  # nobody said yes
        answer = replicas(stack, "switchover", "--to", "replica", "--yes")
        assert answer.returncode == 0, answer.stderr
        assert "replica is the primary" in answer.stdout
        after = len(acknowledged)
        until(lambda: len(acknowledged) > after + 100)
    finally:
        is_over.set()
        writer.join()
    with psycopg.connect(anywhere(stack)) as connection:
        kept = {number for (number,) in connection.execute("select number from written")}
    assert set(acknowledged) <= kept
    assert roles(stack) == {
        "replica": "green primary",
        **dict.fromkeys(["primary", "replica2", "analysts"], "green standby"),
    }
    assert {row["timeline"] for row in status(stack).values()} == {2}
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        psycopg.connect(stack.conninfo("analyst", "replica"))
    with psycopg.connect(stack.conninfo("analyst", "analysts")) as analyst:
        assert analyst.execute("select pg_is_in_recovery()").fetchone() == (True,)


def test_a_replica_is_removed_with_all_that_it_had(stack: Stack) -> None:
    address = status(stack)["replica2"]["address"]
    end_workers(stack)
    assert "replica2 is gone" in replicas(stack, "remove", "replica2", "--yes").stdout
    assert "replica2" not in status(stack)
    assert address not in stack.setting("SAFEROUTE_DATABASE_HOSTS")
    assert address not in seen_by_the_api(stack)
    servers = Path(stack.setting("SAFEROUTE_SERVERS"))
    assert not list(servers.glob("replica2*"))
    with psycopg.connect(anywhere(stack)) as connection:
        slots = connection.execute("select slot_name from pg_replication_slots").fetchall()
    assert sorted(slots) == [("analysts",), ("primary",)]


def test_a_switchover_that_was_interrupted_is_brought_to_its_end(stack: Stack) -> None:
    Supervisor(stack.folder).stop_process("replica")
    Server(Path(stack.setting("SAFEROUTE_SERVERS")) / "replica", 0).become_standby()
    assert "no server is the primary" in stack.run("up").stderr
    answer = replicas(stack, "switchover")
    assert answer.returncode == 0, answer.stderr
    until(lambda: sorted(roles(stack).values()) == ["green primary", *["green standby"] * 2])
