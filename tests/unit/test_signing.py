import json
import stat
from pathlib import Path

import jwt
import pytest

from api import signing
from api.errors import RequestError
from api.signing import Signing
from api.tokens import CLOCK_SKEW, Tokens
from common import signing_keys
from common.settings import Settings
from common.signing_keys import PUBLISHED_BEFORE, TOKEN_LIFETIME

PERSON = "0192f0c1-0000-7000-8000-000000000001"
SESSION = "0192f0c1-0000-7000-8000-000000000002"


class Clock:
    """Moves both clocks; it stands still otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000.0
        monkeypatch.setattr("time.time", lambda: self.now)
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def known(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, signing_keys_directory=tmp_path / "keys")


async def accepted(tokens: Tokens, token: str | None) -> bool:
    assert token is not None
    try:
        return (await tokens.caller(f"Bearer {token}".encode())).user_id == PERSON
    except RequestError:
        return False


def kids(signer: Signing) -> list[str]:
    return [key["kid"] for key in signer.key_set()["keys"]]  # type: ignore[attr-defined]


async def test_a_token_says_who_for_whom_and_for_how_long(known: Settings) -> None:
    key = signing_keys.add(known.signing_keys_directory)
    token = Signing(known).token(PERSON, SESSION)
    assert token is not None
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "JWT", "kid": key.kid}
    public = jwt.PyJWKSet.from_dict(Signing(known).key_set())[key.kid]
    claims = jwt.decode(token, public, ["EdDSA"], audience="saferoute", issuer=known.issuer)
    assert claims.items() >= {"sub": PERSON, "sid": SESSION, "role": "authenticated"}.items()
    assert claims["exp"] - claims["iat"] == TOKEN_LIFETIME == 900
    assert await accepted(Tokens(known), token)


def test_only_its_owner_reads_a_key_and_nobody_gets_its_private_part(known: Settings) -> None:
    key = signing_keys.add(known.signing_keys_directory)
    path = known.signing_keys_directory / f"{key.kid}.jwk"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "d" in json.loads(path.read_text())
    (published,) = Signing(known).key_set()["keys"]  # type: ignore[misc]
    assert set(published) == {"kty", "crv", "x", "kid", "alg", "use"}


async def test_keys_change_without_a_refused_token(known: Settings, clock: Clock) -> None:
    signer = Signing(known)
    tokens = Tokens(known, signer)
    assert signer.token(PERSON, SESSION) is None
    clock.now += 2
    first = signing_keys.add(known.signing_keys_directory)
    alive: list[tuple[float, str]] = []
    signed_by = []
    seen: set[str] = set()
    for minute in range(90):
        if minute == 20:
            second = signing_keys.add(known.signing_keys_directory)
        if minute == 80:
            third = signing_keys.add(known.signing_keys_directory)
        clock.now += 60
        token = signer.token(PERSON, SESSION)
        assert token is not None
        kid = jwt.get_unverified_header(token)["kid"]
        signed_by.append(kid)
        assert kid in seen or minute == 0, "who keeps the key set for a minute knows every key"
        seen = set(kids(signer))
        alive = [(end, old) for end, old in alive if end > clock.now]
        alive.append((clock.now + TOKEN_LIFETIME, token))
        for _, old in alive:
            assert await accepted(Tokens(known, signer), old)
    assert signed_by.index(second.kid) == 20 + PUBLISHED_BEFORE // 60 - 1
    assert first.kid not in kids(signer)
    assert kids(signer) == [second.kid, third.kid]
    assert len(list(known.signing_keys_directory.glob("*.jwk"))) == 2, "and its file is gone"
    assert await accepted(tokens, token)


async def test_a_key_that_is_deleted_is_refused(known: Settings, clock: Clock) -> None:
    key = signing_keys.add(known.signing_keys_directory)
    signer = Signing(known)
    token = signer.token(PERSON, SESSION)
    (known.signing_keys_directory / f"{key.kid}.jwk").unlink()
    clock.now += signing._LOOK_EVERY + 1
    assert not await accepted(Tokens(known, signer), token)
    assert signer.token(PERSON, SESSION) is None


async def test_what_cannot_be_read_leaves_the_keys_as_they_are(
    known: Settings, clock: Clock
) -> None:
    signing_keys.add(known.signing_keys_directory)
    signer = Signing(known)
    token = signer.token(PERSON, SESSION)
    (known.signing_keys_directory / "broken.jwk").write_text("{")
    clock.now += 2
    assert await accepted(Tokens(known, signer), token)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "elsewhere"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"exp": 1},
        {"iat": 4_000_000_000},
    ],
)
async def test_what_our_own_tokens_must_say(known: Settings, change: dict[str, object]) -> None:
    key = signing_keys.add(known.signing_keys_directory)
    tokens = Tokens(known)

    def signed(claims: dict[str, object]) -> str:
        payload = json.dumps({name: value for name, value in claims.items() if value is not None})
        headers = {"kid": key.kid}
        return jwt.api_jws.encode(payload.encode(), key.private, "EdDSA", headers=headers)

    token = Signing(known).token(PERSON, SESSION)
    assert token is not None
    claims = jwt.decode(token, options={"verify_signature": False})
    assert await accepted(tokens, signed(claims))
    assert not await accepted(tokens, signed({**claims, **change}))


async def test_other_keys_cannot_speak_for_us(known: Settings) -> None:
    key = signing_keys.add(known.signing_keys_directory)
    elsewhere = signing_keys.add(known.signing_keys_directory.parent / "elsewhere")
    token = Signing(known).token(PERSON, SESSION)
    assert token is not None
    claims = jwt.decode(token, options={"verify_signature": False})
    tokens = Tokens(known)
    for kid in (key.kid, elsewhere.kid, None):
        headers = {"kid": kid} if kid else {}
        assert not await accepted(
            tokens, jwt.encode(claims, elsewhere.private, "EdDSA", headers=headers)
        )
    public = key.public_jwk["x"]
    hs256 = jwt.encode(claims, public, "HS256", headers={"kid": key.kid})
    assert not await accepted(tokens, hs256)
    unsigned = jwt.encode(claims, None, "none", headers={"kid": key.kid})  # type: ignore[arg-type]
    assert not await accepted(tokens, unsigned)
    head, body, signature = token.split(".")
    other = "A" if signature[5] != "A" else "B"
    forged = f"{head}.{body}.{signature[:5]}{other}{signature[6:]}"
    assert not await accepted(tokens, forged)


async def test_a_token_ends(known: Settings, clock: Clock) -> None:
    signing_keys.add(known.signing_keys_directory)
    signer = Signing(known)
    tokens = Tokens(known, signer)
    token = signer.token(PERSON, SESSION)
    clock.now += TOKEN_LIFETIME + CLOCK_SKEW - 1
    assert await accepted(tokens, token)
    clock.now += 2
    assert not await accepted(tokens, token)
