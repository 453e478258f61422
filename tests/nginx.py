"""A gateway of the tests: a real nginx on a free port, in a folder of its own."""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops import gateway
from ops.cluster import free_port
from ops.gateway import Gateway


class Front:
    """A running nginx."""

    def __init__(self, gateway: Gateway, process: "subprocess.Popen[bytes]") -> None:
        self.gateway = gateway
        self.process = process
        scheme = "https" if gateway.certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{gateway.port}"

    @property
    def workers(self) -> list[int]:
        """The process ids of those that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The access log so far."""
        return [json.loads(line) for line in self.gateway.access_log.read_text().splitlines()]

    def logged(self, request_id: str) -> dict[str, Any]:
        """The line of a request, which nginx writes once it has sent the answer."""
        deadline = time.monotonic() + 5
        while True:
            found = [line for line in self.log if line["request_id"] == request_id]
            if found:
                return found[-1]
            assert time.monotonic() < deadline, f"no line of {request_id}"
            time.sleep(0.01)

    def errors(self) -> str:
        return (self.gateway.data / "errors.log").read_text()


@contextmanager
def running_gateway(
    api: Iterable[int],
    live: Iterable[int] = (1,),
    text: Callable[[Gateway], str] | None = None,
    **settings: Any,
) -> Iterator[Front]:
    """nginx in front of the processes at these ports until the block ends.

    `text` makes another configuration of it.
    """
    with tempfile.TemporaryDirectory(prefix="saferoute-gateway-") as folder:
        Path(folder).chmod(0o755)
        known = Gateway(
            Path(folder) / "gateway",
            (f"127.0.0.1:{free_port()}",),
            tuple(f"127.0.0.1:{port}" for port in api),
            tuple(f"127.0.0.1:{port}" for port in live),
            **settings,
        )
        known.configure()
        if text is not None:
            known.configuration.write_text(text(known))
        as_user = gateway.user() if os.geteuid() == 0 else None
        with (known.data / "errors.log").open("w") as errors:
            process = subprocess.Popen(
                known.command,
                stderr=errors,
                cwd=known.data,
                user=as_user,
                group=as_user,
                extra_groups=[] if as_user else None,
            )
            try:
                _wait_for(known, process)
                yield Front(known, process)
            finally:
                process.terminate()
                process.wait()


def _wait_for(known: Gateway, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", known.port), timeout=20).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError((known.data / "errors.log").read_text())
