"""Somebody with a phone, who signs up and in."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import psycopg

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple battery horse"
_numbers = count(1000)


@dataclass
class Person:
    """Somebody with a phone."""

    client: httpx.Client
    database: psycopg.Connection
    phone: str = field(default_factory=lambda: f"+35191234{next(_numbers)}")

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/auth/{path}", json=body)

    def ask(self, purpose: str = "sign_up", **others: Any) -> httpx.Response:
        return self.post("codes", phone=self.phone, purpose=purpose, **others)

    def text(self, address: str | None = None) -> tuple[str, str]:
        """Template and code of the last message."""
        row = self.database.execute(
            "select template, parameters ->> 'code' from core.outbound_messages"
            " where address = %s order by message_id desc limit 1",
            [address or self.phone],
        ).fetchone()
        assert row is not None
        return row

    def code(self, purpose: str = "sign_up") -> str:
        answer = self.ask(purpose)
        assert answer.status_code == 202, answer.text
        return self.text()[1]

    def sign_up(self, **others: Any) -> dict[str, Any]:
        answer = self.post(
            "sign-up", phone=self.phone, code=self.code(), password=PASSWORD, **others
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def sign_in(self, password: str = PASSWORD, **others: Any) -> httpx.Response:
        return self.post("sign-in", phone=self.phone, password=password, **others)

    def refresh(self, token: str) -> httpx.Response:
        return self.post("refresh", refresh_token=token)


def signed(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"
