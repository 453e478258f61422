"""PostgreSQL by TLS: nobody speaks to it in plain, nor to one that is not what it should be."""

import contextlib
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from common.settings import REPOSITORY
from tests.contract.serving import Api
from tests.contract.test_slow_clients import eventually
from tests.contract.tls.conftest import NAME, Town

SESSIONS = """
select distinct coalesce(t.version, 'plain')
from pg_stat_activity as a join pg_stat_ssl as t using (pid)
where a.datname = current_database() and a.application_name like %s
"""
REASONS = [
    "IP address mismatch, certificate is not valid for '127.0.0.1'.",
    "certificate has expired",
    "unable to get local issuer certificate",
]


def how(town: Town, application: str) -> set[str]:
    """How the sessions of an application are encrypted."""
    return {version for (version,) in town.database.execute(SESSIONS, [f"{application}%"])}


def status(client: httpx.Client, api: Api) -> int:
    """Of a call that needs the database."""
    return client.get(api.rpc("echo"), params={"words": "hello"}).status_code


def test_plain_connections_are_refused_by_the_server(town: Town) -> None:
    where = town.primary.conninfo(NAME)
    psycopg.connect(where, sslmode="require").close()
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(where, sslmode="disable")


def test_every_session_of_the_api_is_encrypted(town: Town, client: httpx.Client, api: Api) -> None:
    assert status(client, api) == 200
    assert how(town, "saferoute_api") == {"TLSv1.3"}


@pytest.mark.parametrize("reason", REASONS)
def test_a_server_that_is_not_what_it_should_be_is_not_used(
    town: Town, client: httpx.Client, api: Api, reason: str
) -> None:
    town.show(town.bad[reason])
    try:
        town.cut("saferoute_api")
        eventually(lambda: status(client, api) == 503)
        expected = (
            f"127.0.0.1:{town.primary.port} is not used: its certificate is refused: {reason}"
        )
        eventually(lambda: [line["message"] for line in api.lines()].count(expected) == 1)
        told = town.command("alerts", "dead-letters")
        assert (told.returncode, told.stdout) == (2, "")
        assert len(told.stderr.splitlines()) == 1
        assert told.stderr.startswith("saferoute: the database does not answer: ")
    finally:
        town.show(town.good)
    eventually(lambda: status(client, api) == 200)
    assert "Traceback" not in api.log.read_text()


def test_an_api_by_tls_does_not_speak_in_plain_where_the_server_has_none(
    town: Town, client: httpx.Client
) -> None:
    town.database.execute("alter system set ssl = off")
    town.database.execute("select pg_reload_conf()")
    try:
        with town.serve() as api:
            assert status(client, api) == 503
            assert api.messages().count(f"{town.address} is not used: has no TLS") == 1
    finally:
        town.database.execute("alter system set ssl = on")
        town.database.execute("select pg_reload_conf()")


def test_workers_and_their_broker_are_encrypted(town: Town, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with log.open("w") as stream:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker", "alarm"],
            cwd=REPOSITORY,
            env=town.environment(),
            stdout=stream,
            stderr=stream,
        )
    with contextlib.ExitStack() as ending:
        ending.callback(worker.wait)
        ending.callback(worker.kill)
        eventually(lambda: how(town, "saferoute queues") != set())
        assert how(town, "saferoute queues") == {"TLSv1.3"}


def test_commands_are_encrypted(town: Town) -> None:
    told = town.command("alerts", "dead-letters")
    assert (told.returncode, told.stderr) == (0, "")


def test_a_process_that_cannot_use_its_files_does_not_start(town: Town) -> None:
    expired = town.bad["certificate has expired"]
    identity = {
        "SAFEROUTE_TLS_CERTIFICATE": str(expired.path),
        "SAFEROUTE_TLS_KEY": str(expired.key_path),
    }
    for words in (["api"], ["worker", "alarm"]):
        process = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=REPOSITORY,
            env=town.environment(**identity),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert process.returncode == 2
        told = f"saferoute: SAFEROUTE_TLS_CERTIFICATE: {expired.path} has expired, on "
        assert process.stderr.startswith(told)
        assert len(process.stderr.splitlines()) == 1
