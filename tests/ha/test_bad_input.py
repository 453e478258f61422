"""An operator's mistakes with a cluster: one line that says what is wrong, and nothing is begun."""

import fcntl
import http.server
import json
import os
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.settings import settings
from ops.errors import OperatorError
from ops.ha import checks, namespaces, secrets
from ops.ha import cluster as clusters
from ops.ha.cluster import Cluster
from ops.ha.inventory import PATRONI_PORT, Inventory, read
from tests.command import saferoute
from tests.ha.conftest import inventory

WHOLE = """
name = "bad"
network = "127.78.0.0/24"
public = "127.78.0.20"
hosts = { a = "127.78.0.11", b = "127.78.0.12", c = "127.78.0.13" }
gateways = { g1 = "127.78.0.21", g2 = "127.78.0.22" }
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (WHOLE, 'name = "bad"\nnetw', "is not TOML"),
        ('name = "bad"', "", "name: Field required"),
        ("gateways", "gatways", "gateways: Field required"),
        (', c = "127.78.0.13"', "", "three, or a larger odd number"),
        ("127.78.0.13", "127.78.0.12", "is given twice"),
        ("127.78.0.13", "10.1.1.1", "10.1.1.1: not in the network"),
        ("127.78.0.13", "here", "hosts.2.address: Input is not a valid IPv4 address"),
        ("public", 'analysts = "d"\npublic', "analysts: d is none of the hosts"),
        ('"bad"', '"Bad Name"', "name: "),
    ],
)
def test_an_inventory_that_cannot_be(tmp_path: Path, before: str, after: str, said: str) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(WHOLE.replace(before, after))
    with pytest.raises(OperatorError) as refused:
        read(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", ["up", "render"])
def test_nothing_is_begun(tmp_path: Path, command: str) -> None:
    path, out = tmp_path / "cluster.toml", tmp_path / "out"
    path.write_text(WHOLE[:40])
    more = ["--out", out] if command == "render" else []
    result = saferoute("ha", command, "--inventory", path, *more)
    assert (result.returncode, result.stdout) == (2, "")
    assert "public: Field required" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_secrets_half_written(tmp_path: Path) -> None:
    secrets.known(tmp_path)
    path = tmp_path / "secrets.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(OperatorError, match=f"{path} is damaged"):
        secrets.known(tmp_path)


def test_an_installation_of_what_was_not_rendered(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(WHOLE)
    result = saferoute("ha", "install", "--inventory", path, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "`saferoute ha render` first" in result.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_two_at_once(tmp_path: Path) -> None:
    cluster = Cluster(inventory(), tmp_path / "state")
    with (tmp_path / f"{cluster.inventory.name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(OperatorError, match="another command is changing this cluster"):
            clusters.up(cluster)
    assert not cluster.state.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees whether there are such hosts")
def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_MEMORY", 2**50)
    cluster = Cluster(inventory(), tmp_path / "state")
    with pytest.raises(OperatorError, match=r"of memory, and [\d.]+ GB are free"):
        clusters.up(cluster)
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_another_program_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE_S", 0)
    cluster = Cluster(inventory(), tmp_path / "state")
    with simulated(cluster.inventory):
        host = cluster.inventory.hosts[1]
        listen = (
            "import socket; s = socket.create_server(('', 15432)); print(1, flush=True); input()"
        )
        stranger = subprocess.Popen(
            [*cluster.inside(host), sys.executable, "-c", listen],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with stranger:
            assert stranger.stdout is not None
            stranger.stdout.readline()
            said = r"port 15432 of host b is taken by another program \(\w+, process {}\)"
            with pytest.raises(OperatorError, match=said.replace("{}", str(stranger.pid))):
                clusters.up(cluster)
            assert namespaces.processes(cluster.inventory, host) == [stranger.pid]
            stranger.kill()
    assert not cluster.state.exists()


@contextmanager
def simulated(wanted: Inventory) -> Iterator[None]:
    """Hosts on which nothing runs."""
    try:
        namespaces.create(wanted)
    except (OperatorError, OSError) as error:
        pytest.skip(f"no simulated hosts here: {error}")
    try:
        yield
    finally:
        namespaces.remove(wanted)


# --- Real hosts, of which only what Patroni tells is here


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(clusters, "WHOLE_S", 0.1)
    monkeypatch.setenv("SAFEROUTE_ENV_FILE", os.devnull)
    found = Cluster(Inventory.model_validate(tomllib.loads(WHOLE)), tmp_path)
    found.settings_file.touch()
    yield found
    settings.cache_clear()


def test_patroni_nowhere(real: Cluster) -> None:
    with pytest.raises(OperatorError, match="Patroni does not answer: on each host, systemctl"):
        clusters.finish(real)


def test_a_dead_host_is_named(real: Cluster) -> None:
    with (
        patroni(real, members=["a", "b"]),
        pytest.raises(OperatorError, match="b quorum_standby streaming; no word of c"),
    ):
        clusters.finish(real)


def test_another_password(real: Cluster) -> None:
    with (
        patroni(real, members=["a", "b", "c"]),
        pytest.raises(OperatorError, match=r"Patroni at 127\.78\.0\.11:8008 refuses: no auth"),
    ):
        clusters.finish(real)


@contextmanager
def patroni(cluster: Cluster, members: list[str]) -> Iterator[None]:
    """The REST API of the first host. It knows no password that is right."""
    told = [
        {"name": name, "role": "quorum_standby" if number else "leader"}
        | {"state": "streaming" if number else "running", "timeline": 1}
        for number, name in enumerate(members)
    ]

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, json.dumps({"members": told}))

        def do_PATCH(self) -> None:
            self.answer(401, "no auth header received")

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    address = str(cluster.inventory.hosts[0].address), PATRONI_PORT
    with http.server.ThreadingHTTPServer(address, Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
