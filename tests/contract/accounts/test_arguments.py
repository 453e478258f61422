"""What is sent to `/auth` that it does not take."""

import httpx
import pytest

from tests.contract.accounts.person import PASSWORD
from tests.contract.test_rpc import assert_error


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("codes", {"phone": "0123", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"phone": "+351900000", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"phone": "+351601234567", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"email": "a@b@c", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"email": "a@b\0.example", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "email": "a@b.pt", "purpose": "x"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "x"}, 400, "SR018"),
        ("codes", {"phone": 351912345678, "purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": ["+351912345678"], "purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "sign_up", "more": "x"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "sign_up", "language": "'"}, 400, "SR018"),
        ("sign-up", {"phone": "+351912345678", "password": PASSWORD}, 400, "SR018"),
        (
            "sign-up",
            {"phone": "+351912345678", "password": PASSWORD, "code": "'; drop--"},
            400,
            "SR042",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "short", "code": "123456"},
            400,
            "SR044",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "Password1234", "code": "123456"},
            400,
            "SR044",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "x" * 257, "code": "123456"},
            400,
            "SR044",
        ),
        ("sign-in", {"phone": "+351912345678"}, 400, "SR018"),
        ("sign-in", {"email": "' or 1=1 --@b.pt", "password": "' or 1=1 --"}, 400, "SR045"),
        ("sign-in", {"email": "a@b.pt", "password": "\0"}, 401, "SR040"),
        ("sign-in", {"email": "a@b.pt", "password": "x", "device": "\0"}, 400, "SR018"),
        ("sign-in", {"email": "a@b.pt", "password": "x", "device": "x" * 101}, 400, "SR018"),
        ("refresh", {}, 400, "SR018"),
        ("refresh", {"refresh_token": None}, 400, "SR018"),
        ("sign-out", {"refresh_token": "x"}, 401, "SR041"),
        ("refresh", [], 400, "PGRST102"),
        ("refresh", "x", 400, "PGRST102"),
        ("refresh", {"refresh_token": "x" * 20_000}, 413, "SR030"),
    ],
)
def test_bad_input(client: httpx.Client, path: str, body: object, status: int, code: str) -> None:
    assert_error(client.post(f"/auth/{path}", json=body), status, code)


def test_other_bodies_methods_and_paths(client: httpx.Client) -> None:
    form = client.post("/auth/sign-in", data={"phone": "+351912345678", "password": "x"})
    assert_error(form, 400, "PGRST102")
    headers = {"content-type": "application/json"}
    broken = client.post("/auth/sign-in", content=b'{"phone": "', headers=headers)
    assert_error(broken, 400, "PGRST102")
    deep = client.post("/auth/sign-in", content=b"[" * 10_000, headers=headers)
    assert 400 <= deep.status_code < 500
    assert_error(client.get("/auth/sign-in"), 405, "PGRST117")
    assert_error(client.post("/auth/nosuch"), 404, "PGRST125")
