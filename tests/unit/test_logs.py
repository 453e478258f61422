import json
import subprocess
import sys

import pytest

from common.logs import REDACTED, redacted

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTkyIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("no walk from -1.99134, 51.21356", "51.21"),
        ("POINT(7.4205 43.7315)", "43.73"),
        ('{"lon":7.42051,"lat":43.7}', "7.4205"),
        ("0101000020E6100000AE47E17A14AE1D403D0AD7A370DD4540 is no line", "0101000020E6"),
        ("cannot send to +447700900123", "7700900123"),
        ("cannot send to 07700 900123", "900123"),
        ("cannot send to (020) 7946-0018", "7946"),
        ("no user mary.o-neill+x@example.co.uk", "mary"),
        (f"Authorization: Bearer {TOKEN}", "eyJ"),
        (f"{TOKEN} has expired", "eyJ"),
        ("key sr_3fA9bK2LxQ8mZ7wPtR5vYc1dEgHjNs0u is revoked", "3fA9"),
        ("the code 493027 is wrong", "493027"),
        ("password=hunter2", "hunter2"),
        ("'api_key': 'abc'", "abc"),
        ("person 0192f0c1-0000-7000-8000-000000000001", "0192f0c1"),
        ("the code is ٤٩٣٠٢٧", "٤٩٣٠٢٧"),
    ],
)
def test_what_no_log_keeps(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)
    assert REDACTED in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "listening on http://127.0.0.1:18000",
        "the catalogue cannot be read: SQLSTATE 57P03",
        "SQLSTATE 57014 in safe_routes",
        "PGRST202: no such function",
        "12 connections to 10.20.30.140:15432 on 2026-11-23 in 3.25 s",
    ],
)
def test_what_operators_need_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_long_text_takes_no_time() -> None:
    """Each pattern is tried at each place: none may look far from there."""
    for text in ("a" * 1_000_000, "1 " * 500_000, "a@" * 500_000, "eyj" * 300_000):
        assert len(redacted(text)) < 5_000


PROGRAM = f"""
import logging, warnings
from common import logs
logs.configure()
fields = {{"request_id": "r" * 40 + "1", "status": 503, "duration_ms": 12.3456}}
fields["note"] = "+447700900123"
fields["task"] = {{"arguments": ["+447700900123", 7]}}
logging.getLogger("saferoute.api").info("started", extra=fields)
logging.getLogger("saferoute.api").debug("not for operators")
logging.getLogger("uvicorn.error").error("bad request: %s", "{TOKEN}")
logging.getLogger("somebody.else").info("chatter")
try:
    raise ValueError("lon 7.42051 is wrong")
except ValueError:
    logging.getLogger("asyncio").exception("a task failed")
warnings.warn("call +447700900123", stacklevel=1)
"""


def test_every_logger_writes_json_lines_without_secrets() -> None:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in process.stderr.splitlines()]
    assert [line["logger"] for line in lines] == [
        "saferoute.api",
        "uvicorn.error",
        "asyncio",
        "py.warnings",
    ]
    first = lines[0]
    assert first.pop("ts").endswith("+00:00")
    assert first == {
        "level": "INFO",
        "logger": "saferoute.api",
        "message": "started",
        "request_id": "r" * 40 + "1",
        "status": 503,
        "duration_ms": 12.3456,
        "note": REDACTED,
        "task": {"arguments": [REDACTED, 7]},
    }
    assert "ValueError" in lines[2]["exc_info"]
    for secret in ("eyJ", "7.42051", "7700900123"):
        assert secret not in process.stderr
