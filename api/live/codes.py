"""Why a connection ends: the close codes of docs/reference/live.md."""

UNSUPPORTED = 1003
NOT_TEXT = 1007
TOO_BIG = 1009
MISTAKE = 1011
RESTARTS = 1012
TOO_SLOW = 1013
GONE = 1006
BAD_FRAME = 4400
BAD_TOKEN = 4401
NOT_ALLOWED = 4403
NO_SHARE = 4404
REPLACED = 4409
TOO_MANY = 4429

REASONS = {
    UNSUPPORTED: "send text",
    NOT_TEXT: "this is not UTF-8",
    TOO_BIG: "a frame has at most 64 kB",
    MISTAKE: "the gateway made a mistake",
    RESTARTS: "the gateway is being stopped",
    GONE: "not heard for too long",
    TOO_SLOW: "too much is waiting to be taken",
    BAD_FRAME: "this is none of the frames that there are",
    BAD_TOKEN: "the token is missing or not valid",
    NOT_ALLOWED: "the token is of nobody who may watch",
    NO_SHARE: "the link shows nothing any more",
    REPLACED: "there are newer connections of yours",
    TOO_MANY: "too many frames",
}


class ClosedError(Exception):
    """The connection ends with this code."""

    def __init__(self, code: int, reason: str | None = None) -> None:
        """`reason`, where another than the usual one is better."""
        super().__init__(code)
        self.code = code
        self.reason = reason or REASONS[code]
