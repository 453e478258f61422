"""Development tokens: what the issuer of a real deployment would sign."""

import time
import uuid
from typing import Annotated

import jwt
import typer

from common.settings import Settings, settings
from ops.errors import OperatorError

LIFETIME = 12 * 3600
"""Seconds a development token is valid."""


def token(
    role: Annotated[str, typer.Option(help="Database role the caller becomes.")] = "authenticated",
    sub: Annotated[uuid.UUID | None, typer.Option(help="The person: a UUID.")] = None,
) -> None:
    """Print a development token, valid for twelve hours, and nothing else."""
    print(sign(settings(), role, sub))


def sign(known: Settings, role: str, sub: uuid.UUID | None) -> str:
    """An HS256 token for this role and person; it expires `LIFETIME` seconds from now."""
    if known.jwt_secret is None:
        raise OperatorError("SAFEROUTE_JWT_SECRET is not set: there is nothing to sign with")
    now = int(time.time())
    claims: dict[str, object] = {"role": role, "iat": now, "exp": now + LIFETIME}
    if sub is not None:
        claims["sub"] = str(sub)
    if known.jwt_audience is not None:
        claims["aud"] = known.jwt_audience
    return jwt.encode(claims, known.jwt_secret.get_secret_value(), "HS256")
