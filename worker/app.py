"""The Celery application: three queues, each worked off by processes of its own.

A process that takes alarms takes nothing else, so that no alarm waits behind a report. What stands
in a queue is a nudge; what is to be done stands in the database, where a sweep finds it again.
"""

import logging
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from celery import Celery, signals
from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.state import maybe_shutdown
from kombu import Connection, Exchange
from kombu import Queue as KombuQueue

from common import logs
from common.settings import REPOSITORY, Settings, settings
from worker import schedule

# The transport's name in the address is pgmq; the class is ours.
PGMQ = "worker.broker:Transport"
_LOG = logging.getLogger("saferoute.worker")


@dataclass(frozen=True)
class Queue:
    """How the processes of a queue work."""

    pool: str
    """threads: tasks that wait for others; prefork: tasks that compute, or have to be ended."""
    concurrency: int
    """Tasks at a time."""
    visibility_timeout_s: int
    """A message that was not done by then is given to another process: that of a killed one."""


QUEUES = {
    "alarm": Queue("threads", 8, 30),
    "default": Queue("threads", 4, 60),
    # Longer than the longest task: see the time limits of tasks.
    "bulk": Queue("prefork", 2, 2 * 3600),
}


class Consumer(CeleryConsumer):
    """Celery waits up to 30 s before it asks a broker again that was away; alarms cannot."""

    def ensure_connected(self, conn: Connection) -> Connection:
        """Try for ever, every 3 s at the latest."""

        def note(error: Exception, interval_s: float) -> None:
            _LOG.warning("the broker does not answer, again in %.1f s: %s", interval_s, error)

        return conn.ensure_connection(
            note,
            None,
            interval_start=0.2,
            interval_step=0.5,
            interval_max=3,
            callback=maybe_shutdown,
        )


def application(values: Settings) -> Celery:
    """The application for these settings."""
    app = Celery("saferoute", include=["worker.tasks", "worker.report_tasks"])
    is_ours = values.is_broker_postgresql
    nameless = Exchange("")
    app.conf.update(
        broker_url="pgmq://database" if is_ours else values.broker_url.get_secret_value(),
        broker_transport=PGMQ if is_ours else None,
        broker_use_ssl=_trust(values),
        broker_transport_options=transport_options(values, "default"),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # The queues are there. Declaring one would lock it, behind every SOS that is being written.
        task_queues=[
            KombuQueue(name, nameless, routing_key=name, no_declare=True) for name in QUEUES
        ],
        task_default_queue="default",
        task_default_exchange="",
        task_default_routing_key="default",
        task_create_missing_queues=False,
        # A task is done when it is done, not when it is taken.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # Nothing speaks to workers but their queues: each command queue would be a table.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_consumer="worker.app:Consumer",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        accept_content=["json"],
        timezone="UTC",
        enable_utc=True,
        # Two may run: the schedule is kept nowhere, and what it starts can run twice.
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule=schedule.ENTRIES,
        beat_max_loop_interval=1,
    )
    return app


def _trust(values: Settings) -> dict[str, Any] | None:
    """Whom a Redis as the broker must be certified by, where it is not the system's authorities."""
    if values.is_broker_postgresql or values.tls_ca is None:
        return None
    return {
        "ssl_ca_certs": str(REPOSITORY / values.tls_ca),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
    }


def transport_options(values: Settings, queue: str) -> dict[str, Any]:
    """Of a process that works off this queue."""
    known: dict[str, Any] = {"visibility_timeout": QUEUES[queue].visibility_timeout_s}
    if values.is_broker_postgresql:
        # The server looks every 50 ms for a second; what LISTEN would save costs every SOS more:
        # NOTIFY lets no two transactions commit at once, and pgmq's trigger locks a row.
        known |= {
            "conninfo": values.worker_conninfo,
            "wait_time_seconds": 1,
            "poll_interval_ms": 50,
        }
    # While all threads are busy, how often it is asked whether one is free.
    return known | {"polling_interval": 0.02}


@signals.setup_logging.connect
def _log(**_: object) -> None:
    logs.configure()


@signals.worker_ready.connect
@signals.beat_init.connect
def _tell_ready(**_: object) -> None:
    """Say that work is done from now on: in the log, and to systemd where that has started it."""
    _LOG.info("ready", extra={"pid": os.getpid()})
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            # A name that begins with @ is an abstract one.
            systemd.sendto(b"READY=1", address.replace("@", "\0", 1))


app = application(settings())
