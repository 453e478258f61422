"""Ports of this machine."""

import socket
import time

from ops.errors import OperatorError


def refuse_taken_ports(ports: dict[str, int], patience: float) -> None:
    """Raise an error that names the port if another program listens on one of `ports`.

    For `patience` seconds a port may still belong to a program of ours on its way out.
    """
    deadline = time.monotonic() + patience
    for name, port in ports.items():
        while not is_free(port):
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"port {port} ({name}) is taken by another program, perhaps by the profile of "
                    "another clone; nothing was started"
                )
            time.sleep(0.1)


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
