import itertools
import math

import pytest
from pydantic import ValidationError

from api.limits import network, wait
from api.policies import Policy
from common.settings import Settings


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", "unknown"),
        ("a host}{", "unknown"),
        ("192.0.2.1, 192.0.2.2", "unknown"),
    ],
)
def test_who_an_address_belongs_to(client: str, counted: str) -> None:
    assert network(client) == counted


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.0/8;192.0.2.1", "10.0.0.1,"])
def test_trusted_proxies_are_addresses(proxies: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=proxies)


def test_nobody_is_trusted_by_default() -> None:
    assert Settings().trusted_proxies == ""


@pytest.mark.parametrize("amount", [1, 3, 100])
def test_the_wait_is_as_long_as_it_takes(amount: int) -> None:
    """By the counter's own rule: a moment before, the next call would still be refused."""
    window = 60
    policy = Policy(
        {
            "class": "reads",
            "subject": "user",
            "amount": amount,
            "window_s": window,
            "is_hard": False,
        }
    )

    def is_admitted(last: int, current: int, left: float) -> bool:
        if left < 0:
            last, current, left = current, 0, left + window
        return math.floor(last * left / window) + current < amount

    for last, current, left in itertools.product(
        range(0, amount + 1), range(0, amount + 1), (0.5, 17, 42.3, 60)
    ):
        if not is_admitted(last, current, left):
            waited = wait(policy, last, current, left)
            assert 0 <= waited <= 2 * window
            assert not is_admitted(last, current, left - waited + 0.001)
            assert is_admitted(last, current, left - waited - 0.001)
