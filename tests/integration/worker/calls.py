"""Calls for help, as an app makes them, and what the ledger has of them."""

import json
import uuid
from typing import Any

import psycopg

ZOE = "00000000-0000-4000-8000-000000000001"
MUM = "+442079460123"


def add_contact(db: psycopg.Connection, address: str, channel: str = "sms") -> None:
    """Zoë names somebody, who accepts."""
    call(db, "add_contact", uuid.uuid4(), "Mum", channel, address, "Zoë")
    link = db.execute("select tests.sent(%s) ->> 'link'", [address]).fetchone()[0]
    db.execute("select api.accept_contact(%s)", [link.partition("#")[2]])
    # The invitation itself is no matter here.
    db.execute("update core.outbound_messages set status = 'sent'")
    db.execute("select pgmq.purge_queue('default')")


def raise_sos(db: psycopg.Connection, message: str = "by the river") -> str:
    """Zoë calls for help; the alert's id."""
    alert_id = str(uuid.uuid4())
    call(db, "raise_sos", alert_id, None, -77.03, 38.9, message)
    return alert_id


def call(db: psycopg.Connection, function: str, *arguments: Any) -> Any:
    """What the function answers to Zoë."""
    claims = json.dumps({"role": "authenticated", "sub": ZOE})
    places = ", ".join(["%s"] * len(arguments))
    with db.transaction():
        db.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        db.execute("set local role authenticated")
        return db.execute(f"select api.{function}({places})", arguments).fetchone()[0]


def deliveries(db: psycopg.Connection, alert_id: str, tier: int = 1) -> list[tuple[Any, ...]]:
    """(channel, state, attempts) of those who are told first."""
    query = (
        "select channel, state, attempts from core.alert_deliveries"
        " where alert_id = %s and tier = %s order by channel, address"
    )
    return db.execute(query, [alert_id, tier]).fetchall()


def events(db: psycopg.Connection, alert_id: str) -> list[str]:
    """What has happened to it, in order."""
    query = "select event from core.alert_events where alert_id = %s order by number"
    return [event for (event,) in db.execute(query, [alert_id])]
