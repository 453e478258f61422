"""Signatures as Twilio makes them."""

import pytest

from common.twilio import is_signed
from tests.fixtures.twilio import signature

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
# Of Twilio's documentation, with this token.
TOKEN, SIGNATURE = "12345", "GvWf1cFY/Q7PnoempGyD5oXAezc="


def test_the_example_of_the_documentation() -> None:
    assert signature(TOKEN, URL, FORM) == SIGNATURE
    assert is_signed(TOKEN, URL, FORM.items(), SIGNATURE)


@pytest.mark.parametrize("other", ["https://mycompany.com:443", "https://mycompany.com"])
def test_the_usual_port_may_be_named_or_not(other: str) -> None:
    signed = signature(TOKEN, URL.replace("https://mycompany.com", other), FORM)
    assert is_signed(TOKEN, URL, FORM.items(), signed)
    assert is_signed(TOKEN, URL.replace(".com/", ".com:443/"), FORM.items(), signed)


@pytest.mark.parametrize(
    ("token", "url", "form", "signed"),
    [
        ("12346", URL, FORM, SIGNATURE),
        (TOKEN, URL.replace("bar=2", "bar=3"), FORM, SIGNATURE),
        (TOKEN, URL.replace("https", "http"), FORM, SIGNATURE),
        (TOKEN, URL.replace("mycompany.com", "mycompany.com:8443"), FORM, SIGNATURE),
        (TOKEN, URL, {**FORM, "Digits": "1"}, SIGNATURE),
        (TOKEN, URL, {**FORM, "More": ""}, SIGNATURE),
        (TOKEN, URL, FORM, ""),
        (TOKEN, URL, FORM, "é"),
    ],
)
def test_anything_else_is_not_signed(token, url, form, signed) -> None:
    assert not is_signed(token, url, form.items(), signed)
