"""Messages to send, to whom, and the settings that the stand-ins are reached by."""

import base64
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from common.settings import Settings
from tests.fixtures.stand_ins import StandIns
from worker.channels import Message

PHONE = "+442079460000"
MAILBOX = "zoe@example.org"
ENGLISH = "Zoë calls for help. 22:51 UTC. https://walks.example/alert#"
PUBLIC = "http://127.0.0.1:1"
"""Nobody listens there: what is called back is recorded as unanswered."""


def settings_of(stand_ins: StandIns, **others: Any) -> Settings:
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    known = {
        name.removeprefix("SAFEROUTE_").lower(): value for name, value in stand_ins.settings.items()
    }
    vapid = base64.urlsafe_b64encode(key.to_bytes(32)).decode().rstrip("=")
    return Settings(
        **{
            **known,
            "redis_hosts": "127.0.0.1:1",
            "public_url": PUBLIC,
            "vapid_private_key": vapid,
            "vapid_contact": "mailto:ops@example.org",
            **others,
        }
    )


def a_message(channel: str, address: str, **others: Any) -> Message:
    text = ENGLISH + base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode()[:43]
    return Message(
        **{
            "channel": channel,
            "address": address,
            "language": "en",
            "subject": "Zoë calls for help.",
            "text": text,
            "idempotency_key": str(uuid.uuid4()),
            "queued_at": datetime.now(UTC),
            "is_alarm": True,
            **others,
        }
    )


def a_hook(stand_ins: StandIns) -> dict[str, Any]:
    name, secret = uuid.uuid4().hex, uuid.uuid4().hex
    httpx.put(f"{stand_ins.url}/hooks/{name}/secret", content=secret)
    return {"address": f"{stand_ins.url}/hooks/{name}", "keys": {"secret": secret}}


def a_browser(stand_ins: StandIns) -> dict[str, Any]:
    given = httpx.post(f"{stand_ins.url}/push/browsers").json()
    return {"address": given["endpoint"], "keys": given["keys"]}


def to(stand_ins: StandIns, channel: str) -> Message:
    """A message to a new address of the channel."""
    if channel == "webhook":
        return a_message(channel, **a_hook(stand_ins), event={"event": "raised", "drill": True})
    if channel == "web_push":
        return a_message(channel, **a_browser(stand_ins), event={"event": "raised"})
    return a_message(channel, MAILBOX if channel == "email" else PHONE)
