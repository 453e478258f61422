"""Functions that say how they are answered."""

import json

import httpx
import pytest

from tests.contract.test_rpc import assert_error


def test_a_raised_status(client: httpx.Client) -> None:
    raised = {"state": "PT402", "message": "Pay", "detail": "first"}
    error = assert_error(client.get("/rpc/raise_as", params=raised), 402, "PT402")
    assert (error["message"], error["details"]) == ("Pay", "first")
    raised["state"] = "PT42X"
    assert_error(client.get("/rpc/raise_as", params=raised), 500, "PT42X")


def test_an_error_in_full(client: httpx.Client) -> None:
    message = {"code": "ZONE1", "message": "Blocked", "hint": "go round"}
    raised = {
        "state": "PGRST",
        "message": json.dumps(message),
        "detail": json.dumps({"status": 451, "headers": {"X-Zone": "7"}}),
    }
    response = client.get("/rpc/raise_as", params=raised)
    assert assert_error(response, 451, "ZONE1") == {**message, "details": None}
    assert response.headers["x-zone"] == "7"


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("oops", '{"status":410,"headers":{}}'),
        ('{"code":"1"}', '{"status":410,"headers":{}}'),
        ('{"code":"a\\r\\nx: y","message":"m"}', '{"status":410,"headers":{}}'),
        ('{"code":"1","message":"m"}', ""),
        ('{"code":"1","message":"m"}', "oops"),
        ('{"code":"1","message":"m"}', '{"status":9,"headers":{}}'),
        ('{"code":"1","message":"m"}', '{"status":410,"headers":{"a":"b\\r\\nx: y"}}'),
    ],
)
def test_what_cannot_be_read_of_it(client: httpx.Client, message: str, detail: str) -> None:
    raised = {"state": "PGRST", "message": message, "detail": detail}
    response = client.get("/rpc/raise_as", params=raised)
    assert_error(response, 500, "PGRST121")
    assert "x" not in response.headers


def test_headers_and_status_of_ones_own(client: httpx.Client) -> None:
    headers = json.dumps([{"X-Zone": "7"}, {"Cache-Control": "max-age=60"}])
    response = client.get("/rpc/answer_with", params={"headers": headers, "status": "203"})
    assert (response.status_code, response.headers["x-zone"]) == (203, "7")


@pytest.mark.parametrize(
    "headers", ['[{"a":"b\\r\\nx: y"}]', '[{"a\\r\\nx":"y"}]', '[{"a":1}]', "{"]
)
def test_headers_that_are_none(client: httpx.Client, headers: str) -> None:
    response = client.get("/rpc/answer_with", params={"headers": headers})
    assert_error(response, 500, "PGRST111")
    assert "x" not in response.headers
