"""What runs on a host: for supervisord on a simulated one, for systemd on a real one."""

from dataclasses import dataclass, field

from ops.ha import files
from ops.ha import inventory as ports
from ops.ha.inventory import Host, Inventory
from ops.ha.place import Place


@dataclass(frozen=True)
class Program:
    """One program: what it is called, what starts it in the foreground, as whom."""

    name: str
    command: tuple[str, ...]
    user: str | None = None
    """The system user; none for the one that a host's product runs as."""
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_s: int = 20
    """Seconds it has to end before it is killed."""

    @property
    def group(self) -> str:
        """What the programs of its kind have in common."""
        return self.name.partition("-")[0]

    @property
    def is_ours(self) -> bool:
        """Whether it runs the product's own code."""
        return self.group in ("api", "live", "worker")


def programs(inventory: Inventory, host: Host, place: Place) -> tuple[Program, ...]:
    """All of a host, in the order they start."""
    if host in inventory.gateways:
        return _gateway(inventory, place)
    members = [_patroni(place, "patroni")]
    if host.name == inventory.analysts:
        members.append(_patroni(place, "patroni-analysts"))
    return (
        Program("etcd", ("/usr/bin/etcd", "--config-file", f"{place.etc}/etcd.yaml"), "etcd"),
        *(_redis(place, number) for number, _ in enumerate(ports.REDIS_PORTS, 1)),
        *members,
        Program("guard", (*_guard(place), f"{place.etc}/patroni.yaml"), "postgres"),
        *_ours(host, place),
    )


def _patroni(place: Place, name: str) -> Program:
    command = (str(place.patroni), f"{place.etc}/{name}.yaml")
    # It stops PostgreSQL first, which writes a checkpoint.
    return Program(name, command, "postgres", {"HOME": f"{place.data}/{name}"}, stop_s=60)


def _guard(place: Place) -> tuple[str, ...]:
    """With Patroni's Python, which the user `postgres` can reach."""
    return str(place.patroni.with_name("python")), f"{place.etc}/guard.py"


def _redis(place: Place, number: int) -> Program:
    command = ("/usr/bin/redis-server", f"{place.etc}/redis-{number}.conf")
    return Program(f"redis-{number}", command, "redis")


def _ours(host: Host, place: Place) -> tuple[Program, ...]:
    python = (str(place.python), "-m")
    known = {"SAFEROUTE_ENV_FILE": f"{place.etc}/saferoute.env"}
    api = {
        "SAFEROUTE_API_PORT": str(ports.API_PORT),
        "SAFEROUTE_ADMIN_PORT": str(ports.API_ADMIN_PORT),
    }
    live = {
        "SAFEROUTE_LIVE_PORT": str(ports.LIVE_PORT),
        "SAFEROUTE_ADMIN_PORT": str(ports.LIVE_ADMIN_PORT),
    }
    beat = {"SAFEROUTE_WORKER_METRICS_PORT": str(ports.WORKER_METRICS_PORT)}
    return (
        Program("api-1", (*python, "api"), environment={**known, **api}, stop_s=30),
        Program("live-1", (*python, "api.live"), environment={**known, **live}),
        Program("worker-alarm-1", (*python, "worker", "alarm"), environment=known, stop_s=30),
        Program("worker-default", (*python, "worker", "default"), environment=known, stop_s=30),
        Program("worker-bulk", (*python, "worker", "bulk"), environment=known, stop_s=30),
        Program("worker-beat", (*python, "worker", "beat"), environment={**known, **beat}),
    )


def _gateway(inventory: Inventory, place: Place) -> tuple[Program, ...]:
    nginx = files.gateway(inventory, place).command
    haproxy = ("/usr/sbin/haproxy", "-db", "-f", f"{place.etc}/haproxy.cfg")
    keepalived = (
        *("/usr/sbin/keepalived", "--dont-fork", "--log-console", "--vrrp"),
        *("--use-file", f"{place.etc}/keepalived.conf"),
        *("--pid", f"{place.data}/keepalived.pid", "--vrrp_pid", f"{place.data}/vrrp.pid"),
    )
    return (
        Program("nginx", nginx, "www-data", stop_signal="QUIT"),
        Program("haproxy", haproxy, "haproxy"),
        # It sets addresses: only root can.
        Program("keepalived", keepalived, "root"),
    )
