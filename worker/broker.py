"""Tasks queued in PostgreSQL: kombu's transport `pgmq`, connected so that it follows the primary.

kombu rebuilds the connection string from host, port, user and password, which loses the rest of
it: after a failover it would read from a standby, which cannot hand out a message.
"""

from typing import Any

import psycopg
from kombu.transport import pgmq
from pgmq import PGMQueue
from psycopg_pool import ConnectionPool

_CONNECTIONS = 3
"""One reads, one second at a time; the others remove what is done."""
_PATIENCE_S = 5
"""For a connection; then the worker begins anew, and again, for as long as it takes."""


class Transport(pgmq.Transport):
    """The transport, with a pool of our own."""

    # What was the primary may come back as a standby.
    connection_errors = (
        *pgmq.Transport.connection_errors,
        psycopg.errors.ReadOnlySqlTransaction,
    )

    def _create_pgmq_client(self) -> PGMQueue:
        options = self.client.transport_options
        pool = ConnectionPool(
            options["conninfo"],
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_PATIENCE_S,
            reconnect_timeout=_PATIENCE_S,
            open=True,
            name="queues",
            # A message that is read or removed again does no harm: nothing waits for a standby.
            kwargs={"options": "-c synchronous_commit=off", "application_name": "saferoute queues"},
        )
        return PGMQueue(
            conn_string=options["conninfo"],
            vt=options["visibility_timeout"],
            init_extension=False,
            pool=pool,
        )

    def close_connection(self, connection: Any) -> None:
        """Close the pool too, which the client leaves to whoever made it."""
        client = self._pgmq_client
        super().close_connection(connection)
        if client is not None and client.pool is not None:
            client.pool.close()
