"""What `/metrics` shows: docs/reference/metrics.md explains each; a test compares the two.

Names begin with saferoute_, units are seconds, bytes or plain numbers. Labels take few values:
functions that exist, servers of the settings, words of ours; never what a client sent.
"""

import platform
from importlib.metadata import version

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

# A time of birth for every series would double what is scraped.
disable_created_metrics()  # type: ignore[no-untyped-call]

DURATIONS = Histogram(
    "saferoute_request_duration_seconds",
    "Time from the headers of a request to its answer, by function and class of status.",
    ["function", "status"],
    # A light call takes 1 to 2 ms and a route 20 to 200; a wait for a connection ends after 2 s, a
    # call after 10. Each bucket is about twice the one before.
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge("saferoute_requests_in_flight", "Requests that are being answered.")
ERRORS = Counter(
    "saferoute_errors",
    "Requests answered with an error, by function and code; of PostgreSQL's codes the class.",
    ["function", "code"],
)
READS = Counter(
    "saferoute_reads",
    "Calls that only read, by the kind of server they were answered by.",
    ["server"],
)
REPLICA_WAITS = Counter(
    "saferoute_replica_waits",
    "Reads that waited for a standby to replay what their caller had written: it was reached, or "
    "came too late and the primary was asked.",
    ["outcome"],
)
WRITE_WAITS = Counter(
    "saferoute_write_waits",
    "Writes that may be sent again and waited for a primary: it came, and they were sent, or they "
    "were given up.",
    ["outcome"],
)
POOL_WAITS = Histogram(
    "saferoute_pool_wait_seconds",
    "Time that calls waited for a connection to PostgreSQL, where none was free.",
    buckets=(0.005, 0.02, 0.1, 0.25, 0.5, 1, 2),  # a wait ends after 2 s
)
GROUP_SIZES = Histogram(
    "saferoute_ingest_group_calls",
    "Small calls of record_points that were stored together, in one statement.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),  # 512 go at once
)
GROUP_SECONDS = Histogram(
    "saferoute_ingest_group_seconds",
    "Time to store small calls of record_points together.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
REPLAYS = Counter(
    "saferoute_idempotent_replays",
    "Writes with an Idempotency-Key that were answered as the first time.",
)
PUBLICATIONS = Counter(
    "saferoute_publications",
    "Messages for watchers: sent to Redis, or dropped, because it is gone or slow. Watchers then "
    "get them from the database.",
    ["outcome"],
)
CATALOGUE_READINGS = Counter(
    "saferoute_catalogue_readings", "Readings of the catalogue of functions.", ["outcome"]
)
LIMIT_DECISIONS = Counter(
    "saferoute_limit_decisions",
    "Calls that a rate limit admitted or refused, and where they were counted: redis, or process "
    "while Redis is gone.",
    ["class", "subject", "decision", "store"],
)
Info("saferoute_build", "Versions of the API and of Python.").info(
    {"version": version("safe-route"), "python": platform.python_version()}
)
