"""Every text there is, with what messages give."""

import psycopg
import pytest

from worker.texts import rendered, shown

LINK = "https://walks.example.org/alert#" + 43 * "x"
ALERT = {
    "from_name": "Zoë Müller-Lüdenscheid",
    "lon": -0.127761,
    "lat": 51.507351,
    "raised_at": "2026-11-23T22:51:07.5+00:00",
    "link": LINK,
    "note": "Somebody follows me",
}
GIVEN: dict[str, dict[str, object]] = {
    "sign_up": {"code": "123456"},
    "reset_password": {"code": "123456"},
    "verify": {"code": "123456"},
    "no_account": {},
    "address_changed": {},
    "contact_invitation": {"from_name": ALERT["from_name"], "link": LINK, "code": "123456"},
    "pre_warning": {"due_at": ALERT["raised_at"]},
}
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38 without its extension: what is not in it makes the whole SMS UCS-2."""


@pytest.fixture(scope="module")
def told(template, primary) -> list[tuple[str, str, str, str | None, str]]:
    """Template, channel, language, subject and body, with everything set in."""
    with (
        primary.copy(template, "texts"),
        psycopg.connect(primary.conninfo("texts")) as connection,
    ):
        rows = connection.execute("select * from core.message_templates").fetchall()
    found = []
    for name, channel, language, subject, body in rows:
        given = shown(GIVEN.get(name.removeprefix("drill_"), ALERT), language)
        title = None if subject is None else rendered(subject, given)
        found.append((name, channel, language, title, rendered(body, given)))
    return found


def test_nothing_is_left_to_be_set_in(told) -> None:
    assert len(told) > 600
    assert not [row for row in told if "{" in f"{row[3]}{row[4]}"]


def test_what_asks_for_help_says_where_and_has_a_link(told) -> None:
    for name, channel, language, _, body in told:
        if name.removeprefix("drill_").startswith(("alert_", "duress", "escalated")):
            is_read = channel in ("sms", "email")
            assert (LINK in body) == is_read, (name, channel, language)
            assert ("51.50735" in body) == (channel != "voice"), (name, channel, language)


def test_an_sms_has_few_parts(told) -> None:
    for name, channel, language, _, body in told:
        if channel != "sms":
            continue
        is_gsm = set(body.replace("ë", "e")) <= GSM
        size = len(body.encode("utf-16-le")) // 2
        parts = -(-size // (153 if is_gsm else 67))
        assert is_gsm or language in ("pt", "hi") or name in GIVEN, (name, language, body)
        assert parts <= (3 if is_gsm else 6), (name, language, parts, body)


def test_a_call_and_a_notification_stay_short(told) -> None:
    for name, channel, language, subject, body in told:
        if channel == "voice":
            assert len(body) < 500, (name, language)
        if channel == "web_push":
            assert len(f"{subject}{body}".encode()) < 1_000, (name, language)
