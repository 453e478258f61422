"""Tasks of the queue bulk that make what people asked for with `request_report`."""

import json
import logging
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from worker import command, database, reports
from worker.app import app

Claim = dict[str, Any]
Made = tuple[str, bytes]
"""Media type and content."""

_LEASE = timedelta(minutes=2)
_EXPORT_LEASE = timedelta(minutes=10)
_EXPORT_PATIENCE = timedelta(hours=1)
_LARGEST = 100 * 2**20  # bytes: the row is written and read whole
_TOLD_EVERY = 20  # routes
_OF_THE_SERVER = ("08", "25", "53", "57", "58")
"""Classes of errors that say nothing of the route: the whole report is tried again."""


logger = logging.getLogger("saferoute.worker")


class NotNowError(Exception):
    """A report that cannot be made at the moment."""


class FailedError(Exception):
    """A report that cannot be made; the message is for the person."""


@app.task(name="journey_report", time_limit=600)
def journey_report(report_id: str) -> None:
    """The HTML page or the GPX file of a walk."""
    _make(report_id, _LEASE, _walk)


@app.task(name="route_safety_bulk", time_limit=3600)
def route_safety_bulk(report_id: str) -> None:
    """What is to be said of many routes."""
    _make(report_id, _LEASE, _ratings)


@app.task(name="export", time_limit=900)
def export(report_id: str) -> None:
    """Everything that is kept of a person."""
    _make(report_id, _EXPORT_LEASE, _export)


@app.task(name="sweep_reports")
def sweep_reports() -> None:
    """Remove reports that have expired, and queue those anew that nobody makes."""
    database.call("sweep_reports")


def _make(report_id: str, lease: timedelta, make: Callable[[Claim], Made]) -> None:
    """Claim a report, make it and keep it. Where anything else than the report is to blame the
    task fails, and the sweep queues another once the claim is over.
    """
    claim: Claim | None = database.call("claim_report", report_id, lease)
    if claim is None:
        return
    try:
        media_type, content = make(claim)
    except NotNowError as error:
        _give_up(claim, str(error), timedelta(minutes=1))
    except FailedError as error:
        _give_up(claim, str(error))
    except psycopg.Error as error:
        if not _is_refusal(error):
            raise
        _give_up(claim, f"{error.sqlstate}: {error.diag.message_primary}")
    else:
        database.tell("finish_report", claim["claim_id"], media_type, content)


def _give_up(claim: Claim, reason: str, retry_after: timedelta | None = None) -> None:
    database.tell("fail_report", claim["claim_id"], reason, retry_after)


def _walk(claim: Claim) -> Made:
    facts = database.call("report_facts", claim["claim_id"])
    if facts is None:
        raise FailedError("The walk is gone.")
    if claim["kind"] == "gpx":
        return "application/gpx+xml", reports.gpx(facts).encode()
    return "text/html; charset=utf-8", reports.page(facts).encode()


def _ratings(claim: Claim) -> Made:
    answers = []
    for number, entry in enumerate(claim["parameters"]["routes"]):
        if number and number % _TOLD_EVERY == 0:
            database.tell("note_report_progress", claim["claim_id"], number)
        answers.append({"number": number, **_rating(entry)})
    return "application/json", json.dumps({"routes": answers}, ensure_ascii=False).encode()


def _rating(entry: Any) -> dict[str, Any]:
    """The answer, or the error of this one: a bad route is no reason to lose the others."""
    route, at = (entry.get("route"), entry.get("at")) if isinstance(entry, dict) else (entry, None)
    if isinstance(route, dict | list):
        route = json.dumps(route)
    if not isinstance(route, str) or not isinstance(at, str | None):
        return _error("SR016", "The route is not a line that can be read.")
    try:
        return {"answer": database.call("route_safety", route, at)}
    except psycopg.Error as error:
        if (error.sqlstate or "08")[:2] in _OF_THE_SERVER:
            raise
        if _is_refusal(error) or isinstance(error, psycopg.DataError):
            details = error.diag.message_detail
            return _error(error.sqlstate, error.diag.message_primary, details or None)
        return _error(error.sqlstate, "The server made a mistake")


def _error(code: str | None, message: str | None, details: str | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details}}


def _is_refusal(error: psycopg.Error) -> bool:
    return (error.sqlstate or "").startswith("SR")


def _export(claim: Claim) -> Made:
    """As an operator would: archives are read too, and no upkeep may run beside it."""
    with tempfile.TemporaryDirectory(prefix="saferoute-export-") as folder:
        path = Path(folder) / "export.zip"
        patience = _EXPORT_LEASE - timedelta(minutes=1)
        try:
            done = command.saferoute(
                *("users", "export", "-", str(path)),
                timeout_s=patience.total_seconds(),
                told=claim["user_id"],
            )
        except subprocess.TimeoutExpired:
            raise FailedError("It took too long; ask who runs this platform for it.") from None
        if done.returncode != 0:
            logger.warning("an export failed: %s", done.stderr.strip()[-500:])
            waited = datetime.now(UTC) - datetime.fromisoformat(claim["asked_at"])
            if waited < _EXPORT_PATIENCE:
                raise NotNowError("It could not be written yet.")
            raise FailedError("It could not be written; ask who runs this platform for it.")
        if path.stat().st_size > _LARGEST:
            raise FailedError("It is larger than 100 MB; ask who runs this platform for it.")
        return "application/zip", path.read_bytes()
