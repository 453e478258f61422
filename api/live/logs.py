"""What picows has to say."""

import logging
from typing import Any

_OF_CLIENTS = "WS parser error"


class Quiet(logging.LoggerAdapter[logging.Logger]):
    """Its errors without their texts, which may hold what a client has sent.

    An adapter, since picows would make a logger for each connection (1.5 kB) of a plain one.
    """

    def __init__(self) -> None:
        """One for all connections."""
        super().__init__(logging.getLogger("saferoute.live"), {})

    def log(self, level: int, msg: object, *_args: object, **_options: Any) -> None:
        """Only that something was wrong; not where a client was, who could fill the log with it and
        is told so by the close code.
        """
        what = str(msg).partition(":")[0]
        if level >= logging.ERROR and what != _OF_CLIENTS:
            self.logger.log(level, "picows: %s", what)
