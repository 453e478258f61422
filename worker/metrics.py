"""`/metrics` of the workers: how work stands, as the database says whenever it is asked.

Beat serves them, since it runs everywhere and does little else: a worker that hangs would keep
its own figures.
"""

import logging
from collections.abc import Iterator

import psycopg
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.settings import Settings
from worker import database

_LOG = logging.getLogger("saferoute.worker")


class State(Collector):
    """docs/reference/workers.md explains each."""

    def collect(self) -> Iterator[Metric]:
        """Asks the database; where it does not answer, that is all there is to tell."""
        try:
            state = database.call("queue_state")
        except psycopg.Error:
            yield GaugeMetricFamily("saferoute_worker_database_up", _UP, 0)
            return
        yield GaugeMetricFamily("saferoute_worker_database_up", _UP, 1)
        tasks = GaugeMetricFamily(
            "saferoute_queue_tasks", "Tasks that wait in PostgreSQL.", labels=["queue"]
        )
        ages = GaugeMetricFamily(
            "saferoute_queue_oldest_seconds",
            "How long the oldest of them has waited.",
            labels=["queue"],
        )
        for queue, of_queue in state["queues"].items():
            tasks.add_metric([queue], of_queue["tasks"])
            ages.add_metric([queue], of_queue["oldest_s"])
        yield from (tasks, ages)
        for name, (kind, key, text) in _GAUGES.items():
            yield GaugeMetricFamily(f"saferoute_{name}", text, state[kind][key])
        dead = "Messages about alerts that were given up: an operator decides."
        yield GaugeMetricFamily("saferoute_dead_letters", dead, state["dead_letters"])


_UP = "1 while the primary answers."
_GAUGES = {
    "deliveries_due": (
        "deliveries",
        "due",
        "Messages about alerts that are due, with those being sent.",
    ),
    "deliveries_oldest_seconds": (
        "deliveries",
        "oldest_s",
        "How long the oldest of them has been due.",
    ),
    "deliveries_claimed": ("deliveries", "claimed", "Those that a worker sends at the moment."),
    "deliveries_retried": ("deliveries", "retried", "Those whose last attempt has failed."),
    "messages_due": ("messages", "due", "Codes and links that are due."),
    "messages_oldest_seconds": (
        "messages",
        "oldest_s",
        "How long the oldest of them has been due.",
    ),
}


def serve(values: Settings) -> None:
    """From now on, in a thread. A second beat on the machine is told to take another port."""
    registry = CollectorRegistry()
    registry.register(State())
    try:
        start_http_server(values.worker_metrics_port, values.admin_host, registry)
    except OSError as error:
        _LOG.warning("no metrics at port %s: %s", values.worker_metrics_port, error.strerror)
