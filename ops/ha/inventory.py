"""Which hosts a cluster has: the inventory, a TOML file."""

import tomllib
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from common.settings import REPOSITORY
from ops.errors import OperatorError

DEFAULT = REPOSITORY / "deploy" / "ha" / "inventory.toml"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,5}$")]
"""Part of the names of interfaces, which are short."""

ETCD_PORT, ETCD_PEER_PORT = 2379, 2380
PATRONI_PORT, ANALYSTS_PATRONI_PORT = 8008, 8009
POSTGRES_PORT, REPLICAS_PORT, ANALYSTS_PORT = 15432, 15433, 15434
"""The first and the last are PostgreSQL's; HAProxy has all three on the gateways."""
REDIS_PORTS = (16379, 16380)
API_PORT, LIVE_PORT = 18010, 18020
API_ADMIN_PORT, LIVE_ADMIN_PORT, WORKER_METRICS_PORT = 18090, 18092, 18094
HAPROXY_STATISTICS_PORT = 8404
NGINX_STATUS_PORT = 8405


class Host(BaseModel, frozen=True):
    """One machine: what it is called, and its address in the network of the cluster."""

    name: Name
    address: IPv4Address

    def at(self, port: int) -> str:
        """One of its ports, as host:port."""
        return f"{self.address}:{port}"


class Inventory(BaseModel, frozen=True, extra="forbid"):
    """The hosts of one cluster."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,11}$")
    """What Patroni calls it; the namespaces of simulated hosts begin with it."""
    network: IPv4Network
    """Who may speak to whom: only addresses in it are let in."""
    interface: str = Field(default="eth0", pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    """The gateways' network interface that gets the public address."""
    public: IPv4Address
    """The one address of clients, held by one of the gateways."""
    hosts: tuple[Host, ...]
    """etcd, PostgreSQL, Redis, API, live gateway and workers run on each."""
    gateways: tuple[Host, ...]
    """nginx, HAProxy and keepalived run on each."""
    analysts: Name | None = None
    """The host that also runs the analysts' standby."""
    tls: bool = False
    """Whether all that goes between hosts is encrypted, by certificates of the cluster's own."""
    certificate: Path | None = None
    """Folder on each gateway with the `fullchain.pem` and `privkey.pem` that nginx shows clients,
    which its user, www-data, can read. With `tls` and without this it shows the cluster's own."""

    @model_validator(mode="before")
    @classmethod
    def _tables(cls, given: object) -> object:
        if isinstance(given, dict):
            for key in ("hosts", "gateways"):
                if isinstance(given.get(key), dict):
                    named = given[key].items()
                    given = {**given, key: [{"name": n, "address": a} for n, a in named]}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.hosts) < 3 or len(self.hosts) % 2 == 0:
            raise ValueError("hosts: three, or a larger odd number, so that most of them agree")
        if len(self.gateways) != 2:
            raise ValueError("gateways: two, so that one of them may die")
        names = [host.name for host in self.everyone]
        addresses = [self.public, *(host.address for host in self.everyone)]
        if len(set(names)) < len(names) or len(set(addresses)) < len(addresses):
            raise ValueError("a name or an address is given twice")
        strangers = [str(address) for address in addresses if address not in self.network]
        if strangers:
            raise ValueError(f"{', '.join(strangers)}: not in the network {self.network}")
        if self.analysts is not None and self.analysts not in [host.name for host in self.hosts]:
            raise ValueError(f"analysts: {self.analysts} is none of the hosts")
        return self

    @property
    def everyone(self) -> tuple[Host, ...]:
        """All hosts, the gateways last."""
        return (*self.hosts, *self.gateways)

    @property
    def scheme(self) -> str:
        """How clients speak to the public address."""
        return "https" if self.tls or self.certificate else "http"

    @property
    def router(self) -> IPv4Address:
        """The first address of the network: where the operator of simulated hosts is."""
        return self.network[1]

    def host(self, name: str) -> Host:
        """The host of this name."""
        for host in self.everyone:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.everyone)
        raise OperatorError(f"there is no host {name}: {known}")


def read(path: Path) -> Inventory:
    """The inventory in a file; an error that says what is wrong with it."""
    try:
        return Inventory.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise OperatorError(f"{path}: {f'{where}: ' if where else ''}{said}") from error
