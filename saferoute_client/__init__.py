"""Typed client of the live gateway: watch walks and alerts, send positions.

    async with LiveClient("wss://example.org/live", token=token) as live:
        async for message in live.watch(f"user:{user_id}", f"journey:{journey_id}"):
            ...

It imports nothing of the platform.
"""

from saferoute_client.client import LiveClient
from saferoute_client.errors import LiveError, RefusedError
from saferoute_client.events import watch_events
from saferoute_client.messages import Alert, Message, Position, Reminder, Snapshot, State

__all__ = [
    "Alert",
    "LiveClient",
    "LiveError",
    "Message",
    "Position",
    "RefusedError",
    "Reminder",
    "Snapshot",
    "State",
    "watch_events",
]
