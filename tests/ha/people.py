"""Walkers, the people they have named, and calls for help that do not give up."""

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import psycopg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from tests.ha.stack import SECRET

CHANNELS = ["live", "sms", "voice", "email", "web_push", "webhook"]
LON, LAT = -77.03, 38.90


@dataclass
class People:
    """Who calls, and who is told."""

    walkers: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    """Contacts who watch in the app."""
    hooks: dict[str, str] = field(default_factory=dict)
    """Secret of each webhook, by the last part of its address."""


def token(user_id: str) -> str:
    """Good for an hour."""
    claims = {"role": "authenticated", "sub": user_id, "exp": int(time.time()) + 3600}
    return jwt.encode(claims, SECRET, "HS256")


def settle(
    db: psycopg.Connection,
    walkers: int,
    accounts: int,
    services: str,
    browsers: Sequence[dict[str, Any]] = (),
) -> People:
    """Make walkers, each with five contacts: two who watch in the app (one of whom has a phone, the
    other a mailbox, a webhook and, where given, a browser), one with a phone and two with mailboxes
    alone. `services` is where webhooks lead; every account has one.
    """
    chance = random.Random(20261123)
    found = People()

    def new_id() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    # All are told at once: this is about delivery, not about patience.
    db.execute("delete from core.escalation_steps where cause = '*'")
    db.execute(
        "insert into core.escalation_steps (cause, tier, after, channels) values ('*', 1, '0', %s)",
        [CHANNELS],
    )
    db.execute("update core.site set allows_local_webhooks = true")
    for number in range(accounts):
        account = new_id()
        found.accounts.append(account)
        secret = found.hooks[f"account-{number}"] = f"the-secret-of-account-{number}"
        endpoints: list[tuple[str, str, str | None, str | None, str | None]] = [
            ("webhook", f"{services}/hooks/account-{number}", None, None, secret)
        ]
        if number < len(browsers):
            browser = browsers[number]
            keys = browser["keys"]
            endpoints.append(("web_push", browser["endpoint"], keys["p256dh"], keys["auth"], None))
        for channel, url, p256dh, auth, key in endpoints:
            db.execute(
                """insert into core.notification_endpoints
                    (endpoint_id, user_id, channel, url, p256dh, auth, secret)
                values (%s, %s, %s, %s, %s, %s, %s)""",
                [new_id(), account, channel, url, p256dh, auth, key],
            )
    rows = []
    for number in range(walkers):
        walker = new_id()
        found.walkers.append(walker)
        first, second = chance.sample(found.accounts, 2)
        for place, (channel, account) in enumerate(
            [("sms", first), ("email", second), ("sms", None), ("email", None), ("email", None)]
        ):
            address = (
                f"+44207{number:05}{place:02}"
                if channel == "sms"
                else f"contact-{number}-{place}@mail.example"
            )
            rows.append((new_id(), walker, f"Contact {place}", channel, address, account))
    db.cursor().executemany(
        """insert into core.contacts (contact_id, user_id, name, from_name, channel, address,
            language, priority, state, contact_user_id)
        values (%s, %s, %s, 'Zoe', %s, %s, 'en', 1, 'accepted', %s)""",
        rows,
    )
    return found


class Caller:
    """Somebody who calls for help until a server has heard it, whichever it is."""

    def __init__(self, apis: Sequence[str]) -> None:
        """`apis`: addresses of API processes; each try goes to the next one."""
        self._apis = apis
        self._next = 0
        self.tries = 0
        self._client = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_connections=200))

    async def raise_sos(self, walker: str, alert_id: str) -> dict[str, Any]:
        """The answer. The same id in every try: what was heard once is not raised twice."""
        body = {"alert_id": alert_id, "lon": LON, "lat": LAT, "message": "Help"}
        headers = {"Authorization": f"Bearer {token(walker)}"}
        answer: dict[str, Any] = {}
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((httpx.TransportError, BusyError)),
            wait=wait_random(0.05, 0.3),
            stop=stop_after_delay(30),
            reraise=True,
        ):
            with attempt:
                self.tries += 1
                self._next += 1
                url = f"{self._apis[self._next % len(self._apis)]}/rpc/raise_sos"
                response = await self._client.post(url, json=body, headers=headers)
                if response.status_code == 503:
                    raise BusyError(response.text)
                assert response.status_code == 200, response.text
                answer = response.json()
        return answer

    async def aclose(self) -> None:
        """End its connections."""
        await self._client.aclose()


class BusyError(Exception):
    """503: the server asks to be asked again."""
