"""`python -m api`: serve until stopped."""

import asyncio
import contextlib
import resource
import sys
from collections.abc import Iterator

import uvicorn
import uvloop
from starlette.types import ASGIApp

from api.app import Application
from api.connection import Connection
from api.front import Front
from common import logs
from common.settings import Settings, settings


class _AdminServer(uvicorn.Server):
    """Lives as long as the API's server, whose signals it leaves alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _allow_files(connections: int) -> None:
    """Let the process hold so many connections, and as many files again for all else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _traced(application: Application, otlp_endpoint: str | None) -> ASGIApp:
    """The application, traced where there is somebody to tell."""
    if otlp_endpoint is None:
        return application
    from api.telemetry import Traced

    return Traced(application, application.servers, otlp_endpoint)


async def _serve(known: Settings) -> None:
    _allow_files(known.api_connections)
    application = Application(known)
    api = Front(
        uvicorn.Config(
            _traced(application, known.otlp_endpoint),
            host=known.api_host,
            port=known.api_port,
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # the query string of a GET holds positions
            server_header=False,
            proxy_headers=bool(known.trusted_proxies),
            forwarded_allow_ips=known.trusted_proxies,
        ),
        application.traffic,
        known.drain_s,
    )
    admin = _AdminServer(
        uvicorn.Config(
            application.admin,
            host=known.admin_host,
            port=known.admin_port,
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
    # Both ports are taken before anything starts: a port in use ends the process at once.
    sockets = [server.config.bind_socket() for server in (api, admin)]
    watched = asyncio.create_task(admin.serve(sockets=sockets[1:]))
    await api.serve(sockets=sockets[:1])
    admin.should_exit = True
    await watched


def main() -> None:
    """Serve on the addresses of the settings."""
    logs.configure()
    known = settings()
    if known.connections_per_process < 2:
        print(
            f"saferoute: {known.database_connections} connections for {known.api_processes} "
            "processes and one that asks leave less than 3 each (SAFEROUTE_DATABASE_CONNECTIONS, "
            "SAFEROUTE_API_PROCESSES): one watches, one is for calls that go first, one for others",
            file=sys.stderr,
        )
        raise SystemExit(2)
    uvloop.run(_serve(known))


if __name__ == "__main__":
    main()
