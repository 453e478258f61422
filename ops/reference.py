"""The reference pages that are made from what they describe: `saferoute reference`."""

from collections.abc import Iterator

import psycopg

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
_ENVIRONMENT = """\
# Environment variables

Made by `saferoute reference` from `common/settings.py`. A variable that is not in the environment
is read from the file that `SAFEROUTE_ENV_FILE` names (default `.local/saferoute.env`, written by
`make up`).

| variable | default | meaning |
|---|---|---|
"""


def reference() -> None:
    """Write docs/reference/errors.md (from the running database) and environment.md anew."""
    with psycopg.connect(settings().owner_conninfo) as connection:
        (DIRECTORY / "errors.md").write_text(errors_page(connection))
    (DIRECTORY / "environment.md").write_text(environment_page())


def errors_page(connection: psycopg.Connection) -> str:
    """Our own errors, by code."""
    rows = connection.execute(
        "select code, http_status, message, coalesce(hint, '') from core.error_codes order by code"
    )
    return _ERRORS + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def environment_page() -> str:
    """Every setting, in the order of the class."""
    return _ENVIRONMENT + "".join(_environment_rows())


def _environment_rows() -> Iterator[str]:
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        yield f"| `{prefix}{name.upper()}` | {default} | {field.description} |\n"
