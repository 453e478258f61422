"""Which addresses may be called, and what becomes of names that lead inside."""

import asyncio
import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from worker import public_addresses
from worker.channels import RefusedError, TryAgainError
from worker.outgoing import Outgoing

OURS = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
    *("2002:a00:1::1", "2001:0:a00:1::1"),
]


@pytest.mark.parametrize("text", OURS)
def test_what_is_inside_is_not_public(text: str) -> None:
    assert not public_addresses.is_public(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_what_everybody_has_is(text: str) -> None:
    assert public_addresses.is_public(ip_address(text))


def checked(url: str, **how: bool) -> str:
    return asyncio.run(public_addresses.checked(url, **how))


@pytest.mark.parametrize(
    "url",
    [
        *("http://93.184.216.34/", "ftp://93.184.216.34/", "file:///etc/passwd", "//x/", "x"),
        *("https://user:password@93.184.216.34/", "https://[::1", "https://1.1.1.1:99999/"),
        *("https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://2130706433/"),
        *("https://0x7f.1/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest"),
        *("https://0/", "https://0177.0.0.1/"),
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        checked(url)


def test_a_public_one_is_connected_to_by_the_address_that_was_checked() -> None:
    assert checked("https://93.184.216.34:8443/hook?x=1") == "93.184.216.34"


def test_this_machine_only_where_that_is_said() -> None:
    assert checked("http://127.0.0.1:18103/hook", allows_loopback=True) == "127.0.0.1"
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://93.184.216.34/"):
        with pytest.raises(RefusedError):
            checked(url, allows_loopback=True)


class Names:
    """A name server of somebody who means harm: another answer each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[tuple]:
        found = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]


def test_one_private_address_among_public_ones_is_enough(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(RefusedError):
        checked("https://rebind.example/")


def test_a_name_is_asked_once(monkeypatch) -> None:
    """Else it could lead elsewhere once it was checked."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    with pytest.raises(TryAgainError, match=r"^no connection$"):
        Outgoing(allows_loopback=True).post_to_endpoint("http://rebind.example:1/", b"", {})
    assert names.answers == [["10.0.0.1"]]


def test_a_name_that_is_none_may_be_one_later(monkeypatch) -> None:
    def unknown(*_: object, **__: object) -> list[tuple]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TryAgainError, match="not known"):
        checked("https://nowhere.example/")


def test_name_servers_that_hang_keep_no_providers_name_from_being_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, released = socket.getaddrinfo, threading.Event()

    def lookup(host: object, *arguments: Any, **how: Any) -> Any:
        if str(host).endswith(".slow.example"):
            released.wait(10)
        return found("127.0.0.1", *arguments, **how)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def ask() -> None:
        names = [f"https://{number}.slow.example/" for number in range(40)]
        tasks = [asyncio.create_task(public_addresses.checked(name)) for name in names]
        await asyncio.sleep(0)
        try:
            loop = asyncio.get_running_loop()
            await asyncio.wait_for(loop.getaddrinfo("api.twilio.example", 443), 2)
        finally:
            released.set()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(ask())
