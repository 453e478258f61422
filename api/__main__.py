"""`python -m api`: serve until stopped."""

import logging
import socket

import uvicorn

from api.app import Application
from common.settings import settings


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"listening on http://{self.config.host}:{self.config.port}", flush=True)


def main() -> None:
    """Serve on the address of the settings."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    known = settings()
    config = uvicorn.Config(
        Application(known),
        host=known.api_host,
        port=known.api_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # the query string of a GET holds positions
        server_header=False,
        proxy_headers=False,  # nobody asks for the client's address
        timeout_graceful_shutdown=10,
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
