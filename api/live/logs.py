"""What picows has to say."""

import logging
from typing import Any


class Quiet(logging.LoggerAdapter[logging.Logger]):
    """Its errors without their texts, which may hold what a client has sent.

    An adapter, since picows would make a logger for each connection (1.5 kB) of a plain one.
    """

    def __init__(self) -> None:
        """One for all connections."""
        super().__init__(logging.getLogger("saferoute.live"), {})

    def log(self, level: int, msg: object, *_args: object, **_options: Any) -> None:
        """Only that something was wrong: the client is told what, by its close code."""
        if level >= logging.ERROR:
            self.logger.log(level, "picows: %s", str(msg).partition(":")[0])
