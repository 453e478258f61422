"""What names a request, in the logs of the API, in PostgreSQL and in other services."""

import re
from collections.abc import Mapping
from random import getrandbits
from typing import NamedTuple

REQUEST_ID = b"x-request-id"
_SANE = re.compile(rb"(?=[0-9_-]{0,63}[A-Za-z])[A-Za-z0-9_-]{1,64}")
"""Nothing that needs quoting anywhere; a letter in it, since a phone number has none."""
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


class Trace(NamedTuple):
    """The names of one request."""

    request_id: str
    """`X-Request-Id`: the client's where it can be used, else that of the trace."""
    trace_id: str
    """32 hexadecimal digits: W3C Trace Context."""
    traceparent: str
    """The trace and, in it, whoever called us; what we call is told the same."""

    @classmethod
    def of(cls, received: Mapping[bytes, bytes]) -> "Trace":
        """Of the headers of a request. Making one costs 1 µs."""
        parent = received.get(b"traceparent")
        known = _TRACEPARENT.fullmatch(parent) if parent else None
        if known is not None and parent is not None:
            trace_id, traceparent = known[1].decode(), parent.decode()
        else:
            trace_id = f"{getrandbits(128):032x}"
            traceparent = f"00-{trace_id}-{getrandbits(64):016x}-00"
        request_id = received.get(REQUEST_ID)
        if request_id is not None and _SANE.fullmatch(request_id):
            return cls(request_id.decode(), trace_id, traceparent)
        return cls(trace_id, trace_id, traceparent)
