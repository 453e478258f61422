"""The files of a host: every template of `deploy/ha`, rendered for it."""

import io
import json
import os
import pwd
import shutil
import tarfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.settings import REPOSITORY
from ops import archiving
from ops.gateway import Certificate, Gateway
from ops.ha import identities
from ops.ha import inventory as ports
from ops.ha.inventory import Host, Inventory
from ops.ha.place import File, Place
from ops.ha.secrets import Secrets
from ops.identity import Identity
from ops.redis_cluster import OPTIONS as REDIS_OPTIONS
from ops.redis_cluster import RedisNode
from ops.standby import ANALYST_OPTIONS, OPTIONS

TEMPLATES = REPOSITORY / "deploy" / "ha"
DATABASE = "saferoute"
_TO_BUS = 10_000  # where Redis itself expects the nodes' port
POSTGRES_OPTIONS = {
    **OPTIONS,
    "shared_buffers": "128MB",
    "wal_level": "replica",
    "wal_log_hints": "on",
    "max_replication_slots": "10",
    # pg_rewind needs the log since the two ways parted.
    "wal_keep_size": "512MB",
    # Sessions of a host that died are ended within 11 s, and with them what they hold: places,
    # locks, the horizon of vacuum.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # So is a standby that is silent; the others are waited for meanwhile.
    "wal_sender_timeout": "10s",
    "wal_receiver_timeout": "10s",
}
"""Settings of every member of the cluster."""
DCS: dict[str, Any] = {
    # Seconds after which a primary that says nothing has lost its office: Patroni takes no less
    # than 20. It says so every loop_wait, and gives up where etcd is silent for retry_timeout.
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 3,
    # A primary that crashed is replaced at once, not waited for.
    "primary_start_timeout": 0,
    "maximum_lag_on_failover": 1048576,
    # A commit waits for any one standby: what was acknowledged is on the next primary.
    "synchronous_mode": "quorum",
    "synchronous_node_count": 1,
    # Without etcd the primary stays while every member says that it follows it.
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": POSTGRES_OPTIONS,
    },
}
"""What all members share: Patroni's dynamic configuration."""


def render(
    inventory: Inventory, host: Host | None, place: Place, secrets: Secrets, issued: Path
) -> dict[Path, File]:
    """Every file below `place.etc` of a host; without a host the operator's.

    `issued` is the folder of the cluster's certificates, which are made where it has TLS.
    """
    told = {
        "inventory": inventory,
        "host": host,
        "place": place,
        "secrets": secrets,
        "identity": partial(identities.identity, place),
    }
    found = identities.render(inventory, host, place, issued) if inventory.tls else {}
    if host in inventory.gateways:
        return found | _gateway(told, gateway(inventory, place))
    found[place.etc / "saferoute.env"] = _environment(told)
    if host is None:
        return found
    found[place.etc / "etcd.yaml"] = File(text("etcd.yaml.j2", told), "etcd", 0o640)
    found[place.etc / "pgbackrest.conf"] = _backups(place, secrets)
    backup = File(text("backup.env.j2", told), "postgres", 0o600)
    found[place.etc / "backup.env"] = backup
    for member in ("patroni", "patroni-analysts"):
        if member == "patroni" or host.name == inventory.analysts:
            found[place.etc / f"{member}.yaml"] = _patroni(told, member)
    found[place.etc / "guard.py"] = File((TEMPLATES / "guard.py").read_text())
    for node in redis_nodes(inventory, host, place):
        settings = node.render(secrets.redis, REDIS_OPTIONS)
        found[place.etc / f"{node.name}.conf"] = File(settings, "redis", 0o600)
    return found


def gateway(inventory: Inventory, place: Place) -> Gateway:
    """The nginx of a gateway host. It has every address of the host, the public one too."""
    own = identities.identity(place, "nginx") if inventory.tls else None
    return Gateway(
        data=place.data / "nginx",
        listen=("0.0.0.0:443" if inventory.scheme == "https" else "0.0.0.0:80",),
        api=tuple(host.at(ports.API_PORT) for host in inventory.hosts),
        live=tuple(host.at(ports.LIVE_PORT) for host in inventory.hosts),
        status=f"127.0.0.1:{ports.NGINX_STATUS_PORT}",
        etc=place.etc,
        certificate=_shown_to_clients(inventory, own),
        redirect=("0.0.0.0:80",) if inventory.scheme == "https" else (),
        identity=own,
        process_name=identities.process_name(inventory),
    )


def _shown_to_clients(inventory: Inventory, own: Identity | None) -> Certificate | None:
    if inventory.certificate:
        folder = inventory.certificate
        return Certificate(folder / "fullchain.pem", folder / "privkey.pem")
    return Certificate(own.certificate, own.key) if own else None


def redis_nodes(inventory: Inventory, host: Host, place: Place) -> list[RedisNode]:
    """The nodes of Redis on a host."""
    return [
        RedisNode(
            *(place.data / f"redis-{number}", port, port + _TO_BUS, str(host.address)),
            identity=identities.identity(place, "redis") if inventory.tls else None,
        )
        for number, port in enumerate(ports.REDIS_PORTS, 1)
    ]


def folders(inventory: Inventory, host: Host, place: Place) -> dict[Path, str]:
    """The folders that a host's programs find, and whose they are; their parents come first."""
    common = {place.etc: "root", place.data: "root", place.logs: "root"}
    if host in inventory.gateways:
        nginx = {place.data / "nginx": "www-data", place.data / "nginx" / "temporary": "www-data"}
        return common | nginx | {place.data / "haproxy": "haproxy"}
    owned = {place.data / "etcd": "etcd", place.data / "patroni": "postgres"}
    if host.name == inventory.analysts:
        owned[place.data / "patroni-analysts"] = "postgres"
    redis = {node.data: "redis" for node in redis_nodes(inventory, host, place)}
    return common | owned | redis


def write(files: Mapping[Path, File]) -> bool:
    """Write what has changed; whether anything had."""
    changed = [_write(path, file) for path, file in files.items()]
    return any(changed)


def pack(files: Mapping[Path, File], archive: Path) -> None:
    """Write them, with their owners and modes, into a tar that is unpacked at `/` of their host."""
    archive.touch(mode=0o600)
    with tarfile.open(archive, "w") as tar:
        for path, file in files.items():
            content = file.text.encode()
            entry = tarfile.TarInfo(str(path.relative_to("/")))
            entry.size, entry.mode, entry.mtime = len(content), file.mode, int(time.time())
            entry.uname = entry.gname = file.owner
            tar.addfile(entry, io.BytesIO(content))


def _write(path: Path, file: File) -> bool:
    if path.exists() and path.read_text() == file.text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(file.text)
    if os.geteuid() == 0:
        shutil.chown(draft, file.owner, pwd.getpwnam(file.owner).pw_gid)
    draft.chmod(file.mode)
    draft.replace(path)
    return True


def _gateway(told: Mapping[str, Any], gateway: Gateway) -> dict[Path, File]:
    etc = told["place"].etc
    return {
        etc / "nginx.conf": File(gateway.render()),
        etc / "haproxy.cfg": File(text("haproxy.cfg.j2", told)),
        etc / "keepalived.conf": File(text("keepalived.conf.j2", told)),
    }


def _backups(place: Place, secrets: Secrets) -> File:
    data = place.data / "patroni"
    paths = archiving.Paths(place.backups, data / "pgbackrest", data / "pgdata")
    written = archiving.render(paths, ports.POSTGRES_PORT, secrets.backup)
    return File(written, "postgres", 0o600)


def _environment(told: Mapping[str, object]) -> File:
    return File(text("saferoute.env.j2", told), mode=0o600)


def _patroni(told: Mapping[str, Any], member: str) -> File:
    if member == "patroni":
        # Whoever is the primary archives. A standby asks the archive for nothing: it would do so
        # before it is promoted, and an archive out of reach hold that up.
        own = archiving.options(told["place"].etc / "pgbackrest.conf")
    else:
        own = {name: value for name, value in ANALYST_OPTIONS.items() if OPTIONS.get(name) != value}
    told = {**told, "member": member, "dcs": DCS, "own_options": own}
    return File(text("patroni.yaml.j2", told), "postgres", 0o600)


def text(template: str, told: Mapping[str, object]) -> str:
    """A template of `deploy/ha` with these values."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
        autoescape=False,  # noqa: S701 - it is no HTML
    )
    templates.filters["literal"] = lambda value: str(value).replace("%", "%%")
    # No escapes of HTML in JSON.
    templates.filters["tojson"] = json.dumps
    return templates.get_template(template).render(told, ports=ports, database=DATABASE)


def supervisors_configuration(**told: object) -> str:
    """What the supervisord of a simulated host is started with."""
    return text("supervisord.conf.j2", told)
