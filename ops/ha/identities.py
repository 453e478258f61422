"""Which certificate the programs of a host show, and where each finds its copy of the key."""

from collections.abc import Iterator
from pathlib import Path

from ops.errors import OperatorError
from ops.ha import certificates
from ops.ha.certificates import Certificate
from ops.ha.inventory import Host, Inventory
from ops.ha.place import File, Place
from ops.identity import Identity

OPERATOR = "operator"
_SERVERS = {"etcd": "etcd", "postgres": "postgres", "redis": "redis"}
"""Who reads a key, and as which user."""


def make(inventory: Inventory, issued: Path) -> list[str]:
    """Make what is missing or due of the cluster's certificates; whose are new."""
    return certificates.make(issued, _names(inventory))


def days_left(inventory: Inventory, issued: Path) -> int:
    """For how many days all of them are still good."""
    found = [Certificate(issued, name) for name in _names(inventory)]
    return min(each.days_left for each in [*found, certificates.authority(issued)])


def identity(place: Place, reader: str) -> Identity:
    """What a program of the host shows, and whom it trusts."""
    folder = place.etc / "tls"
    return Identity(folder / "ca.crt", folder / "host.crt", folder / f"{reader}.key")


def process_name(inventory: Inventory) -> str:
    """What the certificates of API and live processes say: nginx verifies names, no addresses."""
    return f"api.{inventory.name}"


def render(inventory: Inventory, host: Host | None, place: Place, issued: Path) -> dict[Path, File]:
    """The files of a host, without one the operator's: everyone who reads the key has a copy."""
    own = Certificate(issued, host.name if host else OPERATOR)
    if not own.exists:
        raise OperatorError(
            f"there is no certificate {own.path}: `saferoute ha up` or `ha render` makes it"
        )
    return dict(_files(own, place, _readers(inventory, host, place)))


def _files(own: Certificate, place: Place, readers: dict[str, str]) -> Iterator[tuple[Path, File]]:
    for reader, user in readers.items():
        found = identity(place, reader)
        yield found.authority, File(certificates.authority(own.folder).path.read_text())
        yield found.certificate, File(own.path.read_text())
        yield found.key, File(own.key_path.read_text(), user, 0o600)


def _readers(inventory: Inventory, host: Host | None, place: Place) -> dict[str, str]:
    if host is None:
        return {"product": "root"}
    if host in inventory.gateways:
        return {"nginx": "www-data"}
    return {**_SERVERS, "product": "root" if place.is_simulated else "saferoute"}


def _names(inventory: Inventory) -> dict[str, list[str]]:
    # Who asks for PostgreSQL at the public address is passed on to a host.
    shared = [str(inventory.public)]
    hosts = {
        host.name: [str(host.address), host.name, process_name(inventory), *shared]
        for host in inventory.hosts
    }
    gateways = {host.name: [str(host.address), host.name, *shared] for host in inventory.gateways}
    return {**hosts, **gateways, OPERATOR: [OPERATOR]}
