"""Passwords, how often they may be tried, and the tokens that are given for them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import jwt

from common import signing_keys
from tests.contract.accounts.person import OTHER_PASSWORD, Person, other, signed
from tests.contract.test_rpc import assert_error


def test_a_new_password_ends_every_session(person: Person) -> None:
    tokens = person.sign_up()
    code = person.code("reset_password")
    body = {"phone": person.phone, "password": OTHER_PASSWORD}
    assert_error(person.post("reset-password", **body, code=other(code)), 400, "SR042")
    assert person.refresh(tokens["refresh_token"]).status_code == 200
    assert person.post("reset-password", **body, code=code).status_code == 204
    assert_error(person.post("reset-password", **body, code=code), 400, "SR042")
    assert_error(person.sign_in(), 401, "SR040")
    assert person.sign_in(OTHER_PASSWORD).status_code == 200
    sessions = person.client.get("/auth/sessions", headers=signed(tokens)).json()
    assert len(sessions) == 1


@contextmanager
def limited(person: Person, kind: str, subject: str, amount: int) -> Iterator[None]:
    """Within the block, a hard limit of the shipped kind; its API has heard of it."""
    statement = "insert into core.rate_limits values (%s, %s, null, %s, 600, true)"
    person.database.execute(statement, [kind, subject, amount])
    try:
        deadline = time.monotonic() + 10
        stranger = Person(person.client, person.database)
        while stranger.sign_in("wrong").status_code != 429:
            assert time.monotonic() < deadline
        yield
    finally:
        person.database.execute("delete from core.rate_limits")
        while person.sign_in("wrong").status_code == 429:
            assert time.monotonic() < deadline + 10


def test_tries_are_limited_by_the_account_they_are_for(person: Person) -> None:
    tokens = person.sign_up()
    stranger = Person(person.client, person.database)
    with limited(person, "sign_in", "address", 3):
        for somebody in (person, stranger):
            answers = [somebody.sign_in("wrong") for _ in range(4)]
            assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
            assert_error(answers[-1], 429, "SR070")
            assert not any("ratelimit" in answer.headers for answer in answers[:3])
        assert_error(person.sign_in(), 429, "SR070")
        # Whoever has stolen a token cannot try passwords with ever new addresses.
        statuses = [
            person.client.post(
                "/auth/verify",
                json={"email": f"x{n}@example.com", "code": "000000", "password": "wrong"},
                headers=signed(tokens),
            ).status_code
            for n in range(4)
        ]
        assert statuses == [401, 401, 401, 429]
        assert person.refresh(tokens["refresh_token"]).status_code == 200, "who is in stays in"


def test_the_key_set_verifies_and_rotates(
    client: httpx.Client, person: Person, folder: Path
) -> None:
    tokens = person.sign_up()
    answer = client.get("/.well-known/jwks.json")
    assert "max-age" in answer.headers["cache-control"]
    keys = jwt.PyJWKSet.from_dict(answer.json())
    kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
    claims = jwt.decode(tokens["access_token"], keys[kid], ["EdDSA"], audience="saferoute")
    assert claims["sub"] == tokens["user_id"]
    added = signing_keys.add(folder)
    deadline = time.monotonic() + 10
    while added.kid not in client.get("/.well-known/jwks.json").text:
        assert time.monotonic() < deadline
    renewed = person.refresh(tokens["refresh_token"]).json()
    assert jwt.get_unverified_header(renewed["access_token"])["kid"] == kid, "the new one waits"
