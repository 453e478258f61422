"""`saferoute_client` against a gateway that does what each test tells it to."""

import pytest

from saferoute_client import client


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are made anew without a pause."""
    monkeypatch.setattr(client, "pause", lambda _failures: 0)
