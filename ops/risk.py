"""The risk of streets, made anew by the commands that change crimes."""

import psycopg

from ops.progress import bar


def refresh(connection: psycopg.Connection) -> None:
    """Crimes that left or came back; where there are none, this is over at once."""
    with bar("Refreshing the risk"):
        connection.execute("select core.refresh_risk()")
