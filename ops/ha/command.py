"""`saferoute ha`: a highly available cluster on simulated hosts of this machine."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from common import signing_keys
from ops.errors import OperatorError
from ops.ha import cluster, files, identities, inventory, place, secrets, units
from ops.ha.cluster import Cluster

app = typer.Typer(
    help="A highly available cluster: three hosts and two gateways, simulated on this machine by "
    "network namespaces, or files for real ones. See deploy/README.md.",
    no_args_is_help=True,
)
_INVENTORY_HELP = "Which hosts there are: a TOML file."
InventoryFile = Annotated[Path, typer.Option("--inventory", help=_INVENTORY_HELP)]
InventoryOfClone = Annotated[
    Path,
    # The reference is read elsewhere than in this clone.
    typer.Option("--inventory", help=_INVENTORY_HELP, show_default="deploy/ha/inventory.toml"),
]


@app.command()
def up(inventory_file: InventoryOfClone = inventory.DEFAULT) -> None:
    """Make the simulated hosts and start everything on them; what runs already stays."""
    found = cluster.of(inventory_file)
    cluster.up(found)
    _show(found)


@app.command()
def down(inventory_file: InventoryOfClone = inventory.DEFAULT) -> None:
    """Stop the simulated cluster and remove its hosts and all its data."""
    cluster.down(cluster.of(inventory_file))


@app.command()
def status(inventory_file: InventoryOfClone = inventory.DEFAULT) -> None:
    """Show what runs on which host."""
    _show(cluster.of(inventory_file))


@app.command()
def render(
    inventory_file: InventoryFile,
    out: Annotated[Path, typer.Option(help="A folder; only its owner may look into it.")],
    major: Annotated[int, typer.Option(help="Version of PostgreSQL on the hosts.")] = 15,
) -> None:
    """Write the files of real hosts: for each a tar that is unpacked at `/` there.

    Passwords and the key of access tokens are made once and kept in the folder: it goes into no
    repository. A second run writes the same files, with what has changed in the inventory.
    """
    found = Cluster(inventory.read(inventory_file), out.absolute())
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o700)
    there, passwords = place.real(major), secrets.known(out)
    if found.inventory.tls:
        identities.make(found.inventory, found.issued)
    operator = replace(there, etc=found.state)
    files.write(files.render(found.inventory, None, operator, passwords, found.issued))
    if not signing_keys.read(out / "keys"):
        signing_keys.add(out / "keys")
    for host in found.inventory.everyone:
        content = files.render(found.inventory, host, there, passwords, found.issued)
        content |= units.render(found.inventory, host, there)
        content[there.etc / "inventory.toml"] = place.File(inventory_file.read_text())
        if host in found.inventory.hosts:
            for key in (out / "keys").glob("*.jwk"):
                known = place.File(key.read_text(), "saferoute", 0o600)
                content[there.shared / "keys" / key.name] = known
        files.pack(content, out / f"{host.name}.tar")
        typer.echo(f"{out}/{host.name}.tar: {len(content)} files for {host.address}")
    typer.echo(f"{found.settings_file}: settings of whoever operates it")


@app.command()
def install(
    inventory_file: InventoryFile,
    out: Annotated[Path, typer.Option(help="The folder that `saferoute ha render` wrote.")],
) -> None:
    """Make real hosts, all of which have been started, one platform: schema, roles, Redis Cluster.

    Run it from a machine in the network of the cluster. Once done, it changes nothing when run
    again; after a new release it applies the migrations.
    """
    found = Cluster(inventory.read(inventory_file), out.absolute())
    if not found.settings_file.exists():
        raise OperatorError(f"{out} has no saferoute.env: `saferoute ha render` first")
    cluster.finish(found)


def _show(found: Cluster) -> None:
    table = Table("host", "address", "programs", "down", box=None)
    for host in found.inventory.everyone:
        supervisor = found.supervisor(host)
        there = supervisor.processes() if supervisor.runs else []
        running = [process.name for process in there if process.runs]
        missing = [each.name for each in found.programs(host) if each.name not in running]
        table.add_row(host.name, str(host.address), " ".join(running), " ".join(missing))
    Console(soft_wrap=True).print(table)
    typer.echo(f"Public address {found.url}, settings and passwords {found.state}/saferoute.env")
    if found.inventory.tls and found.issued.exists():
        days = identities.days_left(found.inventory, found.issued)
        typer.echo(
            f"Certificates are good for {days} days; `up` renews those that have less than 30"
        )
