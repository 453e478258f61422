"""What systemd is told on a real host: a unit for each program, folders, users, the watchdog."""

from dataclasses import dataclass
from pathlib import Path

from common.settings import REPOSITORY
from ops.ha.files import TEMPLATES, folders, text
from ops.ha.inventory import Host, Inventory
from ops.ha.place import File, Place
from ops.ha.programs import Program, programs

SYSTEM = Path("/etc/systemd/system")
_TARGET = """\
# All that Safe Route runs on this host: systemctl enable --now saferoute.target
[Unit]
Description=Safe Route
Documentation=file:///opt/saferoute/deploy/README.md
Wants={}

[Install]
WantedBy=multi-user.target
"""
# Patroni opens the watchdog, which resets the host where Patroni says nothing for too long. One of
# hardware is as good: then this module is not needed.
_WATCHDOG_MODULE = "softdog\n"
_REPOSITORY = "EnvironmentFile=-/etc/saferoute/repository.env"
"""Options of pgBackRest in the environment, where its repository is no folder."""
_WATCHDOG_RULE = 'KERNEL=="watchdog", OWNER="postgres", GROUP="postgres", MODE="0600"\n'


@dataclass(frozen=True)
class Needs:
    """How the unit of a program differs from the others."""

    kind: str = "exec"
    """notify: it tells systemd when it is ready."""
    after: tuple[str, ...] = ()
    """Units that are started before it where both are."""
    writes: tuple[str, ...] = ()
    """Folders it may write to; a `-` before one that need not be there."""
    reloads: bool = False
    """Whether it reads its settings anew on SIGHUP."""
    capabilities: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    """Of sockets, besides IP and Unix."""
    devices: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def needs(program: Program, place: Place) -> Needs:
    """What the unit of a program has to grant it."""
    data = f"{place.data}/{program.name}"
    # Killed last where memory runs out: without them the others are of no use.
    precious = "OOMScoreAdjust=-900"
    match program.group:
        case "etcd":
            return Needs("notify", writes=(data,), lines=(precious,))
        case "redis":
            return Needs(writes=(data,))
        case "patroni":
            return Needs(
                after=("saferoute-etcd.service",),
                writes=(data, "-/var/lib/pgbackrest", "-/var/log/pgbackrest"),
                reloads=True,
                devices=("/dev/watchdog",),
                # PostgreSQL goes on when Patroni has crashed, until the next one finds it.
                lines=(
                    "KillMode=process",
                    precious,
                    "EnvironmentFile=-/etc/saferoute/repository.env",
                ),
            )
        case "guard":
            return Needs(after=("saferoute-patroni.service",))
        case "worker":
            return Needs("notify", ("saferoute-patroni.service",), (str(place.shared),))
        case "nginx":
            bind = ("CAP_NET_BIND_SERVICE",)
            return Needs(writes=(data, str(place.logs)), reloads=True, capabilities=bind)
        case "haproxy":
            return Needs(writes=(data,))
        case "keepalived":
            return Needs(
                after=("saferoute-nginx.service",),
                writes=(str(place.data), "/run"),
                reloads=True,
                capabilities=(
                    *("CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BROADCAST", "CAP_SETUID"),
                    *("CAP_SETGID", "CAP_KILL"),
                ),
                families=("AF_NETLINK", "AF_PACKET"),
            )
    return Needs(after=("saferoute-patroni.service", "saferoute-redis-1.service"))


def render(inventory: Inventory, host: Host, place: Place) -> dict[Path, File]:
    """Every file outside `place.etc` that makes a Debian host one of the cluster."""
    units = {}
    for program in programs(inventory, host, place):
        told = {"program": program, "place": place, "needs": needs(program, place)}
        told["environment"] = {
            key: value
            for key, value in program.environment.items()
            # Of root only: systemd reads it for the process.
            if key != "SAFEROUTE_ENV_FILE"
        }
        unit = File(text("unit.service.j2", told))
        units[SYSTEM / f"saferoute-{program.name}.service"] = unit
    wanted = " ".join(path.name for path in units)
    firewall = text("firewall.nft.j2", {"inventory": inventory, "host": host})
    found = {
        **units,
        SYSTEM / "saferoute.target": File(_TARGET.format(wanted)),
        place.etc / "firewall.nft": File(firewall),
        Path("/etc/tmpfiles.d/saferoute.conf"): File(_folders(inventory, host, place)),
        Path("/etc/sysusers.d/saferoute.conf"): File(f'u saferoute - "Safe Route" {place.data}\n'),
    }
    if host in inventory.gateways:
        silence = (TEMPLATES / "gateway.sysctl.conf").read_text()
        found[Path("/etc/sysctl.d/60-saferoute.conf")] = File(silence)
    if host in inventory.hosts:
        found[Path("/etc/modules-load.d/saferoute.conf")] = File(_WATCHDOG_MODULE)
        for name in ("saferoute-backup.service", "saferoute-backup.timer"):
            found[SYSTEM / name] = File((REPOSITORY / "deploy" / "systemd" / name).read_text())
        found[Path("/etc/udev/rules.d/60-saferoute.rules")] = File(_WATCHDOG_RULE)
    return found


def _folders(inventory: Inventory, host: Host, place: Place) -> str:
    """For systemd-tmpfiles."""
    found = folders(inventory, host, place)
    if host in inventory.hosts:
        found |= {place.shared: "saferoute", place.shared / "keys": "saferoute"}
    lines = [
        f"d {path} {'0755' if owner == 'root' else '0700'} {owner} {owner} -"
        for path, owner in found.items()
    ]
    return "\n".join([*lines, ""])
