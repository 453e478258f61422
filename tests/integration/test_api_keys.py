"""`saferoute api-keys` as an operator runs it."""

import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256

import psycopg
import pytest

from tests.command import owners_environment, saferoute_here

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MAPS = ("--name", "Maps Ltd", "--contact", "it@maps.example")


@pytest.fixture
def run(db: psycopg.Connection) -> Run:
    environment = owners_environment(db)
    db.autocommit = True
    return lambda *words: saferoute_here("api-keys", *words, **environment)


def listed(run: Run) -> list[dict[str, object]]:
    return json.loads(run("list", "--json").stdout)


def test_a_key_is_made_listed_and_revoked(run: Run, db: psycopg.Connection) -> None:
    made = run("create", *MAPS, "--scope", "routes", "--scope", "reads", "--expires", "2999-01-31")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch("sr_[0-9a-f]{32}_[A-Za-z0-9_-]{43}", key)
    assert key not in made.stderr
    assert db.execute("select digest from core.api_keys").fetchone() == (
        sha256(key.encode()).digest(),
    )

    (row,) = listed(run)
    assert (row["name"], row["contact"], row["state"]) == ("Maps Ltd", "it@maps.example", "valid")
    assert row["scopes"] == ["reads", "routes"]
    assert str(row["expires_at"]).startswith("2999-01-31 00:00")
    assert key.startswith(str(row["prefix"]))
    table = run("list").stdout
    assert "Maps Ltd" in table
    assert key[36:] not in table

    revoked = run("revoke", row["prefix"])
    assert revoked.returncode == 0, revoked.stderr
    assert [row["state"] for row in listed(run)] == ["revoked"]
    assert run("revoke", row["api_key_id"]).stdout == revoked.stdout, "it keeps its time"


def test_the_key_as_json(run: Run) -> None:
    made = json.loads(run("create", *MAPS, "--scope", "reads", "--json").stdout)
    assert listed(run)[0]["api_key_id"] == made["api_key_id"]
    assert run("revoke", made["api_key"]).returncode == 0, "a whole key tells which it is as well"


def test_a_key_has_limits_of_its_own(run: Run, db: psycopg.Connection) -> None:
    limits = ("--limit", "routes=600/60", "--limit", "reads=5/1")
    assert run("create", *MAPS, "--scope", "reads", *limits).returncode == 0
    (row,) = listed(run)
    assert row["limits"] == ["reads=5/1", "routes=600/60"]
    query = "select class, amount, window_s, is_hard from core.rate_limits where api_key_id = %s"
    assert set(db.execute(query, [row["api_key_id"]])) == {
        ("routes", 600, 60, False),
        ("reads", 5, 1, False),
    }


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("create", *MAPS, "--scope", "reads", "--limit", "routes"), "routes is no limit: write"),
        (("create", *MAPS, "--scope", "reads", "--limit", "sos=1/1"), "sos=1/1 is no limit"),
        (("create", *MAPS, "--scope", "reads", "--limit", "nosuch=1/1"), "nosuch=1/1 is no limit"),
        (("create", *MAPS, "--scope", "reads", "--limit", "reads=0/1"), "reads=0/1 is no limit"),
        (("create", *MAPS, "--scope", "everything"), "no such scope: everything (There are codes,"),
        (("create", *MAPS, "--scope", "reads", "--expires", "2020-01-01"), "has passed"),
        (("create", *MAPS[:3], "", "--scope", "reads"), "a key has a name"),
        (("revoke", "sr_01"), "named by its id or its beginning"),
        (("revoke", "sr_' or true"), "named by its id or its beginning"),
        (("revoke", "sr_0123456789abcdef"), "there is no key 0123456789abcdef"),
    ],
)
def test_what_is_refused(run: Run, words: tuple[str, ...], refusal: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    (line,) = re.findall("(?m)^saferoute: .*$", done.stderr)
    assert refusal in line
    assert "nothing was changed" in line or words[0] == "revoke"
    assert listed(run) == []
