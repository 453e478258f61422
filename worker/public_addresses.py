"""Which addresses of others may be called: https on the public internet, and none of ours."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from worker.channels import RefusedError, TryAgainError

_NOT_PUBLIC = "the address is not on the public internet"
# Threads of their own: name servers that hang keep no provider's name from being found.
_LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="lookup")
# What is inside these is an IPv4 address that a gateway of ours might translate to.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


async def checked(url: str, *, allows_loopback: bool = False) -> str:
    """The IP address to connect to.

    Every address of the name must be public: one that is not tells of an attempt. Raises
    RefusedError where it must not be called, TryAgainError where the name is not found now.
    `allows_loopback`: whether http and this machine are good too.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RefusedError("not an address") from None
    if not host or parts.scheme not in ("http", "https") or parts.username is not None:
        raise RefusedError("not an https address")
    try:
        found = await asyncio.get_running_loop().run_in_executor(
            _LOOKUPS, partial(socket.getaddrinfo, host, port or 443, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        raise TryAgainError("the name of the host is not known") from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if allows_loopback and all(address.is_loopback for address in addresses):
        return str(addresses[0])
    if parts.scheme != "https":
        raise RefusedError("not an https address")
    if not addresses or not all(is_public(address) for address in addresses):
        raise RefusedError(_NOT_PUBLIC)
    # IPv4 first: a host whose IPv6 leads nowhere is more common than the other way round.
    return str(min(addresses, key=lambda address: address.version))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody on the internet has this address."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo or address.is_site_local or any(address in net for net in _NAT64):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
