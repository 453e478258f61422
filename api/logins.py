"""How a process signs in to a PostgreSQL server, or to the pooler before it."""

from typing import Any

from common import tls
from common.settings import Settings

APPLICATION = "saferoute_api"
"""What our sessions are called in pg_stat_activity and in the server's log."""
CONNECT_TIMEOUT = 2.0
"""Seconds that a server has to let us in."""
FIRST = "_first"
"""Behind the name of the database: the pool of calls that go first, at a pooler."""


def direct(settings: Settings, address: tuple[str, int]) -> dict[str, Any]:
    """Arguments of asyncpg.connect for the server at this address."""
    host, port = address
    password = settings.authenticator_password
    return {
        "host": host,
        "port": port,
        "user": "authenticator",
        "password": password.get_secret_value() if password else None,
        "database": settings.database,
        "timeout": CONNECT_TIMEOUT,
        "ssl": tls.trust(settings),
        "server_settings": {
            "application_name": APPLICATION,
            # Names of types are then always qualified, whatever a schema may hold.
            "search_path": "pg_catalog",
            # That a commit has not waited for the standbys is a warning.
            "client_min_messages": "warning",
        },
    }


def for_calls(settings: Settings, address: tuple[str, int], *, is_priority: bool) -> dict[str, Any]:
    """The same for connections that run calls: of the pooler, which sets up its sessions itself."""
    known = direct(settings, address)
    if settings.pooler_port is None:
        return known
    return {
        **known,
        "port": settings.pooler_port,
        "database": f"{settings.database}{FIRST if is_priority else ''}",
        "server_settings": {"application_name": APPLICATION},
    }
