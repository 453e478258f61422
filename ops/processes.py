"""The processes of ours in the local profile: API, live gateways, workers and their clock."""

import urllib.error
import urllib.request
from dataclasses import dataclass, field

from common.settings import Settings

_COUNT = 2
"""API processes, live gateways, and workers that take alarms: of each so many."""


@dataclass(frozen=True)
class Process:
    """A Python process: what it is called, what it runs, where it listens."""

    name: str
    words: tuple[str, ...]
    """What `python -m` runs."""
    port: int | None = None
    admin_port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """Settings that only this process has."""

    @property
    def admin_url(self) -> str | None:
        """Where it tells how it is."""
        return None if self.admin_port is None else f"http://127.0.0.1:{self.admin_port}"

    @property
    def ready_url(self) -> str | None:
        """What answers 200 while it does its work; none for one that only its log tells of."""
        path = "ready" if self.port else "metrics"
        return None if self.admin_url is None else f"{self.admin_url}/{path}"


def answers(url: str) -> bool:
    """Whether an admin port says 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def processes(values: Settings) -> tuple[Process, ...]:
    """All of them. The ports of the second of a kind follow those of the first."""
    return (
        *(_api(values, number) for number in range(_COUNT)),
        *(_live(values, number) for number in range(_COUNT)),
        *(Process(f"worker-alarm-{number + 1}", ("worker", "alarm")) for number in range(_COUNT)),
        Process("worker-default", ("worker", "default")),
        Process("worker-bulk", ("worker", "bulk")),
        _beat(values),
    )


CONNECTED = 2 * _COUNT
"""How many share the connections to the database: API processes and live gateways."""


def _api(values: Settings, number: int) -> Process:
    port, admin_port = values.api_port + number, values.admin_port + number
    ports = {"SAFEROUTE_API_PORT": str(port), "SAFEROUTE_ADMIN_PORT": str(admin_port)}
    return Process(f"api-{number + 1}", ("api",), port, admin_port, ports)


def _live(values: Settings, number: int) -> Process:
    port, admin_port = values.live_port + number, values.admin_port + _COUNT + number
    ports = {"SAFEROUTE_LIVE_PORT": str(port), "SAFEROUTE_ADMIN_PORT": str(admin_port)}
    return Process(f"live-{number + 1}", ("api.live",), port, admin_port, ports)


def _beat(values: Settings) -> Process:
    port = values.admin_port + 2 * _COUNT
    ports = {"SAFEROUTE_WORKER_METRICS_PORT": str(port)}
    return Process("worker-beat", ("worker", "beat"), admin_port=port, environment=ports)
