"""What can go wrong that connecting again does not mend."""

REFUSALS = {
    1002: "the frames that were sent break the protocol",
    1003: "binary frames are not taken",
    1007: "text that is not UTF-8 was sent",
    1009: "a frame of more than 64 kB was sent",
    4400: "a frame that the gateway does not know was sent",
    4401: "the token is missing, forged, revoked or has expired",
    4403: "this token may not watch anything",
    4404: "the share shows nothing any more: it has expired, was revoked, or the walk is over",
    4409: "the person has opened more connections than one may have",
}
"""Close codes after which the client does not connect again."""
_CLOSE_CODES = {401: 4401, 403: 4403, 404: 4404}
BUSY = (408, 425, 429, 502, 503, 504)
"""Statuses after which a later call or connection may succeed."""


class LiveError(Exception):
    """The gateway did not do what was asked."""


class RefusedError(LiveError):
    """The gateway has refused, and would again.

    `code` is its close code (docs/reference/live.md), the status of a handshake, or the code of the
    error (docs/reference/errors.md) where one topic or call is refused.
    """

    def __init__(self, code: int | str, reason: str = "") -> None:
        """`reason` is the gateway's own."""
        known = REFUSALS.get(code, "refused") if isinstance(code, int) else "refused"
        super().__init__(f"{code}: {reason or known}")
        self.code = code
        self.reason = reason


def refusal_of_status(status: int) -> RefusedError | None:
    """What the status of a refused handshake means; none where a later one may succeed."""
    if 400 <= status < 500 and status not in BUSY:
        return RefusedError(
            _CLOSE_CODES.get(status, status), f"the handshake was answered {status}"
        )
    return None
