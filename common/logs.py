"""Logs as JSON lines, and what may not stand in them.

No code of ours logs a position, an address, a token or a code; what is here is the second wall,
for messages of libraries and for mistakes.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

REDACTED = "[redacted]"
_LONGEST = 4_000  # characters of a field that are kept: a traceback, not a body
_KEPT = frozenset({"ts", "level", "logger", "request_id", "trace_id"})
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # What is named as a secret.
        r"(?<=bearer )\S+",
        r"""(?<![a-z])(?:password|passwd|secret|token|authorization|cookie|api[-_ ]?key|otp|code)"""
        r"""["']?\s*[=:]\s*["']?(?!pgrst|sr\d)[^\s"',;}]+""",
        # E-mail addresses.
        r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+",
        # Tokens, keys, digests, identifiers of people, geometries in hexadecimal.
        r"(?=[\w-]{0,64}\d)[\w-]{32,}(?:\.[\w-]+)*",
        r"\beyj[\w-]{8,}(?:\.[\w-]+)*",
        # Degrees: three decimals are a hundred metres.
        r"(?<![\w.])[-+]?\d{1,3}\.\d{3,}",
        # Phone numbers, but not dates.
        r"(?<![\w.])(?!\d{4}-\d\d-\d\d)\+?\(?\d(?:[ ()-]{0,2}\d){6,}(?!\w)",
        # Codes that were sent to somebody.
        r"(?<![\w.:])\d{6,}(?!\w)",
    )
]


def redacted(text: str) -> str:
    """The text without positions, phone numbers, e-mail addresses, tokens, keys and codes."""
    text = text[:_LONGEST]
    for pattern in _PATTERNS:
        text = pattern.sub(REDACTED, text)
    return text


def _clean(value: Any) -> Any:
    """The value with every text in it redacted: libraries log what they were called with."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: _clean(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(entry) for entry in value]
    return value


class _Formatter(OrjsonFormatter):
    """One JSON object: ts, level, logger, message, and what the record carries as `extra`."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*_RESERVED],
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["ts"] = datetime.fromtimestamp(record.created, UTC).isoformat(
            timespec="milliseconds"
        )
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {key: value if key in _KEPT else _clean(value) for key, value in log_data.items()}


_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def configure() -> None:
    """Send the warnings of every logger and the news of our own to stderr, one JSON line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("saferoute").setLevel(logging.INFO)
    logging.captureWarnings(True)
