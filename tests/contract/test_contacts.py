"""Emergency contacts over HTTP, and the page behind the link that they are sent."""

import json
import re
import uuid
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import bearer, serve
from tests.contract.test_rpc import assert_error, eventually
from tests.redis_cluster import TestCluster

WALKER = str(uuid.uuid4())
TOKEN = "A" * 43


class Invited:
    """A contact that has just been named, and what their phone was sent."""

    def __init__(self, client: httpx.Client, database: psycopg.Connection, **given: Any) -> None:
        self.client = client
        self.walker = bearer(sub=str(uuid.uuid4()))
        self.contact_id = str(uuid.uuid4())
        self.address = f"+4420{uuid.uuid4().int % 10**8:08}"
        contact = {
            "contact_id": self.contact_id,
            "name": "Mum",
            "channel": "sms",
            "address": self.address,
            "from_name": "Zoë",
            **given,
        }
        self.added = client.post("/rpc/add_contact", json=contact, headers=self.walker)
        assert self.added.status_code == 200, self.added.text
        query = "select parameters from core.outbound_messages where address = %s"
        (sent,) = database.execute(query, [self.address]).fetchone()
        self.link, self.code = sent["link"], sent["code"]

    def call(self, name: str, **arguments: Any) -> httpx.Response:
        """A call of the walker's about this contact."""
        body = {"contact_id": self.contact_id, **arguments}
        return self.client.post(f"/rpc/{name}", json=body, headers=self.walker)

    def answer(self, name: str) -> httpx.Response:
        """What the page calls when the contact presses a button."""
        return self.client.post(f"/rpc/{name}", json={"token": self.link.partition("#")[2]})

    def state(self) -> str:
        (contact,) = self.client.get("/rpc/my_contacts", headers=self.walker).json()
        return contact["state"]


@pytest.fixture(scope="module")
def client(
    database: psycopg.Connection, primary: Primary, standby: Primary, redis_cluster: TestCluster
) -> Iterator[httpx.Client]:
    """Of an API with Redis: without it, nobody is sent anything."""
    wait_for_replay(primary, standby)
    ports = [primary.port, standby.port]
    with (
        serve(ports, "contract", primary.password, **redis_cluster.settings) as served,
        httpx.Client(base_url=served.url, timeout=20) as connected,
    ):
        yield connected


@pytest.fixture
def invited(client: httpx.Client, database: psycopg.Connection) -> Invited:
    return Invited(client, database)


def test_a_contact_accepts_and_withdraws_without_an_account(invited: Invited) -> None:
    assert invited.added.json()["state"] == "invited"
    eventually(lambda: invited.answer("contact_invitation").status_code == 200)
    assert invited.answer("contact_invitation").json()["from_name"] == "Zoë"
    assert invited.answer("accept_contact").json()["state"] == "accepted"
    eventually(lambda: invited.state() == "accepted")
    assert invited.answer("withdraw_contact").json()["state"] == "withdrawn"
    eventually(lambda: invited.state() == "withdrawn")
    assert_error(invited.call("resend_contact_invitation"), 429, "SR046")
    assert invited.call("remove_contact").status_code == 204
    assert_error(invited.answer("accept_contact"), 404, "SR054")


def test_wrong_codes_are_refused_and_stay_counted(invited: Invited) -> None:
    wrong = f"{(int(invited.code) + 1) % 10**6:06}"
    for code in (*[wrong] * 5, invited.code):
        assert_error(invited.call("verify_contact", code=code), 400, "SR042")
    assert invited.call("resend_contact_invitation").json()["state"] == "invited"


def test_the_code_is_good_as_well(invited: Invited) -> None:
    assert invited.call("verify_contact", code=invited.code).json()["state"] == "accepted"


def test_a_message_that_is_refused_leaves_no_contact(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    database.execute("insert into core.message_limits values ('sms', 'country', '351', '1 h', 0)")
    walker = bearer(sub=str(uuid.uuid4()))
    contact = {"name": "Rui", "channel": "sms", "address": "+351912345678", "from_name": "Zoë"}
    body = {"contact_id": str(uuid.uuid4()), **contact}
    refused = client.post("/rpc/add_contact", json=body, headers=walker)
    assert assert_error(refused, 429, "SR046")["details"] == "country"
    query = "select from core.contacts where contact_id = %s"
    assert database.execute(query, [body["contact_id"]]).fetchone() is None


def test_strangers_and_other_walkers(client: httpx.Client, invited: Invited) -> None:
    body = {"contact_id": invited.contact_id}
    assert_error(client.post("/rpc/remove_contact", json=body), 401, "42501")
    other = bearer(sub=str(uuid.uuid4()))
    assert_error(client.post("/rpc/remove_contact", json=body, headers=other), 404, "SR050")
    assert_error(client.post("/rpc/accept_contact", json={"token": TOKEN}), 404, "SR054")


@pytest.fixture(scope="module")
def page(client: httpx.Client) -> httpx.Response:
    return client.get("/contact")


@pytest.mark.parametrize("name", ["contact", "alert"])
def test_a_page_is_whole_and_runs_nothing_else(client: httpx.Client, name: str) -> None:
    page = client.get(f"/{name}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = page.text.replace("https://www.openstreetmap.org/", "")  # where a press leads
    assert not re.search(r"https?:|//\w|src=|href=|innerHTML|eval", links)
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for tag in ("script", "style"):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[f"{tag}-src"]
    assert not re.search(r"\son\w+=|style=", page.text), "which the policy would not run"


def test_the_page_speaks_every_language_a_contact_can_be_asked_in(
    page: httpx.Response, database: psycopg.Connection
) -> None:
    (content,) = re.findall(r'id="texts">(.*?)</script>', page.text, re.DOTALL)
    texts = json.loads(content)
    rows = database.execute("select distinct language from core.consent_wordings")
    assert set(texts) == {language for (language,) in rows}
    assert {frozenset(words) for words in texts.values()} == {frozenset(texts["en"])}
    assert all(word for words in texts.values() for word in words.values())


def test_the_page_calls_what_there_is(page: httpx.Response, invited: Invited) -> None:
    names = re.findall(r'"(\w+_(?:contact|invitation))"', page.text)
    assert set(names) == {
        *("contact_invitation", "accept_contact", "decline_contact", "withdraw_contact"),
    }
    for name in names:
        eventually(lambda: invited.answer(name).status_code == 200)  # noqa: B023


def test_a_preview_of_the_link_changes_nothing(client: httpx.Client, invited: Invited) -> None:
    path = invited.link.removeprefix("http://127.0.0.1:18000")
    assert path.startswith("/contact#")
    for method in ("GET", "HEAD"):
        assert client.request(method, path).status_code == 200
    assert invited.state() == "invited"
    assert_error(client.post("/contact"), 405, "PGRST117")
    for name in ("accept_contact", "withdraw_contact"):
        query = {"token": invited.link.partition("#")[2]}
        assert_error(client.get(f"/rpc/{name}", params=query), 405, "25006")


def test_links_begin_with_the_address_of_the_site(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    database.execute("update core.site set public_url = 'https://walks.example/app'")
    try:
        link = Invited(client, database).link
    finally:
        database.execute("update core.site set public_url = 'http://127.0.0.1:18000'")
    assert link.startswith("https://walks.example/app/contact#")
