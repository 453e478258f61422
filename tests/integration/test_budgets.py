"""How fast providers are asked: one budget for all processes, and alerts before everything else."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.settings import Settings
from tests.redis_cluster import TestCluster
from worker.budgets import Budget
from worker.channels import TryAgainError


def admitted(budget: Budget, is_alarm: bool, times: int) -> int:
    """How many of so many requests, all at once, are let through."""

    def take(_: int) -> bool:
        try:
            budget.take(is_alarm)
        except TryAgainError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        return sum(threads.map(take, range(times)))


@pytest.fixture
def budgets(redis_cluster: TestCluster) -> tuple[Budget, Budget]:
    """Of two processes; other providers and tests have others."""
    known = {
        name.removeprefix("SAFEROUTE_").lower(): value
        for name, value in redis_cluster.settings.items()
    }
    settings = Settings(**known)
    provider = f"test-{time.monotonic_ns()}"
    found = Budget(settings, provider, 40), Budget(settings, provider, 40)
    for budget in found:
        budget.take(is_alarm=True)  # while one thread connects, others count by themselves
    return found


def test_processes_share_it(budgets) -> None:
    began = time.monotonic()
    found = sum(admitted(budget, False, 30) for budget in budgets)
    seconds = time.monotonic() - began
    assert 10 <= found <= 10 * (1 + seconds)


def test_codes_never_use_up_what_alerts_may(budgets) -> None:
    first, second = budgets
    assert admitted(first, False, 100) < 100
    assert admitted(second, True, 28) == 28


def test_without_redis_each_process_counts_for_itself() -> None:
    budget = Budget(Settings(redis_hosts="127.0.0.1:1"), "twilio", 40)
    began = time.monotonic()
    assert admitted(budget, True, 30) == 30
    assert admitted(budget, False, 100) <= 20
    assert time.monotonic() - began < 2
