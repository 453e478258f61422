"""Who calls: the verified token of a request.

A token is verified once and then remembered; its times are checked on every request. HS256
needs the secret; a token of any other kind needs a public key of the key set, and the key, not
the token, says which algorithm it is for.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from jwt.utils import base64url_decode

from api.errors import RequestError, unavailable
from common.settings import Settings

ANONYMOUS_ROLE = "web_anon"
CLOCK_SKEW = 30.0
"""Seconds that another clock may differ from ours."""
_REMEMBERED = 10_000
_RECHECK = 300.0  # seconds after which a remembered token is verified anew: keys get revoked
_ASYMMETRIC = {
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The role a request runs as, and what is known of the person."""

    role: str
    claims: str
    """JSON text for `request.jwt.claims`."""
    is_known: bool
    """A token named the role."""
    valid_until: float
    """Unix time up to which the token need not be looked at again."""
    user_id: str | None = None
    """The person, as text of a UUID; none for anonymous callers and API keys."""
    api_key_id: str | None = None
    """The API key that calls, as text of a UUID."""
    scopes: frozenset[str] | None = None
    """Classes of endpoints the caller may use; none means all."""


ANONYMOUS = Caller(ANONYMOUS_ROLE, f'{{"role":"{ANONYMOUS_ROLE}"}}', False, float("inf"))


class Tokens:
    """Verifies bearer tokens and remembers those that passed."""

    def __init__(self, settings: Settings) -> None:
        """Keys and audience as in the settings; the key set is fetched when first needed."""
        secret = settings.jwt_secret
        self._secret = secret.get_secret_value() if secret else None
        self._audience = settings.jwt_audience
        self._keys = jwt.PyJWKClient(settings.jwks_url, timeout=5) if settings.jwks_url else None
        self._remembered: dict[bytes, Caller] = {}

    async def caller(self, authorization: bytes | None) -> Caller:
        """The caller that the Authorization header proves; anonymous without a bearer token."""
        if authorization is None:
            return ANONYMOUS
        caller = self._remembered.get(authorization)
        if caller is not None and time.time() < caller.valid_until:
            return caller
        if authorization[:7].lower() != b"bearer ":
            return ANONYMOUS
        caller = await self._verified(authorization[7:].strip().decode("latin-1"))
        if len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[authorization] = caller
        return caller

    async def _verified(self, token: str) -> Caller:
        claims = await self._claims(token)
        self._check_audience(claims)
        until = min(_check_times(claims), time.time() + _RECHECK)
        role = claims.get("role")
        if not isinstance(role, str | None):
            raise invalid("PGRST303", "The JWT 'role' claim must be a string")
        known = {**claims, "role": role or ANONYMOUS_ROLE}
        sub = claims.get("sub")
        user_id = sub if isinstance(sub, str) else None
        return Caller(known["role"], orjson.dumps(known).decode(), bool(role), until, user_id)

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature holds."""
        if not token:
            raise invalid("PGRST301", "Empty JWT is sent in Authorization header")
        if token.count(".") != 2:
            parts = token.count(".") + 1
            raise invalid("PGRST301", f"Expected 3 parts in JWT; got {parts}")
        try:
            key, algorithm = await self._key(token)
            payload = jwt.api_jws.decode(token, key, algorithms=[algorithm])
        except jwt.PyJWKClientConnectionError:
            raise unavailable("The issuer of the tokens does not answer", "PGRST301") from None
        except (jwt.InvalidSignatureError, jwt.PyJWKClientError):
            raise _no_key() from None
        except (jwt.PyJWTError, ValueError):
            raise invalid("PGRST301", "JWT cryptographic operation failed") from None
        try:
            claims = orjson.loads(payload)
        except ValueError:
            claims = None
        if not isinstance(claims, dict):
            raise invalid("PGRST301", "The JWT payload must be a JSON object")
        return claims

    async def _key(self, token: str) -> tuple[str | jwt.PyJWK, str]:
        """The key for this token and the one algorithm the key is for."""
        header = orjson.loads(base64url_decode(token.partition(".")[0]))
        algorithm = header.get("alg") if isinstance(header, dict) else None
        if algorithm == "HS256" and self._secret:
            return self._secret, "HS256"
        if algorithm in _ASYMMETRIC and self._keys:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            if key.algorithm_name not in _ASYMMETRIC:
                raise _no_key()
            return key, key.algorithm_name
        unsecured = "JWT is unsecured but expected 'alg' was not 'none'"
        raise invalid(
            "PGRST301",
            "Wrong or unsupported encoding algorithm",
            unsecured if algorithm == "none" else None,
        )

    def _check_audience(self, claims: dict[str, Any]) -> None:
        audience = claims.get("aud") or []
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not all(isinstance(a, str) for a in audiences):
            raise invalid("PGRST303", "The JWT 'aud' claim must be a string or an array of strings")
        if self._audience and audiences and self._audience not in audiences:
            raise invalid("PGRST303", "JWT not in audience")


def invalid(code: str, message: str, details: str | None = None) -> RequestError:
    """401: the token proves nothing."""
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return RequestError(401, code, message, details, headers={"www-authenticate": challenge})


def _no_key() -> RequestError:
    return invalid(
        "PGRST301",
        "No suitable key or wrong key type",
        "None of the keys was able to decode the JWT",
    )


def _check_times(claims: dict[str, Any]) -> float:
    """Unix time at which the token ends; refuses one that is not valid now."""
    for name in ("exp", "nbf", "iat"):
        if not isinstance(claims.get(name), int | float | None) or claims.get(name) is True:
            raise invalid("PGRST303", f"The JWT '{name}' claim must be a number")
    now = time.time()
    ends = claims.get("exp")
    if ends is not None and now - CLOCK_SKEW > ends:
        raise invalid("PGRST303", "JWT expired")
    if (claims.get("nbf") or 0) > now + CLOCK_SKEW:
        raise invalid("PGRST303", "JWT not yet valid")
    if (claims.get("iat") or 0) > now + CLOCK_SKEW:
        raise invalid("PGRST303", "JWT issued at future")
    return float("inf") if ends is None else ends + CLOCK_SKEW
