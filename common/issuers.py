"""Others who sign people in."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel

from common.addresses import key_address


class OidcIssuer(BaseModel, frozen=True, extra="forbid"):
    """Somebody else who signs people in: any OpenID Connect provider."""

    issuer: Annotated[str, AfterValidator(key_address)]
    """The `iss` of its tokens, exactly."""
    audience: str
    """What its tokens must name in `aud`: our client id there."""
    jwks_url: Annotated[str, AfterValidator(key_address)] | None = None
    """Its key set; none where it is to be discovered."""
