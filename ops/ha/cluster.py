"""A cluster of simulated hosts on this machine: made, started, stopped, removed."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from common import signing_keys
from common.settings import REPOSITORY, environment_file, settings
from ops import installation, logins, redis_cluster, schema
from ops.cluster import servers_folder
from ops.errors import OperatorError
from ops.ha import checks, files, identities, inventory, namespaces, place
from ops.ha.inventory import Host, Inventory
from ops.ha.patroni import Member, Patroni
from ops.ha.place import Place
from ops.ha.programs import Program, programs
from ops.ha.secrets import Secrets, known
from ops.identity import Identity
from ops.pgbackrest import Repository
from ops.processes import answers
from ops.progress import step
from ops.supervision import Supervisor

_LOCK = REPOSITORY / "requirements-ha.lock"
WHOLE_S = 120.0
"""How long PostgreSQL has to begin, on all hosts."""


@dataclass(frozen=True)
class Cluster:
    """One cluster of simulated hosts, which need not run."""

    inventory: Inventory
    state: Path
    """The folder of all its files."""

    @cached_property
    def secrets(self) -> Secrets:
        """Its passwords; made when they are first asked for."""
        return known(self.state)

    @property
    def url(self) -> str:
        """The one public address."""
        return f"{self.inventory.scheme}://{self.inventory.public}"

    @property
    def settings_file(self) -> Path:
        """The settings of its operator."""
        return self.state / "saferoute.env"

    @property
    def environment(self) -> dict[str, str]:
        """What an operator's command finds in its environment."""
        return {"SAFEROUTE_ENV_FILE": str(self.settings_file)}

    @property
    def is_up(self) -> bool:
        """Whether any of its hosts runs."""
        return any(self.supervisor(host).runs for host in self.inventory.everyone)

    @property
    def patroni(self) -> Patroni:
        """The REST API of its members."""
        addresses = [host.at(inventory.PATRONI_PORT) for host in self.inventory.hosts]
        return Patroni(addresses, self.secrets.patroni, self.identity)

    @property
    def identity(self) -> Identity | None:
        """What the operator shows, and whom it trusts; none where all is in plain."""
        return identities.identity(self.operator, "product") if self.inventory.tls else None

    @property
    def operator(self) -> Place:
        """The folders of the operator, in the root namespace."""
        return replace(place.simulated(self.state, "a"), etc=self.state)

    @property
    def issued(self) -> Path:
        """The folder of all its certificates, and of the authority's key."""
        return self.state / "certificates"

    def place(self, host: Host) -> Place:
        """The folders of a host."""
        return place.simulated(self.state, host.name)

    def programs(self, host: Host) -> tuple[Program, ...]:
        """What runs on a host."""
        return programs(self.inventory, host, self.place(host))

    def inside(self, host: Host) -> tuple[str, ...]:
        """What a command begins with that runs on a host."""
        return namespaces.inside(self.inventory, host)

    def supervisor(self, host: Host) -> Supervisor:
        """The supervisor of a host."""
        return Supervisor(self.place(host).root, self.inside(host))

    def render(self, host: Host) -> bool:
        """Write the files of a host; whether any has changed."""
        there = self.place(host)
        for folder, owner in files.folders(self.inventory, host, there).items():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.chown(folder, owner, owner)
            # PostgreSQL and Patroni want theirs for themselves; parents let everyone through.
            folder.chmod(0o755 if owner == "root" else 0o700)
        return files.write(files.render(self.inventory, host, there, self.secrets, self.issued))

    def start(self, host: Host) -> None:
        """Start a host and all its programs, whatever of it runs."""
        self.render(host)
        supervisor, wanted = self.supervisor(host), self.programs(host)
        configuration = files.supervisors_configuration(
            caller="root", root=supervisor.folder, programs=wanted, code=REPOSITORY
        )
        if supervisor.runs and supervisor.configuration != configuration:
            supervisor.stop()
        if not supervisor.runs:
            supervisor.start(configuration, {})
        for program in wanted:
            supervisor.start_process(program.name)

    def kill(self, host: Host) -> None:
        """End everything on a host at once, as when its power fails."""
        while pids := namespaces.processes(self.inventory, host):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        for name in ("supervisor.pid", "supervisor.sock"):
            (self.place(host).root / name).unlink(missing_ok=True)


def of(path: Path) -> Cluster:
    """The cluster that an inventory file describes."""
    found = inventory.read(path)
    # Beside the local profile, where PostgreSQL can reach it.
    folder = servers_folder(environment_file().parent).parent
    return Cluster(found, folder / "ha" / found.name)


def up(cluster: Cluster) -> None:
    """Make what is missing, start what does not run, and return once all of it is of use."""
    checks.refuse_too_little_memory(cluster.inventory)
    with held(cluster):
        checks.refuse_taken_ports(cluster)
        _prepare(cluster)
        with step(f"Hosts {', '.join(host.name for host in cluster.inventory.everyone)}"):
            namespaces.create(cluster.inventory)
            for host in cluster.inventory.everyone:
                cluster.start(host)
        finish(cluster)


def finish(cluster: Cluster) -> None:
    """Make hosts whose programs have been started one platform: schema, roles, Redis Cluster."""
    with step("PostgreSQL: a primary, and standbys that follow it"):
        wait(partial(is_whole, cluster), WHOLE_S, partial(_why, cluster))
    use(cluster)
    _bring_up_to_date(cluster)
    _join_redis(cluster)
    with step("API, live gateways and workers"):
        for host in cluster.inventory.hosts:
            for port in (inventory.API_ADMIN_PORT, inventory.LIVE_ADMIN_PORT):
                url = f"http://{host.at(port)}/ready"
                wait(partial(answers, url), 60, f"{url} does not say that it is ready")
    with step(f"Gateways, one of them at {cluster.inventory.public}"):
        silent = f"nobody answers at {cluster.url}"
        wait(partial(listens, str(cluster.inventory.public), 80), 30, silent)


def down(cluster: Cluster) -> None:
    """Stop everything and remove it: processes, namespaces, files."""
    if not cluster.state.exists():
        if not namespaces.existing(cluster.inventory):
            return
        _refuse_anothers(cluster)
    with held(cluster), step("Removing hosts, network and files"):
        for host in cluster.inventory.everyone:
            cluster.kill(host)
        namespaces.remove(cluster.inventory)
        shutil.rmtree(cluster.state, ignore_errors=True)
    with contextlib.suppress(OSError):  # another cluster or the local profile is there
        for folder in (cluster.state.parent, cluster.state.parent.parent):
            folder.rmdir()


def _refuse_anothers(cluster: Cluster) -> None:
    """An error where hosts of this name run that were not made from here."""
    name = cluster.inventory.name
    for host in cluster.inventory.everyone:
        if namespaces.processes(cluster.inventory, host):
            raise OperatorError(
                f"the hosts {name}-... run, and their files are not in {cluster.state}: they are "
                "of another clone, or of another SAFEROUTE_ENV_FILE; remove them from there"
            )


def use(cluster: Cluster) -> None:
    """From now on the settings of this process are those of the cluster's operator."""
    os.environ.update(cluster.environment)
    settings.cache_clear()


def members(cluster: Cluster) -> list[Member]:
    """What Patroni tells of every PostgreSQL server."""
    return cluster.patroni.members()


def is_whole(cluster: Cluster) -> bool:
    """Whether there is one primary that every other server follows, with a quorum."""
    found = members(cluster)
    wanted = len(cluster.inventory.hosts) + (cluster.inventory.analysts is not None)
    standbys = [member for member in found if member.role != "leader"]
    return (
        len(found) == wanted
        and len(standbys) == wanted - 1
        and any(member.is_primary for member in found)
        and all(member.state == "streaming" for member in standbys)
        and any(member.role in ("quorum_standby", "sync_standby") for member in standbys)
    )


def wait(is_done: Callable[[], bool], seconds: float, why_not: str | Callable[[], str]) -> None:
    """Return once it is done; an error that says why it is not when the time is up."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise OperatorError(why_not if isinstance(why_not, str) else why_not())
        time.sleep(0.1)


def _prepare(cluster: Cluster) -> None:
    """What all hosts share: Patroni's programs, keys, the operator's settings."""
    shared = cluster.state / "shared"
    for folder in (cluster.state, shared):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    backups = place.simulated(cluster.state, "a").backups
    backups.mkdir(mode=0o700, exist_ok=True)
    shutil.chown(backups, "postgres", "postgres")
    _install_patroni(cluster.state / "patroni")
    if not signing_keys.read(shared / "keys"):
        signing_keys.add(shared / "keys")
    if cluster.inventory.tls:
        identities.make(cluster.inventory, cluster.issued)
    operator = (cluster.inventory, None, cluster.operator, cluster.secrets, cluster.issued)
    files.write(files.render(*operator))


def _install_patroni(folder: Path) -> None:
    """An environment of its own: `postgres` cannot reach one in the home of root."""
    mark = folder / "installed"
    wanted = _LOCK.read_text()
    if mark.exists() and mark.read_text() == wanted:
        return
    with step("Patroni"):
        pip = (folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check")
        for command in (("/usr/bin/python3", "-m", "venv", folder), (*pip, "-r", _LOCK)):
            process = subprocess.run(command, capture_output=True, text=True, check=False)
            if process.returncode:
                reason = process.stderr.strip().splitlines() or ["it said nothing"]
                raise OperatorError(f"Patroni cannot be installed: {reason[-1]}")
        mark.write_text(wanted)


def _bring_up_to_date(cluster: Cluster) -> None:
    cluster.patroni.configure(files.DCS)
    _prepare_backups(cluster)
    installation.install()
    analyst = logins.password("analyst_password")
    schema.set_passwords(settings().admin_conninfo, {"analyst": analyst})


def _prepare_backups(cluster: Cluster) -> None:
    """Let the repository know the servers, once, before they have WAL to archive."""
    mark, primary = cluster.state / "backups.ready", cluster.patroni.primary()
    if mark.exists() or primary is None:
        return
    host = next(each for each in cluster.inventory.hosts if each.name == primary.name)
    config = cluster.place(host).etc / "pgbackrest.conf"
    if not config.exists():  # a real host: its first backup does that
        return
    with step("Repository of backups"):
        variables = {"PGHOST": str(host.address), "PGPASSWORD": cluster.secrets.admin}
        Repository(config, variables, cluster.inside(host)).prepare()
        mark.touch()


def _join_redis(cluster: Cluster) -> None:
    password = cluster.secrets.redis
    found = [
        files.redis_nodes(cluster.inventory, host, cluster.place(host))
        for host in cluster.inventory.hosts
    ]
    own = cluster.identity
    # One of each host first: those become masters.
    nodes = [replace(node, identity=own) for group in zip(*found, strict=True) for node in group]
    mark = cluster.state / "redis.ready"
    with step("Redis Cluster"):
        for node in nodes:
            silent = f"{node.name} at {node.host} does not answer"
            wait(partial(node.answers, password), 30, silent)
        if not mark.exists():
            # From another folder it may have been made long ago, and holds what people did since.
            states = [node.state(password) for node in nodes]
            if not all(state and state.is_whole for state in states):
                # One that was cut off has left nodes that know each other.
                for node in nodes:
                    node.forget(password)
                redis_cluster.create(nodes, password)
            mark.touch()
        redis_cluster.wait_until_whole(nodes, password)


@contextmanager
def held(cluster: Cluster) -> Iterator[None]:
    """Two commands that change it at once would undo each other."""
    folder = cluster.state.parent
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    path = folder / f"{cluster.inventory.name}.lock"
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError("another command is changing this cluster") from error
        try:
            yield
        finally:
            if not cluster.state.exists():
                path.unlink(missing_ok=True)


def _why(cluster: Cluster) -> str:
    """In one line what keeps PostgreSQL from being whole."""
    found = members(cluster)
    if not found:
        host = cluster.inventory.hosts[0]
        if not cluster.supervisor(host).runs:  # a real one
            return "Patroni does not answer: on each host, systemctl status saferoute-patroni"
        log = cluster.supervisor(host).log("patroni")
        last = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
        return f"Patroni does not answer: {last[0] if last else 'it said nothing'} (see {log})"
    told = ", ".join(f"{member.name} {member.role} {member.state}" for member in found)
    wanted = [host.name for host in cluster.inventory.hosts]
    wanted += ["analysts"] if cluster.inventory.analysts else []
    silent = ", ".join(name for name in wanted if name not in [each.name for each in found])
    return f"PostgreSQL is not whole: {told}{f'; no word of {silent}' if silent else ''}"


def listens(address: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0
