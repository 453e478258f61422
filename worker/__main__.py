"""`python -m worker QUEUE`: work off one queue (alarm, default, bulk). `python -m worker beat`: the
clock that has things done. `python -m worker check`: whether the workers are well.
"""

import sys
import warnings
from contextlib import suppress

import psycopg
from celery.apps.beat import Beat
from celery.exceptions import CPendingDeprecationWarning

from common import logs, tls
from common.settings import settings
from worker import database, health, metrics
from worker.app import QUEUES, app, transport_options


def main(words: list[str]) -> int | None:
    """Run until stopped; the exit code."""
    logs.configure()
    tls.check(settings())
    # Said at every failover: tasks at work go on, since the rows they are about are what counts.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    match words:
        case ["beat"]:
            metrics.serve(settings())
            Beat(app=app, quiet=True, loglevel="WARNING").run()
        case ["check"]:
            return health.check()
        case [queue] if queue in QUEUES:
            _work(queue)
        case _:
            print(
                f"usage: python -m worker {'|'.join([*QUEUES, 'beat', 'check'])}", file=sys.stderr
            )
            return 2
    return None


def _work(queue: str) -> None:
    """Until stopped: by SIGTERM once what has begun is done."""
    kind = QUEUES[queue]
    if settings().is_broker_postgresql:
        with suppress(psycopg.Error):  # the worker waits for the primary; this does not
            database.discard_expired(queue)
    app.conf.broker_transport_options = transport_options(settings(), queue)
    app.worker_main(
        [
            *("--quiet", "worker"),
            *("--queues", queue),
            *("--hostname", f"{queue}@%h"),
            *("--pool", kind.pool, "--concurrency", str(kind.concurrency)),
            *("--loglevel", "WARNING"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
