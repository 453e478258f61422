"""How the servers of the local profile are signed in to."""

import psycopg

from common.settings import settings
from ops.errors import OperatorError


def password(name: str) -> str:
    """The setting of this name; an error where it is not set."""
    secret = getattr(settings(), name)
    if secret is None:
        raise OperatorError(f"SAFEROUTE_{name.upper()} is not set")
    return str(secret.get_secret_value())


def server_conninfo(port: int) -> str:
    """One server of the profile, whatever its role, as the superuser."""
    return psycopg.conninfo.make_conninfo(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=password("admin_password"),
        dbname="postgres",
        connect_timeout=5,
        **settings().libpq_tls,
    )


def answers(conninfo: str) -> bool:
    """Whether a server lets us in; an error where it refuses the password."""
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise
        return False
    return True


def signs_in(role: str, secret: str, conninfo: str | None = None) -> bool:
    """Whether it can on the primary, or with what else `conninfo` says."""
    where = conninfo or psycopg.conninfo.make_conninfo(settings().admin_conninfo, dbname="postgres")
    try:
        psycopg.connect(where, user=role, password=secret).close()
    except psycopg.OperationalError:
        return False
    return True
