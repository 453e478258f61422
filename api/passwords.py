"""Passwords: hashed with Argon2id in threads of their own, so that the event loop never waits.

A hash is meant to be dear: 19 MiB and about 20 ms of a core. So there are never more at once than
cores but one, and no more waiting than are done in about a second; who comes then is told to come
again, and calls that need no password go on.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 256
"""Characters."""
_WAITING = 40
"""Hashes that may wait for each thread."""
_COMMON_TEXT = """
1234567890 0123456789 12345678910 123456789a 123456789q 1234567891 0987654321 9876543210
12345123451 1234512345 1212121212 1231231231 123123123123 1122334455 11223344556 147258369147
qwertyuiop qwerty1234 qwerty12345 qwerty123456 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5
q1w2e3r4t5y6 qazwsxedc1 qazwsxedcrfv asdfghjkl1 asdfghjkl; zxcvbnm123 qwertyuiop123 abcdefghij
abcdefghijk abcd123456 abcdef1234 abc1234567 a123456789 aa12345678 a1b2c3d4e5 password12
password123 password1234 password12345 password01 password11 password99 passw0rd123 p@ssw0rd123
p@ssword123 mypassword passwordpassword changeme123 letmein123 letmein1234 welcome123
welcome1234 iloveyou12 iloveyou123 iloveyou1234 sunshine123 princess123 football123 baseball123
basketball liverpool1 manchester chocolate1 superman123 michael123 charlie123 jennifer1
dragon12345 master1234 monkey1234 trustno1234 starwars123 computer123 internet123 administrator
admin12345 admin123456 administrator1 adminadmin rootroot12 testtest12 test123456 testing123
guest12345 user123456 secret1234 login12345 access1234 hello12345 helloworld hello123456
qwerty7890 zaq12wsx34 zaq1zaq1zaq1 google1234 facebook12 facebook123 samsung123 pokemon123
saferoute1 saferoute123 saferoutesaferoute
"""
_COMMON = frozenset(_COMMON_TEXT.split())
_Result = TypeVar("_Result")


class TooManyHashesError(Exception):
    """So many wait for their hash that one more would wait too long."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, cores: int | None = None) -> None:
        """Threads for all but one of the cores; the parameters are OWASP's."""
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = max(1, (cores or os.cpu_count() or 1) - 1)
        self._pool = ThreadPoolExecutor(self._threads, "argon2")
        self._waiting = 0
        self._nobodys = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """The PHC string of a password."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; False where there is no hash, after just as long."""

        def check() -> bool:
            try:
                return self._hasher.verify(password_hash or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= self._threads * _WAITING:
            raise TooManyHashesError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def weakness(password: str) -> str | None:
    """Why it cannot be a password; None where it can."""
    length = len(_normal(password))
    if length < SHORTEST:
        return f"It has fewer than {SHORTEST} characters."
    if length > LONGEST:
        return f"It has more than {LONGEST} characters."
    if password.casefold() in _COMMON or len(set(password)) == 1:
        return "It is among the first that are tried."
    return None


def _normal(password: str) -> str:
    """The same text from every keyboard (NFKC): é can be one character or two."""
    return unicodedata.normalize("NFKC", password)
