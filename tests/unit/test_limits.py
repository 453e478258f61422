import pytest
from pydantic import ValidationError

from api.limits import network
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
