"""`python -m api`: serve until stopped."""

import asyncio

import uvicorn
import uvloop
from starlette.types import ASGIApp

from api.app import Application
from api.connection import Connection
from api.front import Front
from api.process import AdminServer, allow_files, check_connections
from common import logs, tls
from common.settings import Settings, settings


def _traced(application: Application, otlp_endpoint: str | None) -> ASGIApp:
    """The application, traced where there is somebody to tell."""
    if otlp_endpoint is None:
        return application
    from api.telemetry import Traced

    return Traced(application, application.servers, otlp_endpoint)


async def _serve(known: Settings) -> None:
    allow_files(known.api_connections)
    application = Application(known)
    identity = tls.identity(known)
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
            ssl_context_factory=None if identity is None else lambda *_: identity,
        ),
        application.traffic,
        known.drain_s,
    )
    admin = AdminServer(application.admin, known)
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
    check_connections(known)
    tls.check(known)
    uvloop.run(_serve(known))


if __name__ == "__main__":
    main()
