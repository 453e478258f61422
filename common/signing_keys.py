"""The keys that sign our access tokens: a folder with one file per key.

The command writes the folder, API processes follow it. A file is a private JSON Web Key (Ed25519)
with `signs_from`, the Unix time from which it signs: verifiers get to know a key before they meet
it. A key that another one has followed stays published until its last token has expired.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.settings import REPOSITORY

ALGORITHM = "EdDSA"
TOKEN_LIFETIME = 15 * 60
"""Seconds an access token is valid."""
PUBLISHED_BEFORE = 10 * 60
"""Seconds between the publication of a key and its first token: copies of the key set and of the
folder have that long to follow."""
_CLOCKS_APART = 60  # seconds; for so much longer than its last token is valid a key stays
_algorithm = jwt.algorithms.OKPAlgorithm()


@dataclass(frozen=True)
class SigningKey:
    """One key of the folder."""

    kid: str
    """Its JWK thumbprint (RFC 7638)."""
    signs_from: int
    """Unix time."""
    private: Ed25519PrivateKey

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The key as verifiers get it."""
        public = _algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {
            "kty": public["kty"],
            "crv": public["crv"],
            "x": public["x"],
            "kid": self.kid,
            "alg": ALGORITHM,
            "use": "sig",
        }


def folder(directory: Path) -> Path:
    """The folder as an absolute path: from the repository, if it is not one."""
    return REPOSITORY / directory


def read(directory: Path) -> list[SigningKey]:
    """The keys of a folder, in the order in which they sign. Raises ValueError, OSError."""
    keys = [_read(path) for path in folder(directory).glob("*.jwk")]
    return sorted(keys, key=lambda key: (key.signs_from, key.kid))


def signing(keys: Sequence[SigningKey], now: float) -> SigningKey | None:
    """The key that signs now: the newest whose time has come, or else the first to come."""
    ready = [key for key in keys if key.signs_from <= now]
    return ready[-1] if ready else next(iter(keys), None)


def published(keys: Sequence[SigningKey], now: float) -> list[SigningKey]:
    """The keys that verify: all but those whose last token has expired."""
    followers = [*keys[1:], None]
    return [
        key
        for key, follower in zip(keys, followers, strict=False)
        if follower is None or now < follower.signs_from + TOKEN_LIFETIME + _CLOCKS_APART
    ]


def add(directory: Path) -> SigningKey:
    """Write a new key, which signs at once where it is the only one; remove those that left."""
    place = folder(directory)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = int(time.time())
    keys = read(directory)
    private = Ed25519PrivateKey.generate()
    jwk = _algorithm.to_jwk(private, as_dict=True)
    kid = _thumbprint(jwk)
    key = SigningKey(kid, now + PUBLISHED_BEFORE if keys else now, private)
    text = orjson.dumps({**jwk, "kid": kid, "signs_from": key.signs_from})
    draft = place / f"{kid}.draft"
    draft.touch(mode=0o600)
    draft.write_bytes(text)
    draft.replace(place / f"{kid}.jwk")
    for gone in set(keys) - set(published(keys, now)):
        (place / f"{gone.kid}.jwk").unlink(missing_ok=True)
    return key


def _read(path: Path) -> SigningKey:
    content = orjson.loads(path.read_bytes())
    private = _algorithm.from_jwk(content)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not a private key")
    return SigningKey(_thumbprint(content), int(content["signs_from"]), private)


def _thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: SHA-256 of the required members, in the order of their names."""
    members = {name: jwk[name] for name in ("crv", "kty", "x")}
    return jwt.utils.base64url_encode(sha256(orjson.dumps(members)).digest()).decode()
