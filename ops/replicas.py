"""`saferoute replicas`: who follows the primary, one more, one less, another primary."""

import os
from typing import Annotated

import typer

from common.settings import environment_file, settings
from ops import local_replicas, replica_status, upkeep
from ops.errors import OperatorError
from ops.ha import cluster, inventory
from ops.ha import replicas as members

app = typer.Typer(
    help="The PostgreSQL servers: how each follows the primary, one more, one less, another "
    "primary. They are those of the settings: of the file that SAFEROUTE_ENV_FILE names, else of "
    "this clone's simulated cluster where there is one, else of the local profile.",
    no_args_is_help=True,
)
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def status(as_json: upkeep.AsJson = False) -> None:
    """Show every server: what it is, how far it is behind, what is wrong and what helps.

    For monitoring: ends with 0 where nothing is red, with 1 where something is, and with 2 where
    the question could not be answered. Red means that reads or writes suffer, or would if the
    primary died now. "Unflushed" is what would be lost then where commits do not wait; "late" is
    how long a write takes to be shown; "WAL kept" is what the primary keeps for it. The rows are
    of ops.replication_health and ops.replay_health, which say more about each column.
    """
    is_managed = _choose()
    found = replica_status.look(members.names() if is_managed else local_replicas.names())
    if is_managed:
        members.judge(found)
    if as_json:
        upkeep.show([seen.facts for seen in found], as_json)
    else:
        upkeep.show([seen.brief for seen in found], as_json)
        for seen in found:
            for sentence in seen.problems:
                typer.echo(f"{seen.name}: {sentence}")
    if any(seen.state == "red" for seen in found):
        raise typer.Exit(1)


@app.command()
def add(
    name: Annotated[
        str | None, typer.Argument(help="With Patroni: the member that is to come back.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="In the local profile: its port; else the next free one."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Make one more replica of the API, or have a member of the cluster follow again.

    In the local profile: copies the primary, and has the API read from the copy too; one that was
    interrupted is finished. With Patroni: starts the member if it was removed, and copies it anew
    where it is broken. A further host is put into the inventory instead: see deploy/README.md.
    """
    if _choose():
        if name is None or port is not None:
            raise OperatorError("with Patroni, name the member that is to come back")
        typer.echo(members.add(name, lambda question: _ask(question, yes)))
        return
    if name is not None:
        raise OperatorError("in the local profile a replica gets its name by itself: leave it out")
    profile = local_replicas.running()
    with profile.lock():
        made = local_replicas.add(profile, port)
    typer.echo(f"{made} follows the primary, and the API reads from it.")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Its name, as `saferoute replicas status` says.")],
    yes: Yes = False,
) -> None:
    """Take a replica away: no more reads, nothing more kept for it.

    Refused where it is the primary, the last replica, or one that commits wait for. In the local
    profile its data are deleted; with Patroni its host keeps them, until `add` has it follow again.
    """
    if _choose():
        members.refuse_to_remove(name)
        _ask(f"Take {name} out of the cluster?", yes)
        typer.echo(members.remove(name))
        return
    profile = local_replicas.running()
    if local_replicas.is_leftover(profile, name):
        local_replicas.clear(profile, name)
        typer.echo(f"{name} was removed before; what was left of it is gone now, too.")
        return
    node = local_replicas.find(profile, name)
    local_replicas.refuse_to_remove(profile, node)
    _ask(f"Remove {name} and delete {node.server.data}?", yes)
    with profile.lock():
        local_replicas.remove(profile, node)
    typer.echo(f"{name} is gone.")


@app.command()
def switchover(
    to: Annotated[
        str | None, typer.Option(help="The next primary; the replica with most where not given.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Make a replica the primary, in a planned way: nothing is lost, the old one follows it then.

    Writes wait for some seconds, reads go on. One that was interrupted is brought to its end.
    """
    if _choose():
        leader, next_one = members.candidate(to)
        _ask(f"Make {next_one or 'another member'} the primary instead of {leader}?", yes)
        typer.echo(members.switch_over(leader, next_one))
        return
    profile = local_replicas.running()
    if local_replicas.is_interrupted(profile):
        with profile.lock():
            target = local_replicas.finish_switchover(profile)
        typer.echo(f"{target.name} is the primary.")
        return
    target = local_replicas.candidate(profile, to)
    _ask(f"Make {target.name} the primary instead of {profile.primary.name}?", yes)
    with profile.lock():
        seconds = local_replicas.switch_over(profile, target)
    typer.echo(f"{target.name} is the primary; there was none for {seconds:.1f} s.")


def _choose() -> bool:
    """Find out which servers are meant, and say so; whether Patroni looks after them."""
    if "SAFEROUTE_ENV_FILE" not in os.environ:
        simulated = cluster.of(inventory.DEFAULT)
        if (simulated.state / "saferoute.env").exists():
            cluster.use(simulated)
    is_managed = settings().patroni_port is not None
    what = "Cluster that Patroni looks after" if is_managed else "Local profile"
    typer.echo(f"{what}, {environment_file()}", err=True)
    return is_managed


def _ask(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True, err=True)
