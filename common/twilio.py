"""What Twilio and we say to each other: signatures of callbacks, and TwiML, which is read out."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.etree import ElementTree

VOICES = {
    "en": ("en-GB", "Polly.Amy"),
    "es": ("es-ES", "Polly.Lucia"),
    "fr": ("fr-FR", "Polly.Celine"),
    "de": ("de-DE", "Polly.Marlene"),
    "pt": ("pt-BR", "Polly.Camila"),
    "hi": ("hi-IN", "Polly.Aditi"),
}
"""Language and voice that read each of our languages out."""
_PORTS = {"https": 443, "http": 80}


def say(parent: ElementTree.Element, text: str, language: str, times: int = 1) -> None:
    """Add what is read out to a TwiML element."""
    spoken, voice = VOICES.get(language, VOICES["en"])
    how = {"language": spoken, "voice": voice, "loop": str(times)}
    ElementTree.SubElement(parent, "Say", how).text = text


def twiml(response: ElementTree.Element) -> str:
    """The document as Twilio takes it."""
    return ElementTree.tostring(response, encoding="unicode")


def is_signed(token: str, url: str, form: Iterable[tuple[str, str]], signature: str) -> bool:
    """Whether the account of this token has signed that form for this address.

    https://www.twilio.com/docs/usage/security: HMAC-SHA1 of the address and all fields in order of
    their names. Twilio signs the address with its port or without.
    """
    fields = "".join(name + value for name, value in sorted(set(form)))
    expected = [_signature(token, each + fields) for each in (url, _with_port(url))]
    sent = signature.encode()
    found = [hmac.compare_digest(each, sent) for each in expected]  # as long, whatever comes out
    return any(found)


def _signature(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1))


def _with_port(url: str) -> str:
    """The address with the port that goes without saying; without it where it is named."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    usual = _PORTS.get(parts.scheme)
    if parts.port == usual:
        return parts._replace(netloc=host).geturl()
    if parts.port is None:
        return parts._replace(netloc=f"{host}:{usual}").geturl()
    return url
