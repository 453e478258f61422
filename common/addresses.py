"""Addresses as settings hold them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

PGMQ = "pgmq://"
"""The broker that is the database itself."""


def key_address(address: str) -> str:
    """Keys are fetched by TLS, or from this machine: whoever can change them can be anybody."""
    url = urlsplit(address)
    if url.scheme != "https" and (
        url.scheme != "http" or url.hostname not in ("127.0.0.1", "::1", "localhost")
    ):
        raise ValueError("keys are fetched by https, or by http from this machine only")
    return address


def broker_address(address: SecretStr) -> SecretStr:
    """Where tasks are queued."""
    value = address.get_secret_value()
    if value != PGMQ and urlsplit(value).scheme not in ("redis", "rediss"):
        raise ValueError("tasks are queued in the database, pgmq://, or in a Redis, redis://...")
    return address


def host_and_port(entry: str) -> tuple[str, int]:
    """Of `host:port`."""
    host, _, port = entry.strip().rpartition(":")
    return host, int(port)


def connection_string(parts: Mapping[str, str]) -> str:
    """What libpq understands, with values quoted."""
    return " ".join(f"{key}={_quoted(value)}" for key, value in parts.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
