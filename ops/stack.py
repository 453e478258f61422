"""`saferoute stack`: the local profile, PostgreSQL, Redis, API and gateway on one machine."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from common.settings import settings
from ops import (
    backup,
    backup_health,
    databases,
    first_city,
    first_route,
    health,
    installation,
    logins,
    pgbackrest,
    redis_cluster,
    stack_status,
    unfinished,
)
from ops import roll as rolling
from ops.errors import OperatorError
from ops.ha import cluster as clusters
from ops.ha import inventory
from ops.ha import members as ha_members
from ops.pgbackrest import BackupError
from ops.ports import refuse_taken_ports
from ops.profile import Profile, find_profile, open_profile
from ops.progress import step
from ops.roll import Kind, Member

app = typer.Typer(help="The local profile on this machine.", no_args_is_help=True)
_progress = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def up(
    osm: Annotated[Path | None, typer.Option(help="Load this map (PBF).")] = None,
    crime: Annotated[Path | None, typer.Option(help="Load these crimes (CSV).")] = None,
    city: Annotated[
        str | None, typer.Option(help="The city they are of; the map file's name if not given.")
    ] = None,
) -> None:
    """Start what is not running, load a city if there is none, and ask for a walk through it."""
    wish = first_city.Wish(osm, crime, city)
    profile = open_profile()
    if not profile.servers.is_relative_to(profile.folder):
        _progress.print(
            f"The user postgres cannot reach {profile.folder}: its data are in {profile.servers}."
        )
    with profile.lock():
        unfinished.refuse_unfinished(profile)
        start_supervisor(profile)
        changed = start_database(profile)
        start_followers(profile)
        start_services(profile, changed)
        found = first_city.load(settings().owner_conninfo, wish, profile.folder / "demo")
        databases.wait_for_replay(profile)
        _back_up_first()
    stack_status.show(profile)
    typer.echo(health.summary())
    typer.echo(backup_health.summary())
    trip, answer = first_route.ask(profile.url, settings().owner_conninfo, found)
    first_route.show(profile.url, trip, answer)


@app.command()
def down() -> None:
    """Stop everything; the data stay."""
    profile = find_profile()
    with profile.lock():
        if not profile.supervisor.runs:
            _progress.print("Nothing runs.")
            return
        _stop(profile)


@app.command()
def status() -> None:
    """Show what runs where, and how far each standby is behind."""
    stack_status.show(find_profile())


@app.command()
def roll(
    only: Annotated[Kind | None, typer.Option(help="Only processes of this kind.")] = None,
) -> None:
    """Replace API, live gateways and workers by new processes, one after another: nobody notices.

    Those of this host, where it is one of a real cluster; else of the simulated cluster, where one
    is up; else of the local profile.

    Each answers what it was asked before it ends, and the next one's turn comes once the new one is
    ready. Stops, and leaves the others alone, where one is not.
    """
    with _rolled() as (found, others):
        wanted = [member for member in found if only in (None, member.kind)]
        rolling.roll(wanted, lambda text: _progress.print(f"[green]✓[/] {text}"), others)


@contextmanager
def _rolled() -> Iterator[tuple[list[Member], list[Member]]]:
    """What is to be replaced, held so that nobody else changes it; and who else serves."""
    named = os.environ.get("SAFEROUTE_ENV_FILE")
    if named is None and ha_members.INVENTORY.exists():
        _progress.print(f"The processes of this host, by {ha_members.INVENTORY}:")
        yield ha_members.of_this_host(inventory.read(ha_members.INVENTORY))
        return
    simulated = clusters.of(inventory.DEFAULT)
    if named == str(simulated.settings_file) or (named is None and simulated.is_up):
        _progress.print(f"The processes of the simulated cluster {simulated.inventory.name}:")
        with clusters.held(simulated):
            yield ha_members.of_cluster(simulated), []
        return
    profile = find_profile()
    _progress.print(f"The processes of the local profile at {profile.url}:")
    with profile.lock():
        if not profile.supervisor.runs:
            raise OperatorError("nothing runs here: `make up`")
        yield members(profile), []


@app.command()
def logs(
    lines: Annotated[int, typer.Option(help="How many lines of each log.")] = 30,
) -> None:
    """Show the last lines of every log."""
    profile = find_profile()
    for name in ("supervisor", *profile.programs):
        path = profile.supervisor.log(name)
        typer.secho(f"==> {path} <==", bold=True)
        if path.exists():
            with path.open(errors="replace") as stream:
                typer.echo("".join(stream.readlines()[-lines:]))


@app.command()
def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete the data, the logs and the passwords."""
    profile = find_profile()
    if not yes:
        typer.confirm(f"Delete {profile.folder} and {profile.servers}?", abort=True, err=True)
    with profile.lock():
        if profile.supervisor.runs:
            _stop(profile)
        with step("Deleting the data"):
            # The settings go last: they say where the rest is.
            shutil.rmtree(profile.servers, ignore_errors=True)
            shutil.rmtree(profile.folder)


def members(profile: Profile) -> list[Member]:
    """The processes of ours, in the order they are started and replaced."""
    return [
        Member(process.name, profile.supervisor, process.ready_url) for process in profile.processes
    ]


def start_database(profile: Profile) -> bool:
    """Start the primary, with its backups and its schema; whether that has changed."""
    databases.start_primary(profile)
    _prepare_backups(profile)
    return installation.install()


def start_followers(profile: Profile) -> None:
    """Start the standbys, which are copied where they cannot follow, and Redis."""
    for standby in profile.standbys:
        databases.start_standby(profile, standby)
    databases.admit_analysts(profile)
    _start_redis(profile)


def start_services(profile: Profile, schema_changed: bool) -> None:
    """Start the API and all else of ours, and the gateway."""
    start_ours(profile, schema_changed=schema_changed)
    _start_gateway(profile)


def stop_services(profile: Profile) -> None:
    """Stop what writes to the database: the gateway first, then all that is behind it."""
    supervisor, ours = profile.supervisor, {process.name for process in profile.processes}
    supervisor.stop_process("gateway")
    for name in ours:
        supervisor.stop_process(name, wait=False)
    while any(each.pid for each in supervisor.processes() if each.name in ours):
        time.sleep(0.1)


def start_supervisor(profile: Profile) -> None:
    """Start supervisord, and no program yet; anew where the configuration has changed."""
    supervisor = profile.supervisor
    configuration = profile.supervisors_configuration()
    if supervisor.runs and supervisor.configuration != configuration:
        with step("Stopping the profile: its configuration has changed"):
            supervisor.stop()
    if supervisor.runs:
        down = {process.name for process in supervisor.processes() if not process.runs}
        refuse_taken_ports(profile.ports_of(down), patience=0)
        return
    # Programs of a supervisord that was killed need a moment to stop.
    refuse_taken_ports(
        profile.ports_of(profile.programs), patience=5 if profile.nodes[0].server.exists else 0
    )
    supervisor.start(configuration, profile.variables, without=profile.settled)


def _stop(profile: Profile) -> None:
    with step("Stopping the gateway and all that is behind it"):
        profile.supervisor.stop_process("gateway")
        profile.supervisor.stop(at_once=[process.name for process in profile.processes])


def _prepare_backups(profile: Profile) -> None:
    """Let the repository know this primary, before it has WAL to archive."""
    primary = logins.server_conninfo(profile.primary.server.port)
    with psycopg.connect(primary) as connection:
        query = "select system_identifier, version() from pg_control_system()"
        wanted = str(connection.execute(query).fetchone())
    if profile.remembered("backups") == wanted:
        return
    with step("Repository of backups"):
        pgbackrest.open_repository().prepare()
        profile.remember("backups", wanted)


def _back_up_first() -> None:
    """The first backup, where it can be made: without it the platform serves all the same."""
    repository = pgbackrest.open_repository()
    with suppress(BackupError):  # the line below the status says why
        if not repository.backups():
            with step("First backup"):
                backup.make(repository)


def _start_redis(profile: Profile) -> None:
    password, mark = logins.password("redis_password"), profile.servers / "redis.ready"
    if not mark.exists():
        for node in profile.redis:
            profile.supervisor.stop_process(node.name)
            node.empty()
    for node in profile.redis:
        if node.configure(password):
            profile.supervisor.stop_process(node.name)
    first, last = profile.redis[0], profile.redis[-1]
    with step(f"Redis Cluster on 127.0.0.1:{first.port} to {last.port}"):
        for node in profile.redis:
            profile.supervisor.start_process(node.name)
        for node in profile.redis:
            profile.supervisor.wait(node.name, partial(node.answers, password))
        if not mark.exists():
            redis_cluster.create(profile.redis, password)
            mark.touch()
        try:
            redis_cluster.wait_until_whole(profile.redis, password)
        except OperatorError as error:
            raise OperatorError(f"{error}: see docs/how-to/redis-cluster.md") from error


def start_ours(profile: Profile, *, schema_changed: bool = False) -> None:
    """Start API, live gateways and workers; where code or settings have changed, one by one."""
    supervisor = profile.supervisor
    running = {process.name for process in supervisor.processes() if process.runs}
    for process in profile.processes:
        if process.name not in running:
            supervisor.start_process(process.name)
    for package, title in (("api", "API and live gateways"), ("worker", "Workers")):
        wanted, mark = profile.code_digest(package), f"{package}-code"
        is_outdated = schema_changed or profile.remembered(mark) != wanted
        with step(title):
            for member in members(profile):
                if member.package != package:
                    continue
                if is_outdated and member.program in running:
                    supervisor.stop_process(member.program)
                rolling.start(member)
        profile.remember(mark, wanted)


def _start_gateway(profile: Profile) -> None:
    supervisor, gateway = profile.supervisor, profile.gateway
    if gateway.configure() and supervisor.process("gateway").runs:
        supervisor.signal_process("gateway", "HUP")
    with step(f"Gateway on {profile.url}"):
        supervisor.start_process("gateway")
        supervisor.wait("gateway", lambda: _listens(gateway.port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
