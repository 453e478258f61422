"""What `/metrics` shows of watchers: docs/reference/metrics.md explains each."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge(
    "saferoute_live_connections", "Watchers that are connected, by how.", ["transport"]
)
TOPICS = Gauge("saferoute_live_topics", "Topics that somebody watches here.")
UNHEARD = Gauge(
    "saferoute_live_unheard_topics",
    "Topics of which no Redis node tells at the moment: what happens there comes by the polls.",
)
MESSAGES = Counter("saferoute_live_messages", "Messages sent to watchers, by type.", ["type"])
CLOSED = Counter(
    "saferoute_live_closed", "Connections that were closed by the gateway, by close code.", ["code"]
)
READINGS = Counter(
    "saferoute_live_readings",
    "Questions to the database: the polls of alerts, states and shares, and those in between, "
    "because something was missing or somebody came; failed ones once more.",
    ["reason"],
)
