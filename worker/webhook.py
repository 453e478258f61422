"""Webhooks: what has happened, as signed JSON to an address that an account has given us."""

import hashlib
import hmac
import json
import time

from worker.channels import Message, RefusedError, Sent, TryAgainError
from worker.outgoing import Answer, Outgoing

PROVIDER = "webhook"


class Webhook:
    """Posts to the addresses of others."""

    def __init__(self, outgoing: Outgoing) -> None:
        """`outgoing` looks where an address leads."""
        self._outgoing = outgoing

    def send(self, message: Message) -> Sent:
        """Post the event. Raises TryAgainError or RefusedError."""
        body = json.dumps(
            {**message.event, "id": message.idempotency_key, "text": message.text},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.idempotency_key,
            "Saferoute-Signature": signature(message.keys["secret"], int(time.time()), body),
        }
        raise_unless_taken(self._outgoing.post_to_endpoint(message.address, body, headers))
        return Sent(PROVIDER, message.idempotency_key)

    def find(self, message: Message) -> Sent | None:
        """Always none: nobody can be asked. The receiver knows the event by its key."""
        return None


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=` seconds since 1970, `v1=` HMAC-SHA256 of that time, a dot and the body."""
    signed = hmac.digest(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hex()}"


def raise_unless_taken(answer: Answer) -> None:
    """2xx is taken; 404 and 410: there is nobody any more. Others are tried again or refused."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise RefusedError("endpoint gone")
    if status in (408, 409, 425, 429) or status >= 500:
        raise TryAgainError(f"HTTP {status}", answer.retry_after_s)
    raise RefusedError(f"HTTP {status}")
