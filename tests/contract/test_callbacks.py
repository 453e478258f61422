"""What Twilio calls back: what became of messages, and what people answer."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import bearer, serve
from tests.contract.test_rpc import assert_error, eventually
from tests.fixtures.twilio import TOKEN, signature

PUBLIC = "https://walks.example/app"


@pytest.fixture(scope="module")
def client(
    database: psycopg.Connection, primary: Primary, standby: Primary
) -> Iterator[httpx.Client]:
    wait_for_replay(primary, standby)
    ports = [primary.port, standby.port]
    settings = {"SAFEROUTE_TWILIO_AUTH_TOKEN": TOKEN, "SAFEROUTE_PUBLIC_URL": PUBLIC}
    with (
        serve(ports, "contract", primary.password, **settings) as served,
        httpx.Client(base_url=served.url, timeout=20) as connected,
    ):
        yield connected


class Alert:
    """A call for help that one contact has been sent a text about."""

    def __init__(
        self, client: httpx.Client, database: psycopg.Connection, language: str = "de", **how: Any
    ) -> None:
        self.client, self.database = client, database
        self.walker = bearer(sub=str(user_id := uuid.uuid4()))
        self.number = f"+4420{uuid.uuid4().int % 10**8:08}"
        self.alert_id, contact_id = str(uuid.uuid4()), uuid.uuid4()
        database.execute(
            "insert into core.contacts (contact_id, user_id, name, from_name, channel, address,"
            " language, priority, state) values"
            " (%s, %s, 'Mum', 'Zoë', 'sms', %s, %s, 1, 'accepted')",
            [contact_id, user_id, self.number, language],
        )
        body = {"alert_id": self.alert_id, "lon": -0.12776, "lat": 51.50735, "message": "<b>hi"}
        raised = client.post("/rpc/raise_sos", json={**body, **how}, headers=self.walker)
        assert raised.status_code == 200, raised.text
        self.sid = "SM" + uuid.uuid4().hex
        claim = self._row("select tasks.claim_delivery(%s)", self.delivery("sms"))
        self.link = claim["parameters"]["link"]
        assert self._row("select tasks.note_sent(%s, 'twilio', %s)", claim["claim_id"], self.sid)

    def _row(self, query: str, *arguments: Any) -> Any:
        return self.database.execute(query, arguments).fetchone()[0]

    def delivery(self, channel: str) -> uuid.UUID:
        query = (
            "select delivery_id from core.alert_deliveries"
            " where alert_id = %s and channel = %s order by tier limit 1"
        )
        return self._row(query, self.alert_id, channel)

    def delivery_state(self) -> str:
        query = "select state from core.alert_deliveries where delivery_id = %s"
        return self._row(query, self.delivery("sms"))

    def state(self) -> str:
        return self._row("select state from core.alerts where alert_id = %s", self.alert_id)

    def events(self) -> list[str]:
        query = "select array_agg(event order by number) from core.alert_events where alert_id = %s"
        return self._row(query, self.alert_id)

    def reply(self, text: str, **others: str) -> httpx.Response:
        form = {"MessageSid": "SM1", "From": self.number, "To": "+15005550006", "Body": text}
        return signed(self.client, "/callbacks/twilio/sms", {**form, **others})

    def press(self, digits: str) -> httpx.Response:
        path = f"/callbacks/twilio/voice?id={self.delivery('voice')}"
        return signed(self.client, path, {"CallSid": "CA1", "Digits": digits})

    def status(self, status: str) -> httpx.Response:
        form = {"MessageSid": self.sid, "MessageStatus": status, "To": self.number}
        return signed(self.client, "/callbacks/twilio/status?id=x", form)


def signed(client: httpx.Client, path: str, form: dict[str, str], **how: str) -> httpx.Response:
    """What Twilio sends, signed for the address that it knows."""
    known = signature(how.get("token", TOKEN), how.get("url", PUBLIC + path), form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": known})


def said(response: httpx.Response, tag: str) -> str:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    found = ElementTree.fromstring(response.text).find(f".//{tag}")
    return "" if found is None else found.text or ""


@pytest.fixture
def alert(client: httpx.Client, database: psycopg.Connection) -> Alert:
    return Alert(client, database)


@pytest.mark.parametrize(
    ("language", "text", "thanks"),
    [
        ("en", "OK", "Thank you: you take care of Zoë"),
        ("es", "sí!", "te ocupas de Zoë"),
        ("fr", " Oui.", "vous vous occupez de Zoë"),
        ("de", "ja", "Sie kümmern sich um Zoë"),
        ("pt", "sim", "você cuida de Zoë"),
        ("hi", "हाँ", "आप Zoë को सँभाल रहे हैं"),
    ],
)
def test_a_reply_acknowledges_in_every_language(client, database, language, text, thanks) -> None:
    alert = Alert(client, database, language)
    assert thanks in said(alert.reply(text), "Message")
    assert alert.state() == "acknowledged"
    assert alert.delivery_state() == "acknowledged"


def test_a_reply_that_comes_twice_changes_nothing(alert: Alert) -> None:
    first = alert.reply("1").text
    events = alert.events()
    assert alert.reply("1").text == first
    assert alert.events().count("acknowledged") == events.count("acknowledged") == 1


def test_a_reply_that_is_not_understood_is_told_so(alert: Alert) -> None:
    assert "Antworten Sie OK" in said(alert.reply("who is this"), "Message")
    assert alert.state() == "active"


def test_a_stranger_is_told_that_there_is_nothing(client: httpx.Client) -> None:
    form = {"MessageSid": "SM1", "From": "+12025550199", "Body": "OK"}
    told = said(signed(client, "/callbacks/twilio/sms", form), "Message")
    assert told.startswith("There is no alarm that you were told of.")


def test_a_rehearsal_is_marked_in_the_answer(client, database) -> None:
    alert = Alert(client, database)
    database.execute("update core.alerts set is_drill = true where alert_id = %s", [alert.alert_id])
    assert said(alert.reply("OK"), "Message").startswith("ÜBUNG, kein Ernstfall. Danke")


@pytest.mark.parametrize(("text", "kind"), [("Stop", {}), ("Schluss!", {"OptOutType": "STOP"})])
def test_who_says_stop_is_no_contact_any_more(alert: Alert, text: str, kind: dict) -> None:
    assert alert.reply(text, **kind).text == "<Response />"
    query = (
        "select c.state, n.event, n.means from core.contacts as c"
        " join core.contact_consents as n using (contact_id) where c.address = %s"
    )
    rows = alert.database.execute(query, [alert.number]).fetchall()
    assert rows == [("withdrawn", "withdrawn", "reply")]
    alert.reply(text, **kind)
    assert alert.database.execute(query, [alert.number]).fetchall() == rows, "noted once"


def test_a_key_acknowledges(alert: Alert) -> None:
    answer = alert.press("1")
    assert said(answer, "Say").startswith("Danke: Sie kümmern sich um Zoë")
    assert 'language="de-DE"' in answer.text
    assert alert.state() == "acknowledged"
    assert said(alert.press("1"), "Say") == said(answer, "Say")


def test_another_key_is_asked_again(alert: Alert) -> None:
    answer = alert.press("7")
    assert "<Gather" in answer.text
    assert "Drücken Sie die 1" in said(answer, "Say")
    assert alert.state() == "active"


def test_a_status_goes_forward_only(alert: Alert) -> None:
    for status, state in [
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("delivered", "delivered"),
        ("failed", "delivered"),
        ("nonsense", "delivered"),
    ]:
        assert alert.status(status).status_code == 204
        assert alert.delivery_state() == state, status
    assert alert.events().count("delivered") == 1


def test_a_text_that_could_not_be_delivered_is_shown_as_failed(alert: Alert) -> None:
    assert alert.status("undelivered").status_code == 204
    assert alert.delivery_state() == "failed"


def test_a_status_of_nothing_known_is_taken(client: httpx.Client) -> None:
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered"}
    assert signed(client, "/callbacks/twilio/status", form).status_code == 204


@pytest.mark.parametrize("path", ["status", "sms", "voice"])
def test_what_twilio_has_not_signed_is_refused(alert: Alert, path: str) -> None:
    client, path = alert.client, f"/callbacks/twilio/{path}?id={alert.delivery('voice')}"
    form = {"From": alert.number, "Body": "OK", "Digits": "1", "MessageSid": alert.sid}
    form["MessageStatus"] = "delivered"
    good = signature(TOKEN, PUBLIC + path, form)
    assert_error(signed(client, path, form, token="guessed"), 403, "SR099")
    assert_error(signed(client, path, form, url=f"{client.base_url}{path}"), 403, "SR099")
    assert_error(client.post(path, data=form), 403, "SR099")
    for changed in ({**form, "From": "+442079460001"}, {**form, "Extra": "1"}):
        refused = client.post(path, data=changed, headers={"X-Twilio-Signature": good})
        assert_error(refused, 403, "SR099")
    elsewhere = path.replace("?id=", f"?id={uuid.uuid4()}&was=")
    refused = client.post(elsewhere, data=form, headers={"X-Twilio-Signature": good})
    assert_error(refused, 403, "SR099")
    assert (alert.state(), alert.delivery_state()) == ("active", "sent")


def test_what_is_no_form_is_refused(client: httpx.Client) -> None:
    path = "/callbacks/twilio/sms"
    assert_error(client.post(path, content=b"\xff\xfe"), 403, "SR099")
    assert_error(client.post(path, content=b"a=1&" * 101), 403, "SR099")
    assert_error(client.post(path, content=b"a" * 40_000), 413, "SR030")
    assert_error(client.get(path), 405, "PGRST117")
    form = {"Digits": "1"}
    assert_error(signed(client, "/callbacks/twilio/voice?id=1", form), 400, "SR018")


def test_without_an_account_nobody_can_have_signed(api, database) -> None:
    for path in ("status", "sms", "voice"):
        with httpx.Client(base_url=api.url) as client:
            form = {"From": "+442079460000", "Body": "OK"}
            assert_error(signed(client, f"/callbacks/twilio/{path}", form, token=""), 403, "SR099")


# The page behind the link.


@pytest.fixture(scope="module")
def page(client: httpx.Client) -> httpx.Response:
    return client.get("/alert")


def test_the_page_speaks_every_language(page, database) -> None:
    (content,) = re.findall(r'id="texts">(.*?)</script>', page.text, re.DOTALL)
    texts = json.loads(content)
    rows = database.execute("select distinct language from core.consent_wordings")
    assert set(texts) == {language for (language,) in rows}
    assert {frozenset(words) for words in texts.values()} == {frozenset(texts["en"])}
    query = "select pg_get_constraintdef(oid) from pg_constraint where conname = %s"
    (check,) = database.execute(query, ["alerts_cause_check"]).fetchone()
    causes = re.findall(r"'(\w+)'", check)
    assert len(causes) == 6
    assert {f"alert_{cause}" for cause in causes} <= set(texts["en"])
    drills = ("DRILL", "SIMULACRO", "EXERCICE", "ÜBUNG", "SIMULADO", "अभ्यास")
    assert all(words["drill"].startswith(drills) for words in texts.values())


def test_the_page_shows_and_acknowledges(client, alert: Alert) -> None:
    token = alert.link.partition("#")[2]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert "/alert#" in alert.link

    def call(name: str) -> httpx.Response:
        return client.post(f"/rpc/{name}", json={"token": token})

    eventually(lambda: call("alert_by_link").status_code == 200)
    shown = call("alert_by_link").json()
    assert (shown["from_name"], shown["language"], shown["state"]) == ("Zoë", "de", "active")
    assert call("acknowledge_by_link").json()["acknowledged_by_you"]
    assert alert.state() == "acknowledged"
