"""The reference pages that are made from what they describe: `saferoute reference`."""

from collections.abc import Iterator
from typing import Any

import psycopg
import typer
from typer.cli import get_docs_for_click

from common.settings import REPOSITORY, Settings, settings

DIRECTORY = REPOSITORY / "docs" / "reference"
_ERRORS = """\
# Errors

Made by `saferoute reference` from the table `core.error_codes`.

An error is a JSON object of four keys: `code` (SQLSTATE or `PGRST...`), `message`, `details`,
`hint`. These are our own codes; [http.md](http.md) tells the others.

| code | HTTP | message | hint |
|---|---|---|---|
"""
_LIMITS = """\
# Rate limits

Made by `saferoute reference` from the table `core.rate_limits`: what is installed.
[Change a rate limit](../how-to/change-a-rate-limit.md) tells how to have others,
[rate limits](../explanations/rate-limits.md) how calls are counted.

A call is counted by its API key, else as the person, else by its IP address (of IPv6 the /64):
by the first of these that the class has a row for. A call that names a phone number or an e-mail
address is counted by that too. There is no window in which more than a hard limit is admitted.
A class that is not listed is not limited.

| class | counted by | calls | within | |
|---|---|---|---|---|
"""
_AMOUNTS = """
select class, subject, amount, window_s || ' s', case when is_hard then 'hard' else '' end
from core.rate_limits
where api_key_id is null
order by class, array_position('{api_key,user,ip,address}', subject)
"""
_ENVIRONMENT = """\
# Environment variables

Made by `saferoute reference` from `common/settings.py`. A variable that is not in the environment
is read from the file that `SAFEROUTE_ENV_FILE` names (default `.local/saferoute.env`, written by
`make up`).

| variable | default | meaning |
|---|---|---|
"""
_ANALYTICS = """\
# Views for analysts

Made by `saferoute reference` from the comments of the schema `analytics`.
[Give analysts a door](../how-to/give-analysts-a-door.md) tells how to get there.
"""
_ROLES = """\
# Roles

Made by `saferoute reference` from the catalogue. What each cannot do is told in
[`tests/sql/personas`](../../tests/sql/personas).

A token names `role`; only roles that `authenticator` may become are taken. *Reads* and *writes*
name tables and views that the role itself has rights to, to the whole or to some columns. A
function of `api` runs as `saferoute_api`, whose rows are those of the person who calls.
"""
_COMMANDS = """

Made by `saferoute reference` from what every command says with `--help`.
"""
_VIEWS = """
select c.oid::regclass::text, obj_description(c.oid, 'pg_class')
from pg_class as c
where c.relnamespace = 'analytics'::regnamespace and c.relkind = 'v'
order by 1
"""
_ROLE = """
select
    r.rolname,
    shobj_description(r.oid, 'pg_authid'),
    case when r.rolreplication then 'for replication' when r.rolcanlogin then 'yes' else 'no' end,
    (
        select split_part(c, '=', 2)
        from unnest(r.rolconfig) as c
        where c like 'statement_timeout=%%'
    ),
    array(
        select m.rolname from pg_auth_members as a inner join pg_roles as m on m.oid = a.roleid
        where a.member = r.oid order by 1
    )
from pg_roles as r
where r.rolname = any(%s)
order by array_position(%s, r.rolname::text)
"""
_ROLE_NAMES = [
    *("web_anon", "authenticated", "integrator", "analyst", "operator", "worker"),
    *("authenticator", "replicator", "saferoute_api", "saferoute_auth", "saferoute_ingest"),
    *("saferoute_live", "saferoute_tasks"),
    "saferoute_owner",
]
_CALLS = """
select p.oid::regproc::text
from pg_proc as p
where p.pronamespace = any(%(schemas)s::regnamespace[])
    and p.proowner <> %(role)s::regrole
    and has_schema_privilege(%(role)s::regrole, p.pronamespace, 'usage')
    and has_function_privilege(%(role)s::regrole, p.oid, 'execute')
order by 1
"""
_TABLES = """
select c.oid::regclass::text
from pg_class as c
where c.relnamespace = any(%(schemas)s::regnamespace[])
    and c.relkind in ('r', 'p', 'v') and not c.relispartition
    and c.relowner <> %(role)s::regrole
    and has_schema_privilege(%(role)s::regrole, c.relnamespace, 'usage')
    and (
        has_table_privilege(%(role)s::regrole, c.oid, %(right)s)
        or has_any_column_privilege(%(role)s::regrole, c.oid, %(right)s)
    )
order by 1
"""
_SCHEMAS = ["api", "auth", "live", "tasks", "core", "ops", "analytics"]
_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
from pg_attribute as a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


def reference(context: typer.Context) -> None:
    """Write the pages anew: errors, limits and analytics (from the database), the others."""
    with psycopg.connect(settings().owner_conninfo) as connection:
        (DIRECTORY / "errors.md").write_text(errors_page(connection))
        (DIRECTORY / "limits.md").write_text(limits_page(connection))
        (DIRECTORY / "roles.md").write_text(roles_page(connection))
        (DIRECTORY / "analytics.md").write_text(analytics_page(connection))
    (DIRECTORY / "environment.md").write_text(environment_page())
    (DIRECTORY / "commands.md").write_text(commands_page(context.find_root().command))


def errors_page(connection: psycopg.Connection) -> str:
    """Our own errors, by code."""
    rows = connection.execute(
        "select code, http_status, message, coalesce(hint, '') from core.error_codes order by code"
    )
    return _ERRORS + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def limits_page(connection: psycopg.Connection) -> str:
    """The rate limits that are installed, by class."""
    rows = connection.execute(_AMOUNTS)
    return _LIMITS + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def analytics_page(connection: psycopg.Connection) -> str:
    """Every view for analysts, with its columns."""
    return _ANALYTICS + "".join(
        f"\n## {view}\n\n{meaning}\n\n| column | type | meaning |\n|---|---|---|\n"
        + "".join(f"| `{n}` | {t} | {m} |\n" for n, t, m in connection.execute(_COLUMNS, [view]))
        for view, meaning in connection.execute(_VIEWS).fetchall()
    )


def roles_page(connection: psycopg.Connection) -> str:
    """Every role: what it is for and what it may reach."""
    page = _ROLES
    for name, meaning, login, timeout, member_of in connection.execute(
        _ROLE, [_ROLE_NAMES, _ROLE_NAMES]
    ).fetchall():
        page += f"\n## {name}\n\n{meaning[0].upper()}{meaning[1:]}.\n\n| | |\n|---|---|\n"
        rows = {
            "signs in": login,
            "may become": ", ".join(f"`{role}`" for role in member_of),
            "a call may take": timeout,
        }
        if name == "saferoute_owner":
            rows["reads"] = rows["writes"] = "every table: they are its own"
        else:
            is_internal = name.startswith("saferoute_")
            calls = "" if is_internal else _names(connection, _CALLS, name)
            rows["calls"] = "what its functions need of schema `core`" if is_internal else calls
            rows["reads"] = _names(connection, _TABLES, name, "select")
            rows["writes"] = _names(connection, _TABLES, name, "insert, update")
        page += "".join(f"| {key} | {value} |\n" for key, value in rows.items() if value)
    return page


def _names(connection: psycopg.Connection, query: str, role: str, right: str = "") -> str:
    values = {"schemas": _SCHEMAS, "role": role, "right": right}
    return ", ".join(f"`{name}`" for (name,) in connection.execute(query, values))


def environment_page() -> str:
    """Every setting, in the order of the class."""
    return _ENVIRONMENT + "".join(_environment_rows())


def commands_page(command: Any) -> str:
    """The `saferoute` command and all below it, as their --help tells."""
    context = typer.Context(command, info_name="saferoute")
    pages: str = get_docs_for_click(obj=command, ctx=context, name="saferoute")
    return pages.replace("\n", _COMMANDS, 1)


def _environment_rows() -> Iterator[str]:
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        yield f"| `{prefix}{name.upper()}` | {default} | {field.description} |\n"
