"""Bring the database of the settings up to date: schema, migrations, passwords, periods."""

import psycopg

from common.settings import settings
from ops import logins, migrate, schema
from ops.progress import step


def install() -> bool:
    """Install the schema or apply the migrations it lacks; whether there was anything to do."""
    values = settings()
    schema.create_database(values.admin_conninfo, values.database)
    changed = bool(list(migrate.apply(values.admin_conninfo)))
    with step("Roles and periods"):
        roles = {
            "saferoute_owner": "owner_password",
            "authenticator": "authenticator_password",
            "replicator": "replicator_password",
            "worker": "worker_password",
        }
        passwords = {role: logins.password(name) for role, name in roles.items()}
        if changed or not all(logins.signs_in(role, secret) for role, secret in passwords.items()):
            schema.set_passwords(values.admin_conninfo, passwords)
        with psycopg.connect(values.admin_conninfo) as connection:
            # Not part of the schema: of use only where the server has loaded its library.
            connection.execute("create extension if not exists pg_stat_statements schema public")
        with psycopg.connect(values.owner_conninfo) as connection:
            # Days go by between two runs, and positions need the period of their day.
            connection.execute("select core.ensure_partitions()")
    return changed
