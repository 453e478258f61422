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
    watched_by: dict[str, list[str]] = field(default_factory=dict)
    """The accounts that are told of each walker's calls."""
    hooks: dict[str, str] = field(default_factory=dict)
    """Secret of each webhook, by the last part of its address."""


def token(user_id: str, secret: str = SECRET) -> str:
    """Good for an hour."""
    claims = {"role": "authenticated", "sub": user_id, "exp": int(time.time()) + 3600}
    return jwt.encode(claims, secret, "HS256")


Contact = tuple[str, int | None]
"""Channel of their address, and which of the walker's two accounts is theirs."""
CONTACTS: Sequence[Contact] = [
    ("sms", 0),
    ("email", 1),
    ("sms", None),
    ("email", None),
    ("email", None),
]


def settle(
    db: psycopg.Connection,
    walkers: int,
    accounts: int,
    *,
    channels: Sequence[str] = CHANNELS,
    contacts: Sequence[Contact] = CONTACTS,
    webhooks: str | None = None,
    browsers: Sequence[dict[str, Any]] = (),
) -> People:
    """Make walkers with their contacts, who are told by all `channels` at once: this is about
    delivery, not about patience. Every account has a webhook below the address `webhooks`, the
    first ones a browser.
    """
    chance = random.Random(20261123)
    found = People()

    def new_id() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    db.execute("delete from core.escalation_steps where cause = '*' and tier > 1")
    query = "update core.escalation_steps set channels = %s, after = '0' where cause = '*'"
    db.execute(query, [list(channels)])
    db.execute("update core.site set allows_local_webhooks = true")
    endpoints: list[tuple[str | None, ...]] = []
    for number in range(accounts):
        account = new_id()
        found.accounts.append(account)
        if webhooks is not None:
            name = f"account-{number}"
            secret = found.hooks[name] = f"the-secret-of-{name}"
            url = f"{webhooks}/hooks/{name}"
            endpoints.append((new_id(), account, "webhook", url, None, None, secret))
        if number < len(browsers):
            url, keys = browsers[number]["endpoint"], browsers[number]["keys"]
            row = (new_id(), account, "web_push", url, keys["p256dh"], keys["auth"], None)
            endpoints.append(row)
    rows = []
    for number in range(walkers):
        walker = new_id()
        found.walkers.append(walker)
        both = found.accounts[number % accounts], found.accounts[(number * 7 + 1) % accounts]
        found.watched_by[walker] = [both[n] for _, n in contacts if n is not None]
        for place, (channel, account_of) in enumerate(contacts):
            phone = f"+44207{number:05}{place:02}"
            address = phone if channel == "sms" else f"contact-{number}-{place}@mail.example"
            account_id = None if account_of is None else both[account_of]
            rows.append((new_id(), walker, f"Contact {place}", channel, address, account_id))
    with db.cursor() as cursor:
        cursor.executemany(
            """insert into core.notification_endpoints
                (endpoint_id, user_id, channel, url, p256dh, auth, secret)
            values (%s, %s, %s, %s, %s, %s, %s)""",
            endpoints,
        )
        cursor.executemany(
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
