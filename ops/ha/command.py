"""`saferoute ha`: a highly available cluster on simulated hosts of this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.ha import cluster, inventory
from ops.ha.cluster import Cluster

app = typer.Typer(
    help="A highly available cluster: three hosts and two gateways, simulated on this machine by "
    "network namespaces, or files for real ones. See deploy/README.md.",
    no_args_is_help=True,
)
InventoryFile = Annotated[
    Path, typer.Option("--inventory", help="Which hosts there are: a TOML file.")
]


@app.command()
def up(inventory_file: InventoryFile = inventory.DEFAULT) -> None:
    """Make the simulated hosts and start everything on them; what runs already stays."""
    found = cluster.of(inventory_file)
    cluster.up(found)
    _show(found)


@app.command()
def down(inventory_file: InventoryFile = inventory.DEFAULT) -> None:
    """Stop the simulated cluster and remove its hosts and all its data."""
    cluster.down(cluster.of(inventory_file))


@app.command()
def status(inventory_file: InventoryFile = inventory.DEFAULT) -> None:
    """Show what runs on which host."""
    _show(cluster.of(inventory_file))


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
