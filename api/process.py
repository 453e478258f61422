"""What the processes that serve have in common."""

import contextlib
import resource
import sys
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from common.settings import Settings


class AdminServer(uvicorn.Server):
    """Lives as long as the server of the public port, whose signals it leaves alone."""

    def __init__(self, application: ASGIApp, settings: Settings) -> None:
        """It answers on the admin port of the settings."""
        super().__init__(
            uvicorn.Config(
                application,
                host=settings.admin_host,
                port=settings.admin_port,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


def allow_files(connections: int) -> None:
    """Let the process hold so many connections, and as many files again for all else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def check_connections(settings: Settings) -> None:
    """End the process where too few connections to the database are left for it."""
    if settings.connections_per_process < 2:
        print(
            f"saferoute: {settings.database_connections} connections for {settings.api_processes} "
            "processes and one that asks leave less than 3 each (SAFEROUTE_DATABASE_CONNECTIONS, "
            "SAFEROUTE_API_PROCESSES): one watches, one is for calls that go first, one for others",
            file=sys.stderr,
        )
        raise SystemExit(2)
