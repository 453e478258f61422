"""Which web pages may call from a browser.

Callers prove who they are by headers that a page sets itself, never by cookies: so credentials are
not allowed, and an origin is only a matter of who may read the answers.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_METHODS = ("GET", "HEAD", "POST", "DELETE")
_ASKED = (
    *("Authorization", "X-API-Key", "Content-Type", "Content-Encoding", "Idempotency-Key"),
    *("Accept-Profile", "Content-Profile", "Prefer", "Range", "Range-Unit", "X-Client-Info"),
    *("X-Consistency-Token", "X-Request-Id", "traceparent", "tracestate", "Last-Event-ID"),
)
_ANSWERED = (
    *("Content-Profile", "Content-Range", "Idempotency-Replayed", "Location", "Proxy-Status"),
    *("RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"),
    *("X-Consistency-Token", "X-Request-Id"),
)
_MAX_AGE = 86400
"""Seconds a browser may remember that it may call; Chrome takes 7200 of them."""


def allowing(application: ASGIApp, origins: str) -> ASGIApp:
    """The application for requests from these origins, separated by commas; `*` is any."""
    return CORSMiddleware(
        application,
        allow_origins=[origin.strip() for origin in origins.split(",")],
        allow_methods=_METHODS,
        allow_headers=_ASKED,
        expose_headers=_ANSWERED,
        max_age=_MAX_AGE,
    )
