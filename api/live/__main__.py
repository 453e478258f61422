"""`python -m api.live`: serve watchers until stopped."""

import asyncio
import signal

import uvloop

from api.admin import Admin
from api.live.gateway import Gateway
from api.process import AdminServer, allow_files, check_connections
from common import logs, tls
from common.settings import Settings, settings


async def _serve(known: Settings) -> None:
    allow_files(known.live_connections)
    gateway = Gateway(known)
    backend = gateway.backend
    tells = Admin(backend.servers, backend.catalogue, backend.redis, gateway)
    admin = AdminServer(tells.application(), known)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    watched = asyncio.create_task(admin.serve(sockets=[admin.config.bind_socket()]))
    await gateway.open()
    scheme = "wss" if known.tls_certificate else "ws"
    print(f"listening on {scheme}://{known.live_host}:{known.live_port}", flush=True)
    await stopped.wait()
    await gateway.close()
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
