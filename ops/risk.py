"""The risk of streets, made anew by the commands that change crimes."""

import psycopg

from ops import upkeep
from ops.progress import bar


def refresh(connection: psycopg.Connection) -> None:
    """Crimes that left or came back; where there are none, this is over at once."""
    with bar("Refreshing the risk"):
        connection.execute("select core.refresh_risk()")


def refresh_risk() -> None:
    """Bring the risk of streets up to date with the crimes that have come in or gone.

    What changes crimes does so itself; this is for what was changed by hand.
    """
    with upkeep.connect() as connection:
        refresh(connection)
