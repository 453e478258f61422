"""Our own access tokens: signed with the newest key of a folder that is followed as it changes."""

import logging
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common import signing_keys
from common.settings import Settings
from common.signing_keys import ALGORITHM, TOKEN_LIFETIME, SigningKey

ROLE = "authenticated"
AUDIENCE = "saferoute"
"""What our tokens are for where the settings do not say."""
_LOOK_EVERY = 1.0  # least seconds between two looks at the folder

logger = logging.getLogger("saferoute.api")


class Signing:
    """Signs access tokens, and tells the keys that verify them."""

    def __init__(self, settings: Settings) -> None:
        """Who signs, for whom, and the folder with the keys; it is read when first needed."""
        self.issuer = settings.issuer
        self.audience = settings.jwt_audience or AUDIENCE
        self._folder = signing_keys.folder(settings.signing_keys_directory)
        self._keys: list[SigningKey] = []
        self._files: set[str] = set()
        self._looked_at = float("-inf")

    @property
    def is_ready(self) -> bool:
        """Whether there is a key to sign with."""
        return bool(self._current())

    def token(self, user_id: str, session_id: str) -> str | None:
        """An access token for a person; none where there is no key to sign with."""
        now = int(time.time())
        key = signing_keys.signing(self._current(), now)
        if key is None:
            return None
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": user_id,
            "role": ROLE,
            "sid": session_id,
            "iat": now,
            "exp": now + TOKEN_LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid})

    def verifying(self, kid: object) -> Ed25519PublicKey | None:
        """The public key of this id."""
        keys = signing_keys.published(self._current(), time.time())
        return next((key.private.public_key() for key in keys if key.kid == kid), None)

    def key_set(self) -> dict[str, object]:
        """What `/.well-known/jwks.json` answers: also keys that will sign, and some that did."""
        keys = signing_keys.published(self._current(), time.time())
        return {"keys": [key.public_jwk for key in keys]}

    def _current(self) -> list[SigningKey]:
        """The keys of the folder, read anew where a file came or went."""
        if time.monotonic() - self._looked_at > _LOOK_EVERY:
            self._looked_at = time.monotonic()
            try:
                files = {path.name for path in self._folder.glob("*.jwk")}
                if files != self._files:  # a key never changes
                    self._keys = signing_keys.read(self._folder)
                    self._files = files
            except (OSError, ValueError, KeyError) as error:
                # Those that are known go on.
                logger.error("the signing keys cannot be read: %s", type(error).__name__)
        return self._keys
