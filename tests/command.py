"""The `saferoute` command as an operator runs it."""

import contextlib
import io
import os
import subprocess
import sys

import psycopg
import pytest

from common.settings import settings
from ops.command import main


def saferoute(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments; no environment file of the machine is read."""
    return subprocess.run(
        _line(arguments), capture_output=True, text=True, check=False, env=_environment(environment)
    )


def start_saferoute(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    """The same, at work: for who wants to kill it. What it prints is lost."""
    return subprocess.Popen(
        _line(arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(environment),
    )


def _line(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-c", "from ops.command import main; main()", *map(str, arguments)]


def _environment(environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "SAFEROUTE_ENV_FILE": os.devnull, **environment}


def owners_environment(db: psycopg.Connection) -> dict[str, str]:
    """What the command needs to work on this database as saferoute_owner, who gets a password."""
    db.execute("alter role saferoute_owner password 'owner'")
    db.commit()
    return {
        "SAFEROUTE_DATABASE_HOSTS": f"{db.info.host}:{db.info.port}",
        "SAFEROUTE_DATABASE": db.info.dbname,
        "SAFEROUTE_OWNER_PASSWORD": "owner",
    }


def saferoute_here(
    *arguments: object, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The same within this process, whose settings it takes: saves a second of imports."""
    words = ["saferoute", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        for key, value in environment.items():
            patch.setenv(key, value)
        settings.cache_clear()
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    settings.cache_clear()
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
