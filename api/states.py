"""States for `/metrics` that are asked for when somebody looks, and cost nothing between."""

import time
from collections.abc import Collection, Iterator
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.catalogue import Catalogue
from api.server import STATES
from api.servers import Servers
from common.redis import Redis


class Clients(Protocol):
    """Who is connected to the public port: `Traffic`, or the live gateway."""

    @property
    def connections(self) -> Collection[object]:
        """All of them."""

    @property
    def limit(self) -> int:
        """How many there may be."""

    @property
    def is_draining(self) -> bool:
        """Whether the process is to end."""


class States(Collector):
    """How the servers, Redis, the catalogue and the connections of clients are now."""

    def __init__(
        self, servers: Servers, catalogue: Catalogue, redis: Redis, clients: Clients
    ) -> None:
        """Who is asked."""
        self._servers = servers
        self._catalogue = catalogue
        self._redis = redis
        self._clients = clients

    def collect(self) -> Iterator[Metric]:
        """One family after another."""
        yield from self._of_servers()
        yield from self._of_connections()
        yield GaugeMetricFamily(
            "saferoute_redis_up",
            "1 while every key of Redis Cluster can be asked for.",
            self._redis.is_up,
        )
        yield GaugeMetricFamily(
            "saferoute_redis_troubles",
            "Masters of Redis Cluster that are not asked at the moment, and the cluster itself.",
            len(self._redis.troubles),
        )
        read_at = self._catalogue.read_at
        yield GaugeMetricFamily(
            "saferoute_catalogue_age_seconds",
            "Time since the functions were last read; NaN before the first reading.",
            float("nan") if read_at is None else time.monotonic() - read_at,
        )
        yield GaugeMetricFamily(
            "saferoute_client_connections",
            "Open connections of clients.",
            len(self._clients.connections),
        )
        yield GaugeMetricFamily(
            "saferoute_client_connections_limit",
            "Connections that clients may have; further ones are refused.",
            self._clients.limit,
        )
        yield GaugeMetricFamily(
            "saferoute_draining",
            "1 while the process answers its last requests before it ends.",
            self._clients.is_draining,
        )

    def _of_servers(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "saferoute_server_state",
            "1 for the state each PostgreSQL server is in, 0 for the others.",
            labels=["server", "state"],
        )
        lag = GaugeMetricFamily(
            "saferoute_server_lag_seconds",
            "How far each standby is behind the primary.",
            labels=["server"],
        )
        reads = GaugeMetricFamily(
            "saferoute_server_reads",
            "1 while reads go to the standby: it is not too far behind.",
            labels=["server"],
        )
        for report in self._servers.reports():
            for name in STATES:
                state.add_metric([report.server, name], name == report.state)
            if report.state == "standby":
                lag.add_metric([report.server], report.lag_s)
                reads.add_metric([report.server], report.reads)
        yield from (state, lag, reads)

    def _of_connections(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "saferoute_pool_connections",
            "Open connections of this process to each PostgreSQL server, busy or idle.",
            labels=["server", "state"],
        )
        limit = GaugeMetricFamily(
            "saferoute_pool_connections_limit",
            "Connections that this process may have to each PostgreSQL server.",
            labels=["server"],
        )
        waiting = GaugeMetricFamily(
            "saferoute_pool_waiting_calls",
            "Calls that wait for a connection to each PostgreSQL server.",
            labels=["server"],
        )
        for report in self._servers.reports():
            connections.add_metric([report.server, "busy"], report.busy)
            connections.add_metric([report.server, "idle"], max(report.open - report.busy, 0))
            limit.add_metric([report.server], report.size)
            waiting.add_metric([report.server], report.waiting)
        yield from (connections, limit, waiting)
