"""The API as its users meet it: a process of its own on a free port."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import psycopg

from common.settings import REPOSITORY
from ops import schema
from ops.cluster import free_port
from tests.conftest import Primary

SECRET = "the-secret-of-the-contract-tests-0123456789"


@dataclass(frozen=True)
class Api:
    """A running API."""

    url: str
    admin: str
    """Address of the admin port."""
    process: "subprocess.Popen[str]"
    log: Path
    """What the process writes to stderr."""

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def messages(self) -> list[str]:
        """What the log says so far."""
        return [line["message"] for line in self.lines()]

    def rpc(self, name: str) -> str:
        return f"{self.url}/rpc/{name}"


@contextmanager
def serve(
    hosts: list[int], database: str, password: str, module: str = "api", **settings: str
) -> Iterator[Api]:
    """Run `python -m api` on the servers at these ports until the block ends."""
    port, admin_port = int(settings.get("SAFEROUTE_API_PORT", free_port())), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": ",".join(f"127.0.0.1:{host}" for host in hosts),
        "SAFEROUTE_DATABASE": database,
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": password,
        "SAFEROUTE_API_PORT": str(port),
        "SAFEROUTE_LIVE_PORT": str(port),
        "SAFEROUTE_ADMIN_PORT": str(admin_port),
        "SAFEROUTE_JWT_SECRET": SECRET,
        "SAFEROUTE_DRAIN_S": "0",
        "SAFEROUTE_REDIS_HOSTS": "127.0.0.1:1",  # nobody
        **settings,
    }
    with (
        tempfile.NamedTemporaryFile("w+", prefix="saferoute-api-", suffix=".log") as log,
        subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            scheme = "http" if module == "api" else "ws"
            if "SAFEROUTE_TLS_CERTIFICATE" in settings:
                scheme += "s"
            url = f"{scheme}://127.0.0.1:{port}"
            assert line == f"listening on {url}\n", Path(log.name).read_text()
            yield Api(
                url,
                f"http://127.0.0.1:{admin_port}",
                process,
                Path(log.name),
            )
        finally:
            process.terminate()
            process.wait()
            sys.stderr.write(Path(log.name).read_text())  # for pytest to show or to look at


@contextmanager
def database_to_serve(primary: Primary, template, name: str) -> Iterator[psycopg.Connection]:
    """The superuser's connection to a new database, which the API can log in to."""
    where = primary.conninfo(name)
    with primary.copy(template, name), psycopg.connect(where, autocommit=True) as connection:
        schema.set_passwords(where, {"authenticator": primary.password})
        raise_limits(connection)
        yield connection


def raise_limits(connection: psycopg.Connection) -> None:
    """Let a test's one address call as often as it likes. Without Redis, classes that fail closed
    (signing in and up, codes) are refused all the same.
    """
    connection.execute(
        "update core.rate_limits set amount = case when is_hard then 1000 else 1000000 end"
    )


def bearer(role: str | None = "authenticated", **claims: Any) -> dict[str, str]:
    """The Authorization header of a token with these claims, good for an hour."""
    payload = {"role": role, "exp": int(time.time()) + 3600, **claims}
    known = {name: value for name, value in payload.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(known, SECRET, 'HS256')}"}
