"""What goes wrong, as an HTTP answer: a status and a body of four keys, as PostgREST gives them.

SQLSTATE -> status: https://docs.postgrest.org/en/stable/references/errors.html, except that
overload and failover are always 503 with Retry-After, never 500 or 504. Our own codes (class SR)
have their status in `core.error_codes`.
"""

import logging
from collections.abc import Mapping

import asyncpg
import orjson

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json; charset=utf-8")
PRIVATE = (b"cache-control", b"no-store")
"""Addresses hold positions and answers are of one caller: nobody between may keep them."""
NOSNIFF = (b"x-content-type-options", b"nosniff")

_BY_STATE = {
    "21000": 500,
    "22023": 400,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "53400": 500,
    "57P01": 503,
    "57P02": 503,
    "57P03": 503,
    "P0001": 400,
}
_BY_CLASS = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}
_OF_THE_SERVER = ("53", "58", "F0", "XX")
"""Classes whose messages hold paths of files and names of settings, which are nobody's business."""
_MASKS = {500: "The server made a mistake", 503: "The server is too busy"}

logger = logging.getLogger("saferoute.api")


class RequestError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: str | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are added to the answer; 503 always carries Retry-After."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.body = {"code": code, "message": message, "details": details, "hint": hint}
        self.extra = dict(headers or {})
        if status == 503:
            self.extra.setdefault("retry-after", "1")

    def answer(self) -> tuple[int, Headers, bytes]:
        """Status, headers and body; HEAD clients read the code from Proxy-Status."""
        headers = [
            JSON,
            PRIVATE,
            NOSNIFF,
            (b"proxy-status", f"PostgREST; error={self.code}".encode()),
        ]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in self.extra.items()]
        return self.status, headers, orjson.dumps(self.body)


def unavailable(message: str, code: str = "PGRST000") -> RequestError:
    """The database cannot answer now: 503, try again in a second."""
    return RequestError(503, code, message)


def no_such_path() -> RequestError:
    """There is nothing at this address: 404."""
    return RequestError(404, "PGRST125", "Invalid path specified in request URL")


def mistake() -> RequestError:
    """What nobody foresaw: 500, without a word about it."""
    return RequestError(500, "XX000", "The server made a mistake")


def from_postgres(
    error: asyncpg.PostgresError, statuses: Mapping[str, int], *, is_known: bool
) -> RequestError:
    """The answer to an error of PostgreSQL.

    `statuses` are those of our own codes; `is_known`: a token named the caller's role. Of errors of
    the server itself only the code is told.
    """
    code = error.sqlstate
    if code == "42501":
        status = 403 if is_known else 401
    elif code == "57014" and error.message.endswith("statement timeout"):
        status = 503  # the ceiling of the connection: the sign of overload
    else:
        status = statuses.get(code) or _BY_STATE.get(code) or _BY_CLASS.get(code[:2], 400)
    is_raised = error.server_source_function == "exec_stmt_raise"  # by a function of ours
    if code == "54000" and not is_raised:
        status = 400  # an argument is more than a type takes, as an array of seven dimensions
    elif (code[:2] in _OF_THE_SERVER or code == "54001") and not is_raised:
        logger.error("SQLSTATE %s", code)
        return RequestError(status, code, _MASKS[status])
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    details = error.detail or None
    if details and details.startswith("Failing row contains"):
        details = None  # the whole row: with columns that its writer may not read
    return RequestError(status, code, error.message, details, error.hint or None, headers=headers)
