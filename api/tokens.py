"""Who calls: the verified token of a request.

A token is verified once and then remembered; its times are checked on every request. Its `iss`
chooses whose keys it is tried with (ours, those of one issuer of the settings, or the key set that
names roles itself), so that no issuer can speak for another; and the key, not the token, says which
algorithm it is for. HS256 needs the secret.
"""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from jwt.utils import base64url_decode

from api.errors import RequestError, unavailable
from api.key_sets import KeySet, NoKeysError
from api.signing import ROLE, Signing
from common.settings import Settings
from common.signing_keys import ALGORITHM

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

    def __init__(self, settings: Settings, signing: Signing | None = None) -> None:
        """Keys and audience as in the settings; key sets are fetched when first needed."""
        secret = settings.jwt_secret
        self._secret = secret.get_secret_value() if secret else None
        self._audience = settings.jwt_audience
        self._signing = signing or Signing(settings)
        self._issuers = {
            issuer.issuer: (issuer, KeySet.of(issuer)) for issuer in settings.oidc_issuers
        }
        self._key_set = KeySet.at(settings.jwks_url) if settings.jwks_url else None
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
        claims, issuer = await self._claims(token)
        if issuer is None:
            self._check_audience(claims)
        until = min(_check_times(claims), time.time() + _RECHECK)
        if issuer is not None:
            claims = issuer.claims(claims)
        role = claims.get("role")
        if not isinstance(role, str | None):
            raise invalid("PGRST303", "The JWT 'role' claim must be a string")
        known = {**claims, "role": role or ANONYMOUS_ROLE}
        sub = claims.get("sub")
        user_id = sub if isinstance(sub, str) else None
        return Caller(known["role"], orjson.dumps(known).decode(), bool(role), until, user_id)

    async def _claims(self, token: str) -> tuple[dict[str, Any], "_Issuer | None"]:
        """The claims of a token whose signature holds, and who is bound to what it may claim."""
        if not token:
            raise invalid("PGRST301", "Empty JWT is sent in Authorization header")
        if token.count(".") != 2:
            parts = token.count(".") + 1
            raise invalid("PGRST301", f"Expected 3 parts in JWT; got {parts}")
        try:
            key, algorithm, issuer = await self._key(token)
            payload = jwt.api_jws.decode(token, key, algorithms=[algorithm])
        except NoKeysError:
            raise unavailable("The issuer of the tokens does not answer", "PGRST301") from None
        except jwt.InvalidSignatureError:
            raise _no_key() from None
        except (jwt.PyJWTError, ValueError):
            raise invalid("PGRST301", "JWT cryptographic operation failed") from None
        return _object(payload, "payload"), issuer

    async def _key(self, token: str) -> tuple[Any, str, "_Issuer | None"]:
        """The key for this token, the one algorithm the key is for, and whose key it is."""
        head, body, _ = token.split(".")
        header = _object(base64url_decode(head), "header")
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == "HS256" and self._secret:
            return self._secret, "HS256", None
        if algorithm not in _ASYMMETRIC:
            unsecured = "JWT is unsecured but expected 'alg' was not 'none'"
            details = unsecured if algorithm == "none" else None
            raise invalid("PGRST301", "Wrong or unsupported encoding algorithm", details)
        if not isinstance(kid, str | None):
            raise _no_key()
        # Nobody vouches for it yet: it only chooses the keys that the signature must hold for.
        claimed = _object(base64url_decode(body), "payload").get("iss")
        if claimed == self._signing.issuer:
            own = self._signing.verifying(kid)
            if own is None:
                raise _no_key()
            return own, ALGORITHM, _Issuer(self._signing.issuer, self._signing.audience)
        if isinstance(claimed, str) and claimed in self._issuers:
            known, key_set = self._issuers[claimed]
            key = await key_set.key(kid)
            issuer = _Issuer(known.issuer, known.audience, is_other=True)
        else:
            key = await self._key_set.key(kid) if self._key_set else None
            issuer = None
        if key is None or key.algorithm_name not in _ASYMMETRIC:
            raise _no_key()
        return key, key.algorithm_name, issuer

    def _check_audience(self, claims: dict[str, Any]) -> None:
        audience = claims.get("aud") or []
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not all(isinstance(a, str) for a in audiences):
            raise invalid("PGRST303", "The JWT 'aud' claim must be a string or an array of strings")
        if self._audience and audiences and self._audience not in audiences:
            raise invalid("PGRST303", "JWT not in audience")


@dataclass(frozen=True, slots=True)
class _Issuer:
    """Who may claim what: a name, an audience, and whether it is ourselves."""

    name: str
    audience: str
    is_other: bool = False

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """What the token proves: of another issuer's that it is one and the same person, no more.

        That person's id is the UUIDv5 of issuer and subject: no table is needed to find it.
        """
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise invalid("PGRST303", "JWT not in audience")
        sub = claims.get("sub")
        if claims.get("exp") is None or not isinstance(sub, str) or not sub:
            raise invalid("PGRST303", "The JWT must have the claims 'exp' and 'sub'")
        if not self.is_other:
            return claims
        namespace = uuid.uuid5(uuid.NAMESPACE_URL, self.name)
        person = str(uuid.uuid5(namespace, sub))
        return {"role": ROLE, "sub": person, "iss": self.name, "exp": claims["exp"]}


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


def _object(text: bytes, part: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise invalid("PGRST301", f"The JWT {part} must be a JSON object")
    return found


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
