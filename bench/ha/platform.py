"""A simulated cluster with people who use it, for as long as a measurement lasts."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.ha import cluster as clusters
from ops.ha.cluster import Cluster
from ops.ha.inventory import Inventory
from tests.ha.scene import Scene

# Beside others that run on this machine.
INVENTORY = Inventory.model_validate(
    {
        "name": "bench",
        "network": "10.78.66.0/24",
        "public": "10.78.66.20",
        "hosts": {name: f"10.78.66.{11 + n}" for n, name in enumerate("abc")},
        "gateways": {"g1": "10.78.66.21", "g2": "10.78.66.22"},
    }
)


@contextmanager
def platform() -> Iterator[Scene]:
    """Bring it up; taken down at the end. The histories of runs that failed stay."""
    os.environ["SAFEROUTE_ENV_FILE"] = os.devnull
    # Not each request that asks how the cluster is.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="saferoute-bench-"))
    folder.chmod(0o755)  # PostgreSQL must reach it
    cluster = Cluster(INVENTORY, folder / "state")
    scene = Scene(cluster, folder / "histories")
    try:
        clusters.up(cluster)
        scene.settle()
        yield scene
    finally:
        clusters.down(cluster)
        shutil.rmtree(folder)
