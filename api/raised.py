"""What functions say of their own answer: `response.headers`, `response.status`, and errors that
name their status (`raise sqlstate 'PT402'`, `raise sqlstate 'PGRST'`), as PostgREST has them.
"""

import re
from typing import Any

import asyncpg
import orjson

from api.errors import Headers, RequestError
from api.publications import HEADER

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # a line break would begin another header
_CODE = re.compile(r"[\x21-\x7e]{1,64}")  # it goes into a header too
_STATUS = re.compile(r"PT([2-5][0-9]{2})")
_UNPARSED = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"
_MESSAGE = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: "
    "'details', 'hint'."
)
_DETAIL = (
    "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: "
    "'status_text'."
)


def own_headers(text: str) -> tuple[Headers, str | None]:
    """What a function has put into `response.headers`: a JSON array of objects of one key each.

    And what it publishes, which is among them and not for the caller.
    """
    headers: Headers = []
    publications: str | None = None
    try:
        for entry in orjson.loads(text):
            for name, value in entry.items():
                if name == HEADER:
                    publications = value
                else:
                    headers.append(_header(name, value))
        return headers, publications
    except (ValueError, AttributeError, TypeError):
        raise RequestError(
            500,
            "PGRST111",
            "response.headers guc must be a JSON array composed of objects with a single key and "
            "a string value",
        ) from None


def own_status(text: str) -> int:
    """What a function has put into `response.status`."""
    if text.isdecimal() and 200 <= int(text) <= 599:
        return int(text)
    raise RequestError(500, "PGRST112", "response.status guc must be a valid status code")


def raised(error: asyncpg.PostgresError) -> RequestError | None:
    """The answer to an error that names its own status; none where it is another error."""
    code: str = error.sqlstate
    if code == "PGRST":
        return _in_full(error)
    if not code.startswith("PT"):
        return None
    named = _STATUS.fullmatch(code)
    status = int(named[1]) if named else 500
    return RequestError(status, code, error.message, error.detail or None, error.hint or None)


def _in_full(error: asyncpg.PostgresError) -> RequestError:
    body = _object(error.message)
    code, message = (body.get("code"), body.get("message")) if body else (None, None)
    if body is None or not isinstance(code, str) or message is None or not _CODE.fullmatch(code):
        return _unparsed(f"Invalid JSON value for MESSAGE: '{error.message}'", _MESSAGE)
    if not error.detail:
        return _unparsed("DETAIL is missing in the RAISE statement", _DETAIL)
    told = _object(error.detail)
    status = told.get("status") if told else None
    headers = told.get("headers") if told else None
    if not isinstance(status, int) or not 200 <= status <= 599 or not isinstance(headers, dict):
        return _unparsed(f"Invalid JSON value for DETAIL: '{error.detail}'", _DETAIL)
    try:
        extra = dict(_header(*pair) for pair in headers.items())
    except (ValueError, TypeError):
        return _unparsed(f"Invalid JSON value for DETAIL: '{error.detail}'", _DETAIL)
    texts = {name.decode(): value.decode("latin-1") for name, value in extra.items()}
    details, hint = body.get("details"), body.get("hint")
    return RequestError(status, code, str(message), details, hint, headers=texts)


def _unparsed(details: str, hint: str) -> RequestError:
    return RequestError(500, "PGRST121", _UNPARSED, details, hint)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError(name)
    return name.lower().encode(), value.encode("latin-1")
