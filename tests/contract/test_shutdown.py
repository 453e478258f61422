"""SIGTERM: whatever was accepted is answered."""

import contextlib
import http.client
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api import front as api_front
from tests.conftest import Primary
from tests.contract.fronts import Fronted, answers, fronted, read_all
from tests.contract.serving import Api, serve
from tests.contract.test_slow_clients import eventually

GET = b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.contextmanager
def slow_call(front: Fronted, request: bytes = SLOW) -> Iterator[socket.socket]:
    """A client whose call runs until it is released."""
    with front.connect() as client:
        client.sendall(request)
        assert front.recorder.started.wait(10)
        yield client


def stop(front: Fronted) -> None:
    front.front.handle_exit(signal.SIGTERM, None)
    eventually(lambda: front.traffic.is_draining)


def is_refused(front: Fronted) -> bool:
    try:
        knock(front)
    except ConnectionRefusedError:
        return True
    except TimeoutError:  # it does not listen any more, and has not closed its socket yet
        pass
    return False


def knock(front: Fronted) -> None:
    """Connect, and leave; TCP itself would ask again after a second."""
    socket.create_connection(("127.0.0.1", front.port), timeout=0.2).close()


def test_a_running_call_ends_and_says_so() -> None:
    with fronted() as front, slow_call(front) as client:
        stop(front)
        eventually(lambda: is_refused(front))
        front.recorder.released.set()
        (answer,) = answers(read_all(client))
        assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_pipelined_calls_end_too() -> None:
    with fronted() as front, slow_call(front, SLOW + GET) as client:
        stop(front)
        front.recorder.released.set()
        first, second = answers(read_all(client))
        assert (first.status, "connection" in first.headers) == (200, False)
        assert (second.status, second.headers["connection"]) == (200, "close")


def test_new_and_quiet_connections_are_served_while_the_balancer_looks() -> None:
    with fronted(drain_s=60) as front, front.connect() as quiet:
        eventually(lambda: len(front.traffic.connections) == 1)
        stop(front)
        assert not is_refused(front)
        (new,) = front.exchange(GET)
        quiet.sendall(GET)
        (old,) = answers(read_all(quiet))
        for answer in (new, old):
            assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_a_connection_just_made_is_served_when_no_more_are() -> None:
    with fronted() as front, front.connect() as fresh:
        stop(front)
        eventually(lambda: is_refused(front))
        fresh.sendall(GET)
        (answer,) = answers(read_all(fresh))
        assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_no_connection_is_made_that_nobody_would_serve(monkeypatch) -> None:
    """Between the last look at who waits and the closing of the socket."""
    monkeypatch.setattr(api_front, "HANDSHAKE_S", 0.5)
    with fronted() as front, front.connect() as before:
        stop(front)
        with pytest.raises(TimeoutError):
            knock(front)
        before.sendall(GET)
        (answer,) = answers(read_all(before))
        assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_a_quiet_connection_is_closed_in_the_end() -> None:
    with fronted() as front, front.connect() as quiet:
        quiet.sendall(GET)
        assert quiet.recv(65536).startswith(b"HTTP/1.1 200")
        stop(front)
        assert read_all(quiet) == b""
        eventually(lambda: not front.traffic.connections)


def test_a_second_signal_ends_it_at_once() -> None:
    with fronted(drain_s=60) as front, slow_call(front) as client:
        stop(front)
        front.front.handle_exit(signal.SIGTERM, None)
        (answer,) = answers(read_all(client))
        assert (answer.status, answer.code) == (503, "PGRST000")
        front.recorder.released.set()


def test_so_does_a_call_that_never_ends(monkeypatch) -> None:
    monkeypatch.setattr(api_front, "END_S", 0.5)
    with fronted() as front, slow_call(front) as client:
        stop(front)
        (answer,) = answers(read_all(client))
        assert (answer.status, answer.code) == (503, "PGRST000")
        front.recorder.released.set()


@dataclass
class Hammer:
    """Calls over keep-alive connections until no more connection is accepted."""

    api: Api
    answered: int = 0
    closed: int = 0
    lost: list[str] = field(default_factory=list)

    def run(self) -> None:
        where = urlsplit(self.api.url)
        client = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                client.connect()
            except OSError:
                return
            try:
                self._call(client)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
            client.close()

    def _call(self, client: http.client.HTTPConnection) -> None:
        """Until an answer says that it is the last one."""
        while True:
            client.request("POST", "/rpc/echo", b'{"words":"x"}')
            answer = client.getresponse()
            if answer.status != 200 or answer.read() != b'"x"':
                self.lost.append(str(answer.status))
            self.answered += 1
            if answer.will_close:
                self.closed += 1
                return


def test_nothing_is_lost_under_load(database: psycopg.Connection, primary: Primary) -> None:
    settings = {"SAFEROUTE_DRAIN_S": "0.5"}
    with serve([primary.port], "contract", primary.password, **settings) as api:
        hammers = [Hammer(api) for _ in range(16)]
        threads = [threading.Thread(target=hammer.run) for hammer in hammers]
        slow: list[int] = []
        threads.append(
            threading.Thread(
                target=lambda: slow.append(
                    httpx.get(api.rpc("wait"), params={"seconds": 3}, timeout=20).status_code
                )
            )
        )
        for thread in threads:
            thread.start()
        eventually(lambda: all(hammer.answered > 20 for hammer in hammers))
        running = "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
        eventually(lambda: database.execute(running).fetchone() is not None)
        api.process.send_signal(signal.SIGTERM)
        eventually(lambda: httpx.get(f"{api.admin}/ready").status_code == 503)
        assert httpx.get(f"{api.admin}/live").status_code == 200
        for thread in threads:
            thread.join()
        assert slow == [204]
        assert [hammer.lost for hammer in hammers] == [[]] * len(hammers)
        assert all(hammer.closed for hammer in hammers)
        with contextlib.suppress(subprocess.TimeoutExpired):
            api.process.wait(5)
        assert api.process.returncode is not None
