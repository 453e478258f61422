"""What runs of the local profile, where, and how it is: `make status`."""

from datetime import timedelta

import typer
from rich.console import Console
from rich.table import Table

from ops import logins
from ops.profile import Profile


def show(profile: Profile) -> None:
    """Print a table of the programs, and where to learn more."""
    processes = profile.supervisor.processes() if profile.supervisor.runs else []
    found = {process.name: process for process in processes}
    behind = _behind(profile) if found and found[profile.primary.name].pid else {}
    roles = _redis_roles(profile) if found else {}
    table = Table("", "state", "address", "process", "up", "role or lag", box=None)
    for name in profile.programs:
        process, port = found.get(name), profile.ports.get(name)
        address = f"127.0.0.1:{port}" if port else "-"
        if name == "gateway":
            address = profile.url
        if process and process.pid:
            up_for = str(timedelta(seconds=process.seconds))
            pid = str(process.pid)
            said = roles.get(name) or behind.get(name)
            table.add_row(name, process.state.lower(), address, pid, up_for, said)
        else:
            table.add_row(name, process.state.lower() if process else "stopped", address)
    Console().print(table)
    admin = " ".join(
        f"{process.name} {process.admin_port}"
        for process in profile.processes
        if process.admin_port
    )
    typer.echo(f"Admin ports (/ready, /metrics): {admin}")
    typer.echo(f"Calls, one line each: {profile.gateway.access_log}")
    typer.echo(f"Data {profile.servers}, settings and passwords {profile.folder}/saferoute.env")


def _redis_roles(profile: Profile) -> dict[str, str]:
    """What each node of the Redis Cluster is, and what is wrong with it."""
    password = logins.password("redis_password")
    states = {node.name: node.state(password) for node in profile.redis}
    return {
        name: "does not answer"
        if state is None
        else f"{state.role}{'' if state.is_whole else ', not whole'}"
        for name, state in states.items()
    }


def _behind(profile: Profile) -> dict[str, str]:
    """What each standby has not replayed, in words."""
    primary = logins.server_conninfo(profile.primary.server.port)
    lags = {standby.name: standby.lag(primary) for standby in profile.standbys}
    return {profile.primary.name: "primary"} | {
        name: f"{lag.size / 1e6:,.1f} MB, {lag.seconds:.1f} s" if lag else "not streaming"
        for name, lag in lags.items()
    }
