"""How Hypothesis is used against a running API."""

from typing import Any

from hypothesis import HealthCheck, settings


def fuzz(examples: int) -> Any:
    """The same examples each time: other ones are for who looks for mistakes, not for the gate."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=checks, derandomize=True
    )
