"""Notifications of browsers: encrypted for the browser, signed for its push service."""

import json
import time
from urllib.parse import urlsplit

from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from common.settings import Settings
from worker.channels import Message, RefusedError, Sent
from worker.outgoing import Outgoing
from worker.webhook import raise_unless_taken

PROVIDER = "web_push"
_LIFETIME_S = 12 * 3600
"""Of the signature; push services take at most a day."""
_TTL_S = 4 * 3600
"""How long a push service keeps it for a browser that is not there."""
_MOST_BYTES = 3_900
"""Of the text: push services take 4,096 once it is encrypted."""


class WebPush:
    """Posts to push services."""

    def __init__(self, settings: Settings, outgoing: Outgoing) -> None:
        """Raises RefusedError where there is no key of ours."""
        key, contact = settings.vapid_private_key, settings.vapid_contact
        if key is None or contact is None:
            raise RefusedError("channel not configured")
        self._vapid = Vapid02.from_string(key.get_secret_value())
        self._contact = contact
        self._outgoing = outgoing

    def send(self, message: Message) -> Sent:
        """Post the notification. Raises TryAgainError, or RefusedError: the browser is gone."""
        parts = urlsplit(message.address)
        signed = self._vapid.sign(
            {
                "aud": f"{parts.scheme}://{parts.netloc}",
                "exp": int(time.time()) + _LIFETIME_S,
                "sub": self._contact,
            }
        )
        headers = {
            "Authorization": str(signed["Authorization"]),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_TTL_S),
            "Urgency": "high" if message.is_alarm else "normal",
            # What waits at the push service is replaced by another attempt, not joined by it.
            "Topic": message.idempotency_key.replace("-", "")[:32],
        }
        answer = self._outgoing.post_to_endpoint(message.address, _encrypted(message), headers)
        raise_unless_taken(answer)
        return Sent(PROVIDER, answer.headers.get("location") or message.idempotency_key)

    def find(self, message: Message) -> Sent | None:
        """Always none: push services cannot be asked. They know the message by its topic."""
        return None


def _encrypted(message: Message) -> bytes:
    """For the browser alone: `title`, `body`, `id`, and the event as far as it fits."""
    told = {"title": message.subject, "body": message.text, "id": message.idempotency_key}
    content = json.dumps({**told, "event": dict(message.event)}, ensure_ascii=False).encode()
    if len(content) > _MOST_BYTES:
        content = json.dumps(told, ensure_ascii=False).encode()
    try:
        keys = {name: message.keys[name] for name in ("p256dh", "auth")}
        pusher = WebPusher({"endpoint": message.address, "keys": keys})
        return bytes(pusher.encode(content, content_encoding="aes128gcm")["body"])
    except (WebPushException, ValueError, LookupError):
        raise RefusedError("the keys of the browser are none") from None
