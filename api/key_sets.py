"""Public keys of other issuers: fetched off the event loop, kept, and fetched anew seldom.

A token with an unknown key can make us ask the issuer at most every `APART` seconds, however many
come; while it does not answer, the keys that are known go on for `TRUSTED` seconds.
"""

import asyncio
import contextlib
import logging
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import jwt
import orjson

from common.addresses import key_address
from common.issuers import OidcIssuer

APART = 10.0
"""Least seconds between two questions to one issuer."""
FRESH = 300.0
"""Seconds after which keys are fetched anew, while those that are known serve on."""
TRUSTED = 3600.0
"""Seconds after which keys that could not be confirmed are no longer trusted."""
_TIMEOUT = 5  # seconds
_SIZE_LIMIT = 256 * 1024  # bytes of a document
_DISCOVERY = "/.well-known/openid-configuration"

logger = logging.getLogger("saferoute.api")


class NoKeysError(Exception):
    """The issuer does not tell its keys."""


class KeySet:
    """The keys of one issuer."""

    def __init__(self, fetch: Callable[[], dict[str, Any]]) -> None:
        """`fetch` gets the key set; it may block and raise OSError or ValueError."""
        self._fetch = fetch
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._confirmed_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    @classmethod
    def at(cls, url: str) -> "KeySet":
        """The key set at this address."""
        return cls(lambda: _document(url))

    @classmethod
    def of(cls, issuer: OidcIssuer) -> "KeySet":
        """The key set of an issuer of the settings."""
        return cls(lambda: _document(issuer.jwks_url or _discovered(issuer.issuer)))

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of this id, or the only key where a token names none; None where there is none.

        Raises NoKeysError while the issuer tells none.
        """
        age = time.monotonic() - self._confirmed_at
        if age > TRUSTED or kid not in self._keys:
            await self._ask()
        elif age > FRESH:
            self._begin_asking()
        if time.monotonic() - self._confirmed_at > TRUSTED:
            raise NoKeysError
        return self._keys.get(kid)

    async def _ask(self) -> None:
        self._begin_asking()
        if self._asking is not None:
            # One request that is given up must not end the question of the others.
            await asyncio.shield(self._asking)

    def _begin_asking(self) -> None:
        if self._asking is None and time.monotonic() - self._asked_at > APART:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            found = _usable(await asyncio.to_thread(self._fetch))
        except (OSError, ValueError, AttributeError, TypeError) as error:
            logger.warning("an issuer's keys cannot be fetched: %s", type(error).__name__)
        else:
            self._keys = found
            self._confirmed_at = time.monotonic()
        finally:
            self._asking = None


def _usable(document: dict[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """The keys that can verify, by id; the only one also without."""
    keys: dict[str | None, jwt.PyJWK] = {}
    for entry in document["keys"]:
        if entry.get("use", "sig") == "sig":
            with contextlib.suppress(jwt.PyJWTError):
                keys[entry.get("kid")] = jwt.PyJWK(entry)
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    return keys


def _discovered(issuer: str) -> str:
    """Address of the key set, as the issuer's own document tells."""
    document = _document(issuer.rstrip("/") + _DISCOVERY)
    if document["issuer"] != issuer:
        raise ValueError("the document is of another issuer")
    return key_address(document["jwks_uri"])


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An address of the settings is fetched, and no other that its server may name."""

    def redirect_request(self, *_arguments: Any) -> None:
        raise ValueError("a redirect is not followed")


_opener = urllib.request.build_opener(_NoRedirects)


def _document(url: str) -> dict[str, Any]:
    with _opener.open(url, timeout=_TIMEOUT) as answer:
        text = answer.read(_SIZE_LIMIT + 1)
    if len(text) > _SIZE_LIMIT:
        raise ValueError("the document is too long")
    document: dict[str, Any] = orjson.loads(text)
    return document
