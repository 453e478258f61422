"""Reports by `GET /reports/{id}`: for who asked for them, and as the files they are."""

import uuid

import httpx
import psycopg
import pytest

from tests.contract.serving import bearer

PAGE = b"<!doctype html><title>Walk</title>"


@pytest.fixture
def asked(client: httpx.Client) -> tuple[str, dict[str, str]]:
    """A report that somebody has asked for, and who."""
    report_id, person = str(uuid.uuid4()), bearer(sub=str(uuid.uuid4()))
    body = {"report_id": report_id, "kind": "export"}
    answer = client.post("/rpc/request_report", json=body, headers=person)
    assert answer.json()["state"] == "queued", answer.text
    return report_id, person


def make(database: psycopg.Connection, report_id: str, kind: str = "journey_report") -> None:
    database.execute(
        """update core.reports set kind = %s, state = 'ready', content = %s,
            media_type = 'text/html; charset=utf-8' where report_id = %s""",
        [kind, PAGE, report_id],
    )


def test_a_report_is_a_file_once_it_is_ready(client, database, asked) -> None:
    report_id, person = asked
    early = client.get(f"/reports/{report_id}", headers=person)
    assert (early.status_code, early.json()["code"]) == (409, "SR111")
    make(database, report_id)
    answer = client.get(f"/reports/{report_id}", headers=person)
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('.html"')
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Opened from here it must not act as one of our pages.
    assert "sandbox" in answer.headers["content-security-policy"].split("; ")
    assert "ratelimit" in answer.headers


def test_to_everybody_else_there_is_none(client, database, asked) -> None:
    report_id, person = asked
    make(database, report_id)
    for headers, status, code in (
        (bearer(sub=str(uuid.uuid4())), 404, "SR100"),
        ({}, 401, "42501"),
        ({"authorization": "Bearer forged"}, 401, "PGRST301"),
    ):
        answer = client.get(f"/reports/{report_id}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert PAGE not in answer.content
    assert client.get(f"/reports/{uuid.uuid4()}", headers=person).status_code == 404
    assert client.get("/reports/mine", headers=person).json()["code"] == "PGRST125"
    assert client.post(f"/reports/{report_id}", headers=person).status_code == 405


def test_nothing_is_left_of_one_that_was_removed(client, database, asked) -> None:
    report_id, person = asked
    make(database, report_id)
    body = {"report_id": report_id}
    assert client.post("/rpc/remove_report", json=body, headers=person).status_code == 204
    assert client.get(f"/reports/{report_id}", headers=person).json()["code"] == "SR100"
    assert database.execute(
        "select count(*) from core.reports where report_id = %s", [report_id]
    ).fetchone() == (0,)
