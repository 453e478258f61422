"""A throw-away Redis Cluster for benchmarks: three masters, three replicas."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.redis_cluster import TestCluster, start_cluster


@contextmanager
def bench_redis() -> Iterator[TestCluster]:
    """Start one; killed and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="saferoute-bench-redis-") as folder:
        Path(folder).chmod(0o755)  # the nodes do not run as root
        cluster = start_cluster(Path(folder))
        try:
            yield cluster
        finally:
            for node in cluster.nodes:
                cluster.kill(node)
