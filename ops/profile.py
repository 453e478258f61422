"""The local profile on disk: its state folder, its saferoute.env, its ports, its digests.

The state folder is the one of `SAFEROUTE_ENV_FILE` (default `.local/saferoute.env`): settings,
logs and the supervisor's socket. PostgreSQL's data are in it too, unless the system user `postgres`
cannot reach them there.
"""

import fcntl
import getpass
import hashlib
import os
import secrets
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from common import signing_keys
from common.settings import REPOSITORY, Settings, environment_file, settings
from ops import archiving, cluster, gateway, redis_cluster, supervision
from ops.cluster import Server
from ops.errors import OperatorError
from ops.gateway import Gateway
from ops.processes import CONNECTED, Process, processes
from ops.redis_cluster import RedisNode
from ops.standby import Node, analysts_standby, api_server
from ops.supervision import Supervisor

_TO_BUS = 10_000  # where Redis itself expects the nodes' port
_REDIS_NODES = 6
_NAMES = "SAFEROUTE_SERVER_NAMES"
_SECRETS = (
    "ADMIN_PASSWORD",
    "OWNER_PASSWORD",
    "AUTHENTICATOR_PASSWORD",
    "REPLICATOR_PASSWORD",
    "ANALYST_PASSWORD",
    "WORKER_PASSWORD",
    "REDIS_PASSWORD",
    "JWT_SECRET",
    "SESSION_SECRET",
    "BACKUP_PASSPHRASE",
)


@dataclass(frozen=True)
class Profile:
    """Where the profile of one clone lives and listens."""

    folder: Path
    servers: Path
    nodes: tuple[Node, ...]
    """The PostgreSQL servers of the API: the primary, wherever it is, and its replicas."""
    analysts: Node
    redis: tuple[RedisNode, ...]
    gateway: Gateway
    processes: tuple[Process, ...]

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of this profile."""
        return Supervisor(self.folder)

    @property
    def url(self) -> str:
        """The one public address."""
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def primary(self) -> Node:
        """The server that follows no other: the first, until a switchover makes it another."""
        found = [node for node in self.nodes if not node.server.is_standby]
        made = [node for node in found if node.server.exists]
        if not found:
            raise OperatorError(
                "no server is the primary, as a switchover was interrupted: "
                "`saferoute replicas switchover` brings it to its end"
            )
        return (made or found)[0]

    @property
    def replicas(self) -> tuple[Node, ...]:
        """The standbys that the API reads from."""
        return tuple(node for node in self.nodes if node != self.primary)

    @property
    def standbys(self) -> tuple[Node, ...]:
        """Every standby, in the order they start."""
        return *self.replicas, self.analysts

    @property
    def ports(self) -> dict[str, int]:
        """The port of each program that has one."""
        servers = {node.name: node.server.port for node in (*self.nodes, self.analysts)}
        redis = {node.name: node.port for node in self.redis}
        ours = {process.name: process.port for process in self.processes if process.port}
        return {**servers, **redis, **ours, "gateway": self.gateway.port}

    @property
    def programs(self) -> list[str]:
        """Every program, in the order they start."""
        ours = [process.name for process in self.processes]
        return [name for name in self.ports if name not in (*ours, "gateway")] + [*ours, "gateway"]

    def ports_of(self, programs: Collection[str]) -> dict[str, int]:
        """Every port that these programs listen on, by what it is for."""
        found = {name: port for name, port in self.ports.items() if name in programs}
        for node in self.redis:
            if node.name in programs:
                found[f"{node.name}'s bus"] = node.bus_port
        for process in self.processes:
            if process.name in programs and process.admin_port:
                found[f"{process.name}'s admin port"] = process.admin_port
        return found

    def supervisors_configuration(self) -> str:
        """Which programs there are and how they are started: supervisord's configuration."""
        servers = [node.server for node in (*self.nodes, self.analysts)]
        return supervision.configuration(
            caller=getpass.getuser(),
            state=self.folder,
            clone=REPOSITORY,
            python=sys.executable,
            postgres={server.data.name: server.data for server in servers},
            postgres_bin=self._postgres_bin(),
            postgres_user=cluster.postgres_user(),
            redis=self.redis,
            redis_program=redis_cluster.program(),
            redis_user=redis_cluster.user(),
            processes=self.processes,
            groups=self._groups(),
            gateway=self.gateway,
            gateway_program=supervision.TEMPLATES / "gateway.sh",
            gateway_user=gateway.user(),
        )

    def _groups(self) -> dict[str, list[str]]:
        """The programs of which there are several, by the beginnings of their names."""
        found: dict[str, list[str]] = {}
        for name in self.programs:
            group, _, number = name.partition("-")
            if number:
                found.setdefault(group, []).append(name)
        return found

    @property
    def variables(self) -> dict[str, str]:
        """What every program finds in its environment."""
        return {"SAFEROUTE_ENV_FILE": str(self.folder / "saferoute.env")}

    @property
    def settled(self) -> list[str]:
        """What the profile's settings say, so that nobody's environment is to say it too."""
        return list(dotenv_values(self.folder / "saferoute.env"))

    def code_digest(self, package: str) -> str:
        """Changes when what runs it has to be started anew: its code, libraries, settings."""
        sources = sorted(
            path for name in (package, "common") for path in REPOSITORY.glob(f"{name}/**/*.py")
        )
        others = [REPOSITORY / "requirements.lock", self.folder / "saferoute.env"]
        return _digest(*(path.read_bytes() for path in [*sources, *others]))

    def remember(self, name: str, digest: str) -> None:
        """Keep a digest for the next `make up`."""
        (self.folder / f"{name}.digest").write_text(digest)

    def remembered(self, name: str) -> str | None:
        """The digest kept by the last `make up`."""
        path = self.folder / f"{name}.digest"
        return path.read_text() if path.exists() else None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the profile: two commands that change it at once would undo each other."""
        with (self.folder / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OperatorError("another `make up` or `make down` is at work here") from error
            yield

    def _postgres_bin(self) -> Path:
        """The programs of the version that made the data."""
        version = self.nodes[0].server.data / "PG_VERSION"
        if not version.exists():
            return cluster.bin_directory()
        path = Path("/usr/lib/postgresql") / version.read_text().strip() / "bin"
        if not (path / "postgres").exists():
            raise OperatorError(
                f"the data were made by PostgreSQL {version.read_text().strip()}, "
                "which is no longer installed: install it, or `make clean`"
            )
        return path


def open_profile() -> Profile:
    """The profile of this clone, with its folders and secrets; they are made where missing."""
    _check_addresses(settings())
    env_file = environment_file()
    env_file.parent.mkdir(parents=True, exist_ok=True)
    # Others may pass through, to the servers' folder, but not look around.
    env_file.parent.chmod(0o711)
    known = {key: value or "" for key, value in dotenv_values(env_file).items()}
    if _is_without_gateway(known):
        known = _with_gateway(known)
        _write_settings(env_file, known)
    wanted = _complete(known, env_file.parent)
    if wanted != known:
        _write_settings(env_file, wanted)
    if not signing_keys.read(settings().signing_keys_directory):
        signing_keys.add(settings().signing_keys_directory)
    profile = _profile(env_file.parent, Path(wanted["SAFEROUTE_SERVERS"]), settings())
    _check_ports(profile)
    return profile


def find_profile() -> Profile:
    """The profile of this clone; an error where `make up` has not been run."""
    env_file = environment_file()
    servers = dotenv_values(env_file).get("SAFEROUTE_SERVERS") if env_file.exists() else None
    if not servers:
        raise OperatorError("there is no local profile here: `make up` makes one")
    _check_addresses(settings())
    return _profile(env_file.parent, Path(servers), settings())


def change_nodes(ports: Mapping[str, int]) -> Profile:
    """Write other servers of the API to the settings, ports by name; the profile that follows."""
    if "SAFEROUTE_DATABASE_HOSTS" in os.environ:
        raise OperatorError(
            "SAFEROUTE_DATABASE_HOSTS is set in the environment, which goes before "
            f"{environment_file()}, where it has to change: unset it"
        )
    known = {key: value or "" for key, value in dotenv_values(environment_file()).items()}
    known["SAFEROUTE_DATABASE_HOSTS"] = ",".join(f"127.0.0.1:{port}" for port in ports.values())
    known[_NAMES] = ",".join(ports)
    _write_settings(environment_file(), known)
    return find_profile()


def _names(values: Settings) -> list[str]:
    """What the servers of the API are called, in the order of their addresses."""
    known = dotenv_values(environment_file()) if environment_file().exists() else {}
    return (known.get(_NAMES) or "primary,replica").split(",")


def _profile(folder: Path, servers: Path, values: Settings) -> Profile:
    analysts, archives = values.analyst_host, archiving.options(archiving.configuration(servers))
    ours = processes(values)
    behind = {
        package: tuple(
            f"127.0.0.1:{process.port}"
            for process in ours
            if process.port and process.words == (package,)
        )
        for package in ("api", "api.live")
    }
    return Profile(
        folder=folder,
        servers=servers,
        nodes=tuple(
            api_server(name, Server(servers / name, port), archives)
            for name, (_, port) in zip(_names(values), values.hosts, strict=True)
        ),
        analysts=analysts_standby(Server(servers / "analysts", analysts[1]), values.database),
        redis=tuple(
            RedisNode(servers / f"redis-{number}", port, port + _TO_BUS)
            for number, (_, port) in enumerate(values.redis_nodes, 1)
        ),
        gateway=Gateway(
            servers / "gateway",
            (f"127.0.0.1:{values.gateway_port}",),
            behind["api"],
            behind["api.live"],
            # Each takes a fifth of the CPU of an API process. Four for two of them wake up for
            # single events, and take 110 µs per call instead of 70.
            workers=len(behind["api"]),
        ),
        processes=ours,
    )


def _check_addresses(values: Settings) -> None:
    try:
        hosts, analysts, redis = values.hosts, values.analyst_host, values.redis_nodes
    except ValueError as error:
        raise OperatorError(
            "SAFEROUTE_DATABASE_HOSTS, SAFEROUTE_ANALYST_ADDRESS and SAFEROUTE_REDIS_HOSTS are "
            f"written host:port, but they are {values.database_hosts}, {values.analyst_address} "
            f"and {values.redis_hosts}"
        ) from error
    if len(hosts) != len(_names(values)) or any(host != "127.0.0.1" for host, _ in hosts):
        raise OperatorError(
            "the local profile is a primary and a replica on 127.0.0.1, and those that "
            "`saferoute replicas add` has made, "
            f"but SAFEROUTE_DATABASE_HOSTS is {values.database_hosts}"
        )
    if analysts[0] != "127.0.0.1" or analysts in hosts:
        raise OperatorError(
            "the analysts' standby of the local profile has a port of its own on 127.0.0.1, "
            f"but SAFEROUTE_ANALYST_ADDRESS is {values.analyst_address}"
        )
    if len(set(redis)) != _REDIS_NODES or any(host != "127.0.0.1" for host, _ in redis):
        raise OperatorError(
            f"the Redis Cluster of the local profile is {_REDIS_NODES} nodes on 127.0.0.1, "
            f"but SAFEROUTE_REDIS_HOSTS is {values.redis_hosts}"
        )


def _check_ports(profile: Profile) -> None:
    takers: dict[int, str] = {}
    for name, port in profile.ports_of(profile.programs).items():
        if port in takers:
            raise OperatorError(f"port {port} is given to both {takers[port]} and {name}")
        takers[port] = name


def _complete(known: dict[str, str], folder: Path) -> dict[str, str]:
    """The settings of the profile: what is known stays, the rest is chosen now."""
    values = settings()
    addresses = {
        "SAFEROUTE_DATABASE_HOSTS": values.database_hosts,
        "SAFEROUTE_GATEWAY_PORT": str(values.gateway_port),
        "SAFEROUTE_REDIS_HOSTS": values.redis_hosts,
    }
    for key, value in addresses.items():
        if known.get(key, value) != value:
            raise OperatorError(
                f"{key} is {value}, but this profile was made with {known[key]}: "
                "leave it, or `make clean` first"
            )
    passwords = {f"SAFEROUTE_{name}": secrets.token_urlsafe(32) for name in _SECRETS}
    # Nothing that is kept depends on these ports, and profiles from before there were some of them
    # have data to keep: they may be given other ones.
    later = {
        "SAFEROUTE_API_PORT": str(values.api_port),
        "SAFEROUTE_LIVE_PORT": str(values.live_port),
        "SAFEROUTE_ANALYST_ADDRESS": values.analyst_address,
        "SAFEROUTE_ADMIN_PORT": str(values.admin_port),
    }
    issuing = {
        "SAFEROUTE_ISSUER": f"http://127.0.0.1:{values.gateway_port}",
        "SAFEROUTE_OUTBOX_DIRECTORY": str(folder / "outbox"),
        "SAFEROUTE_TRUSTED_PROXIES": "127.0.0.1",
        # Each gets 17 connections. One that is replaced ends before the next one starts.
        "SAFEROUTE_API_PROCESSES": str(CONNECTED),
        "SAFEROUTE_DATABASE_CONNECTIONS": str(17 * CONNECTED + 1),
        "SAFEROUTE_SIGNING_KEYS_DIRECTORY": str(folder / "keys"),
    }
    wanted = {**addresses, **passwords, **issuing, **known, **later}
    if "SAFEROUTE_SERVERS" not in wanted:
        wanted["SAFEROUTE_SERVERS"] = str(cluster.servers_folder(folder))
    configuration = str(archiving.configuration(Path(wanted["SAFEROUTE_SERVERS"])))
    return {"SAFEROUTE_BACKUP_CONFIG": configuration, **wanted}


def _is_without_gateway(known: Mapping[str, str]) -> bool:
    """Whether it was made when the API itself had the public address."""
    return "SAFEROUTE_API_PORT" in known and "SAFEROUTE_GATEWAY_PORT" not in known


def _with_gateway(known: Mapping[str, str]) -> dict[str, str]:
    """The settings of such a profile: the gateway gets its public address."""
    public = known["SAFEROUTE_API_PORT"]
    moved = {
        "SAFEROUTE_GATEWAY_PORT": public,
        "SAFEROUTE_API_PORT": str(int(public) + 10),
        "SAFEROUTE_LIVE_PORT": str(int(public) + 20),
    }
    return {**known, **moved}


def _write_settings(path: Path, values: Mapping[str, str]) -> None:
    _write_private(path, "".join(f"{key}='{value}'\n" for key, value in values.items()))
    settings.cache_clear()


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()
