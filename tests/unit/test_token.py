import subprocess
import sys
import time
import uuid

import jwt
import pytest

SECRET = "a-secret-of-more-than-thirty-two-characters"


def saferoute(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own with nothing but this environment."""
    return subprocess.run(
        [sys.executable, "-c", "from ops.command import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"SAFEROUTE_ENV_FILE": "/nonexistent", **environment},
    )


def test_prints_a_token_and_nothing_else() -> None:
    person = str(uuid.uuid4())
    result = saferoute(
        "token", "--role", "authenticated", "--sub", person, SAFEROUTE_JWT_SECRET=SECRET
    )
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    claims = jwt.decode(result.stdout.strip(), SECRET, algorithms=["HS256"])
    assert (claims["role"], claims["sub"]) == ("authenticated", person)
    assert time.time() < claims["exp"] < time.time() + 24 * 3600


def test_names_the_audience_the_api_asks_for() -> None:
    result = saferoute(
        "token", SAFEROUTE_JWT_SECRET=SECRET, SAFEROUTE_JWT_AUDIENCE="https://walks.example"
    )
    assert jwt.decode(
        result.stdout.strip(), SECRET, algorithms=["HS256"], audience="https://walks.example"
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--sub", "not-a-uuid"], {"SAFEROUTE_JWT_SECRET": SECRET}),
        (["--role", "authenticated"], {}),
    ],
)
def test_refuses_in_one_line(arguments: list[str], environment: dict[str, str]) -> None:
    result = saferoute("token", *arguments, **environment)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
