"""What workers do. Each task is a nudge: what is to be done stands in the database, and a task that
comes twice, late or for nothing does no harm.

Nothing is retried by Celery: a task that failed has said so in the row it was about, or the sweep
finds that row again.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import psycopg

from common.settings import settings
from worker import command, database, relay, texts
from worker.app import app
from worker.channels import Message, RefusedError, Sent, TryAgainError
from worker.clients import channels
from worker.outgoing import TOTAL_S

_LOG = logging.getLogger("saferoute.worker")
_LEASE_S = 10
_AT_ONCE = 500
"""What one sweep queues or removes: as much as the workers of one machine do in two seconds."""


@app.task(name="deliver")
def deliver(delivery_id: str) -> None:
    """Send one message about an alert, unless that has been done or somebody is at it."""
    claim, begun = _claimed("claim_delivery", delivery_id)
    if claim is not None:
        _attempt(claim, begun, "note_sent", "note_failed")


@app.task(name="send_message")
def send_message(message_id: str) -> None:
    """Send a code, a link or another message that is about no alert."""
    claim, begun = _claimed("claim_message", message_id)
    if claim is not None:
        _attempt(claim, begun, "note_message_sent", "note_message_failed")


@app.task(name="sweep")
def sweep() -> None:
    """Find what is due and what nobody works on, whatever has become of its task."""
    steps: list[Callable[[], object]] = [
        lambda: database.call("nudge", _AT_ONCE),
        relay.carry_over,
        _watch_journeys,
        _sound_alarms,
    ]
    for step in steps:
        try:
            step()
        except psycopg.Error:
            # One that fails keeps none of the others from what they do; the next sweep comes soon.
            _LOG.exception("a sweep failed")


def _watch_journeys() -> None:
    """Look at the walks that are due."""
    while database.call("sweep_journeys")["is_more"]:
        pass


def _sound_alarms() -> None:
    """Raise the alerts that are left to do so."""
    while database.call("sound_alarm") is not None:
        pass


@app.task(name="escalate")
def escalate() -> None:
    """Have those told whose turn it is, where nobody has answered."""
    database.call("escalate")


@app.task(name="tidy")
def tidy() -> None:
    """Remove what has been kept long enough."""
    while database.call("tidy", _AT_ONCE) >= _AT_ONCE:
        pass


@app.task(name="refresh_risk", time_limit=3600)
def refresh_risk() -> None:
    """Bring the risk of streets up to date with the crimes that have come in."""
    _saferoute("refresh-risk", timeout_s=3500)


@app.task(name="maintain", time_limit=6600)
def maintain() -> None:
    """Make the periods ahead, and retire those that are due."""
    _saferoute("partitions", "maintain", timeout_s=6500)


@app.task(name="backup", time_limit=6600)
def backup() -> None:
    """Back up the database, where that is done from this machine."""
    if settings().backup_config is not None:
        _saferoute("backup", timeout_s=6500)


@database.patient
def _claimed(function: str, row_id: str) -> tuple[dict[str, Any] | None, float]:
    """The claim, or none, and a time before its lease began."""
    begun = time.monotonic()
    return database.call(function, row_id), begun


def _attempt(claim: Mapping[str, Any], begun: float, sent: str, failed: str) -> None:
    """One attempt, and what became of it into the row."""
    try:
        found = _send(claim, begun)
    except TryAgainError as error:
        _LOG.info("%s: %s, again later", claim["channel"], error.reason)
        noted = database.tell(failed, claim["claim_id"], error.reason, error.retry_after_s, False)
    except RefusedError as error:
        _LOG.warning("%s: %s, given up", claim["channel"], error.reason)
        noted = database.tell(failed, claim["claim_id"], error.reason, None, True)
    else:
        noted = database.tell(sent, claim["claim_id"], found.provider, found.provider_id)
    if not noted:
        _LOG.warning("%s: an attempt took longer than its lease", claim["channel"])


def _send(claim: Mapping[str, Any], begun: float) -> Sent:
    message = _message(claim)
    # An earlier attempt may have reached the provider, whatever its worker came to know of that.
    if claim["attempts"] > 1 and (found := channels().find(message)) is not None:
        return found
    if time.monotonic() - begun > _LEASE_S - TOTAL_S:
        raise TryAgainError("too late to send within the lease", 0)
    return channels().send(message)


def _message(claim: Mapping[str, Any]) -> Message:
    channel, language = claim["channel"], claim["language"]
    template = database.tell("message_template", claim["template"], channel, language)
    if template is None:
        raise RefusedError("no such text")
    parameters = texts.shown(claim["parameters"], language)
    try:
        subject, text = (texts.rendered(template[part], parameters) for part in ("subject", "body"))
    except KeyError as error:
        raise RefusedError(f"the text names {error.args[0]}, which there is not") from error
    return Message(
        channel=channel,
        address=claim["address"],
        language=language,
        subject=subject,
        text=text,
        idempotency_key=claim["idempotency_key"],
        queued_at=datetime.fromisoformat(claim["queued_at"]),
        is_alarm="delivery_id" in claim,
        links=frozenset(claim.get("links") or ()),
        keys=claim.get("keys", {}),
        event=claim.get("event", {}),
    )


def _saferoute(*words: str, timeout_s: float) -> None:
    """Run the operators' command; a line of it that says what is wrong goes to the log."""
    done = command.saferoute(*words, timeout_s=timeout_s)
    if done.returncode:
        _LOG.error("saferoute %s: %s", " ".join(words), done.stderr.strip()[-500:])
