import base64
import json
import time

import httpx
import jwt
import pytest

from tests.contract.serving import SECRET, bearer
from tests.contract.test_rpc import WALKER, assert_error


def role_of(client: httpx.Client, headers: dict[str, str]) -> object:
    return client.get("/rpc/where_read", headers=headers).json()["role"]


def test_without_a_token_the_caller_is_anonymous(client: httpx.Client) -> None:
    seen = client.get("/rpc/where_read").json()
    assert seen["role"] == "web_anon"
    assert seen["claims"] == {"role": "web_anon"}


def test_the_token_names_role_and_person(client: httpx.Client) -> None:
    seen = client.get("/rpc/where_read", headers=bearer(sub=WALKER)).json()
    assert seen["role"] == "authenticated"
    assert seen["claims"]["sub"] == WALKER


def test_one_request_leaves_nothing_to_the_next(client: httpx.Client) -> None:
    for _ in range(40):
        assert role_of(client, bearer(sub=WALKER)) == "authenticated"
        assert client.get("/rpc/where_read").json()["claims"] == {"role": "web_anon"}


def test_who_may_call(client: httpx.Client) -> None:
    response = client.get("/rpc/members_only")
    assert_error(response, 401, "42501")
    assert response.headers["www-authenticate"] == "Bearer"
    assert client.get("/rpc/members_only", headers=bearer()).json() == "authenticated"
    assert_error(client.get("/rpc/nobody", headers=bearer()), 403, "42501")


@pytest.mark.parametrize(
    "role",
    [
        *("saferoute_owner", "saferoute_api", "postgres", "authenticator", "operator"),
        *("none", "nosuch", 'x"; reset role; --', "public", "pg_read_all_data"),
    ],
)
def test_roles_a_token_cannot_ask_for(client: httpx.Client, role: str) -> None:
    response = client.post("/rpc/where_written", headers=bearer(role))
    assert_error(response, 403, "42501")


def unsigned(claims: dict[str, object]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*encoded, b""]).decode()


CLAIMS: dict[str, object] = {"role": "authenticated", "sub": WALKER}
GOOD = jwt.encode(CLAIMS, SECRET, "HS256")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (unsigned(CLAIMS), "PGRST301"),
        (jwt.encode(CLAIMS, "another-secret-of-more-than-32-characters", "HS256"), "PGRST301"),
        (jwt.encode(CLAIMS, SECRET * 2, "HS512"), "PGRST301"),
        (GOOD[:-4] + ("AAAA" if GOOD[-4:] != "AAAA" else "BBBB"), "PGRST301"),
        (GOOD.rpartition(".")[0] + ".", "PGRST301"),
        (GOOD + ".x", "PGRST301"),
        ("a.b", "PGRST301"),
        ("é.é.é".encode().decode("latin-1"), "PGRST301"),
        (jwt.encode({**CLAIMS, "exp": 0}, SECRET, "HS256"), "PGRST303"),
        (jwt.encode({**CLAIMS, "exp": int(time.time()) - 60}, SECRET, "HS256"), "PGRST303"),
        (jwt.encode({**CLAIMS, "nbf": int(time.time()) + 3600}, SECRET, "HS256"), "PGRST303"),
        (jwt.encode({**CLAIMS, "iat": int(time.time()) + 3600}, SECRET, "HS256"), "PGRST303"),
        (jwt.encode({"role": ["authenticated"]}, SECRET, "HS256"), "PGRST303"),
    ],
)
def test_tokens_that_prove_nothing(client: httpx.Client, token: str, code: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    response = client.get("/rpc/where_read", headers=headers)
    assert_error(response, 401, code)
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
