import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api import tokens
from api.errors import RequestError
from api.tokens import ANONYMOUS, Caller, Tokens
from common.settings import Settings

SECRET = "a-secret-of-more-than-thirty-two-characters"
CLAIMS = {"role": "authenticated", "sub": "0192f0c1-0000-7000-8000-000000000001"}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def verifier(**known: Any) -> Tokens:
    return Tokens(Settings(_env_file=None, **known))


async def caller(verify: Tokens, token: str) -> Caller:
    return await verify.caller(f"Bearer {token}".encode())


async def code(verify: Tokens, token: str) -> str:
    with pytest.raises(RequestError) as raised:
        await caller(verify, token)
    assert raised.value.status == 401
    return raised.value.code


@pytest.fixture(scope="module")
def key_set() -> Iterator[str]:
    """Address of an issuer's key set: an RSA key, an EC key, and a symmetric key it leaks."""
    keys = [
        {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa"},
        {**jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec"},
        {**jwt.algorithms.HMACAlgorithm.to_jwk(SECRET, as_dict=True), "kid": "symmetric"},
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": keys}).encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()
        thread.join()


async def test_without_a_bearer_token_the_caller_is_anonymous() -> None:
    assert await verifier().caller(None) is ANONYMOUS
    assert await verifier().caller(b"Basic abc") is ANONYMOUS


async def test_without_keys_every_token_is_refused() -> None:
    assert await code(verifier(), jwt.encode(CLAIMS, SECRET, "HS256")) == "PGRST301"


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec")])
async def test_keys_of_the_issuer(key_set: str, key: Any, algorithm: str, kid: str) -> None:
    token = jwt.encode(CLAIMS, key, algorithm, headers={"kid": kid})
    assert (await caller(verifier(jwks_url=key_set), token)).role == "authenticated"


async def test_a_key_serves_one_algorithm_only(key_set: str) -> None:
    verify = verifier(jwks_url=key_set)
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed = jwt.api_jws.PyJWS()
    signed._algorithms["HS256"] = signer
    signer.prepare_key = lambda key: key if isinstance(key, bytes) else key.encode()  # type: ignore[method-assign]
    confused = signed.encode(json.dumps(CLAIMS).encode(), pem, "HS256", headers={"kid": "rsa"})
    assert await code(verify, confused) == "PGRST301"
    symmetric = jwt.encode(CLAIMS, SECRET, "HS256", headers={"kid": "symmetric"})
    assert await code(verify, symmetric) == "PGRST301"
    crossed = jwt.encode(CLAIMS, EC, "ES256", headers={"kid": "rsa"})
    assert await code(verify, crossed) == "PGRST301"
    stronger = jwt.encode(CLAIMS, RSA, "RS512", headers={"kid": "rsa"})
    assert await code(verify, stronger) == "PGRST301"
    unknown = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "nosuch"})
    assert await code(verify, unknown) == "PGRST301"


async def test_an_issuer_that_does_not_answer_is_503() -> None:
    token = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "rsa"})
    with pytest.raises(RequestError) as raised:
        await caller(verifier(jwks_url="http://127.0.0.1:9/keys"), token)
    assert raised.value.status == 503


async def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(tokens.time, "time", lambda: now)
    verify = verifier(jwt_secret=SECRET)
    token = jwt.encode({**CLAIMS, "exp": now + 60}, SECRET, "HS256")
    assert (await caller(verify, token)).role == "authenticated"
    now += 60 + tokens.CLOCK_SKEW - 1
    assert (await caller(verify, token)).role == "authenticated"
    now += 2
    assert await code(verify, token) == "PGRST303"


@pytest.mark.parametrize(
    ("audience", "is_accepted"),
    [("walks", True), (["other", "walks"], True), ("other", False), (["other"], False), (5, False)],
)
async def test_audience(audience: object, is_accepted: bool) -> None:
    verify = verifier(jwt_secret=SECRET, jwt_audience="walks")
    token = jwt.api_jws.encode(json.dumps({**CLAIMS, "aud": audience}).encode(), SECRET, "HS256")
    if is_accepted:
        assert (await caller(verify, token)).role == "authenticated"
    else:
        assert await code(verify, token) == "PGRST303"


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="jwt_secret"):
        Settings(_env_file=None, jwt_secret="short")
