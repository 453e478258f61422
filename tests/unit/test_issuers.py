"""Tokens of other issuers: each proves who somebody is there, and nothing else."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api import key_sets
from api.errors import RequestError
from api.tokens import Caller, Tokens
from common.settings import Settings

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
OWN_ROLES = ec.generate_private_key(ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    return {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}


@dataclass
class Provider:
    """Answers what stands in `documents`, and counts how often it was asked."""

    url: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    known = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            found = known.documents.get(self.path)
            if isinstance(found, str):
                self.send_response(302)
                self.send_header("location", found)
                self.end_headers()
                return
            self.send_response(200 if found else 500)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        known.url = f"http://127.0.0.1:{server.server_port}"
        known.documents = {
            "/a/.well-known/openid-configuration": {
                "issuer": f"{known.url}/a",
                "jwks_uri": f"{known.url}/a/keys",
            },
            "/a/keys": {"keys": [public(KEY, "1")]},
            "/b/keys": {"keys": [public(OTHER, "1")]},
            "/roles": {"keys": [public(OWN_ROLES, "1")]},
        }
        yield known
        server.shutdown()
        thread.join()


@pytest.fixture
def tokens(provider: Provider) -> Tokens:
    issuers = [
        {"issuer": f"{provider.url}/a", "audience": "walks"},
        {
            "issuer": f"{provider.url}/b",
            "audience": "walks",
            "jwks_url": f"{provider.url}/b/keys",
        },
    ]
    known: dict[str, Any] = {"oidc_issuers": issuers, "jwks_url": f"{provider.url}/roles"}
    return Tokens(Settings(_env_file=None, **known))


def claims(provider: Provider, **changes: Any) -> dict[str, Any]:
    known = {"iss": f"{provider.url}/a", "aud": "walks", "sub": "anna", "exp": time.time() + 60}
    return {name: value for name, value in {**known, **changes}.items() if value is not None}


def signed(content: dict[str, Any], key: Any = KEY, kid: str | None = "1") -> bytes:
    payload = json.dumps(content).encode()
    headers = {"kid": kid} if kid else None
    return b"Bearer " + jwt.api_jws.encode(payload, key, "ES256", headers=headers).encode()


async def refused(tokens: Tokens, token: bytes, status: int = 401) -> None:
    with pytest.raises(RequestError) as raised:
        await tokens.caller(token)
    assert raised.value.status == status


async def test_a_person_of_another_issuer(provider: Provider, tokens: Tokens) -> None:
    claimed = claims(provider, role="saferoute_owner", sid="x", aud=["other", "walks"])
    caller: Caller = await tokens.caller(signed(claimed))
    person = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, f"{provider.url}/a"), "anna")
    assert (caller.role, caller.user_id) == ("authenticated", str(person))
    assert json.loads(caller.claims) == {
        "role": "authenticated",
        "sub": str(person),
        "iss": f"{provider.url}/a",
        "exp": claimed["exp"],
    }
    elsewhere = signed(claims(provider, iss=f"{provider.url}/b"), OTHER)
    assert (await tokens.caller(elsewhere)).user_id != str(person)
    assert (await tokens.caller(signed(claims(provider), kid=None))).user_id == str(person)


async def test_an_issuer_speaks_for_itself_only(provider: Provider, tokens: Tokens) -> None:
    await refused(tokens, signed(claims(provider), OTHER))
    await refused(tokens, signed(claims(provider, iss=f"{provider.url}/b"), KEY))
    await refused(tokens, signed(claims(provider), OWN_ROLES))
    await refused(tokens, signed(claims(provider, iss="http://127.0.0.1:18000"), KEY))
    await refused(tokens, signed(claims(provider, iss="http://127.0.0.1:18000"), OWN_ROLES))
    await refused(tokens, signed(claims(provider, iss=f"{provider.url}/a/"), KEY))
    await refused(tokens, signed(claims(provider, iss=[f"{provider.url}/a"]), KEY))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"sub": None},
        {"sub": 5},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
    ],
)
async def test_what_a_token_must_say(
    provider: Provider, tokens: Tokens, change: dict[str, Any]
) -> None:
    await refused(tokens, signed(claims(provider, **change)))


async def test_unknown_keys_do_not_make_us_ask_again_and_again(
    provider: Provider, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tokens.caller(signed(claims(provider)))
    for number in range(100):
        await refused(tokens, signed(claims(provider), KEY, f"unknown {number}"))
    assert provider.asked.count("/a/keys") == 1
    monkeypatch.setattr(key_sets, "APART", 0.0)
    provider.documents["/a/keys"]["keys"].append(public(OTHER, "2"))
    caller = await tokens.caller(signed(claims(provider), OTHER, "2"))
    assert caller.role == "authenticated", "but a new key is found"
    assert provider.asked.count("/a/keys") == 2


async def test_while_an_issuer_is_gone_its_keys_go_on_for_an_hour(
    provider: Provider, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tokens.caller(signed(claims(provider)))
    provider.documents.clear()
    monkeypatch.setattr(key_sets, "APART", 0.0)
    monkeypatch.setattr(key_sets, "FRESH", 0.0)
    assert (await tokens.caller(signed(claims(provider, sub="bert")))).role == "authenticated"
    monkeypatch.setattr(key_sets, "TRUSTED", 0.0)
    await refused(tokens, signed(claims(provider, sub="carla")), 503)


async def test_redirects_and_other_issuers_documents_are_refused(
    provider: Provider, tokens: Tokens
) -> None:
    provider.documents["/b/keys"] = f"{provider.url}/a/keys"
    await refused(tokens, signed(claims(provider, iss=f"{provider.url}/b"), KEY), 503)
    provider.documents["/a/.well-known/openid-configuration"]["issuer"] = f"{provider.url}/b"
    await refused(tokens, signed(claims(provider)), 503)
    assert "/a/keys" not in provider.asked


@pytest.mark.parametrize(
    "address", ["http://example.com/keys", "file:///etc/passwd", "http://127.0.0.1.example.com/"]
)
def test_keys_come_by_tls_or_from_this_machine(address: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Settings(_env_file=None, jwks_url=address)
    issuer: Any = {"issuer": "https://a.example", "audience": "b", "jwks_url": address}
    with pytest.raises(ValueError, match="https"):
        Settings(_env_file=None, oidc_issuers=(issuer,))
