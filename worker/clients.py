"""The clients of outside services that are configured here."""

from functools import lru_cache

from worker.channels import Channels


@lru_cache
def channels() -> Channels:
    """Made by the process that uses them."""
    return Channels({})
