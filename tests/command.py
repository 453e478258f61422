"""The `saferoute` command as an operator runs it."""

import os
import subprocess
import sys

import psycopg


def saferoute(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments; no environment file of the machine is read."""
    return subprocess.run(
        [sys.executable, "-c", "from ops.command import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SAFEROUTE_ENV_FILE": os.devnull, **environment},
    )


def owners_environment(db: psycopg.Connection) -> dict[str, str]:
    """What the command needs to work on this database as saferoute_owner, who gets a password."""
    db.execute("alter role saferoute_owner password 'owner'")
    db.commit()
    return {
        "SAFEROUTE_DATABASE_HOSTS": f"{db.info.host}:{db.info.port}",
        "SAFEROUTE_DATABASE": db.info.dbname,
        "SAFEROUTE_OWNER_PASSWORD": "owner",
    }
