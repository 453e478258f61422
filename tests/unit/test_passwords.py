import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from api.passwords import Passwords, TooManyHashesError, weakness

PASSWORD = "correct horse battery"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(cores=2)


async def test_a_password_is_hashed_with_the_parameters_of_owasp(passwords: Passwords) -> None:
    known = await passwords.hash(PASSWORD)
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert known != await passwords.hash(PASSWORD)
    assert await passwords.verify(known, PASSWORD)
    assert not await passwords.verify(known, PASSWORD + "!")
    assert not await passwords.verify("$argon2id$broken", PASSWORD)


async def test_letters_count_however_they_were_typed(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash("crème brûlée"), "crème brûlée")


async def test_who_has_no_account_costs_the_same_hash(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await passwords.hash(PASSWORD)
    parameters: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: str) -> bool:
        parameters.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify(known, "wrong")
    assert parameters[0] == parameters[1]
    assert len(parameters) == 2


async def test_older_parameters_are_noticed(passwords: Passwords) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    assert await passwords.verify(older, PASSWORD)
    assert passwords.is_outdated(older)
    assert not passwords.is_outdated(await passwords.hash(PASSWORD))


async def test_one_more_than_can_be_done_soon_is_refused(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    running = []

    def slow(self: PasswordHasher, password: str) -> str:
        running.append(password)
        go.wait()
        running.pop()
        return "hash"

    monkeypatch.setattr(PasswordHasher, "hash", slow)
    waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(40)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyHashesError):
        await passwords.hash(PASSWORD)
    assert len(running) <= 1, "one core stays free"
    go.set()
    assert await asyncio.gather(*waiting) == ["hash"] * 40
    assert await passwords.hash(PASSWORD) == "hash"


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("correct horse", True),
        ("ñandú ñandú", True),
        ("x" * 9, False),
        ("short pwd", False),
        ("y" * 300, False),
        ("ab" * 128, True),
        ("ab" * 128 + "a", False),
        ("1234567890", False),
        ("Password1234", False),
        ("aaaaaaaaaaaa", False),
    ],
)
def test_what_can_be_a_password(password: str, is_good: bool) -> None:
    assert (weakness(password) is None) == is_good
