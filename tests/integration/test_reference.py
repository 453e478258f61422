import psycopg
from typer.main import get_command

from common.settings import Settings
from ops.command import app
from ops.reference import (
    DIRECTORY,
    analytics_page,
    commands_page,
    environment_page,
    errors_page,
    limits_page,
    roles_page,
)


def test_errors_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "errors.md").read_text() == errors_page(db), "run `saferoute reference`"


def test_limits_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "limits.md").read_text() == limits_page(db), "run `saferoute reference`"


def test_roles_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "roles.md").read_text() == roles_page(db), "run `saferoute reference`"


def test_analytics_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "analytics.md").read_text() == analytics_page(db), (
        "run `saferoute reference`"
    )


def test_environment_page_is_up_to_date() -> None:
    assert (DIRECTORY / "environment.md").read_text() == environment_page()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_commands_page_is_up_to_date() -> None:
    page = (DIRECTORY / "commands.md").read_text()
    assert page == commands_page(get_command(app)), "run `saferoute reference`"


def test_every_command_and_option_says_what_it_does() -> None:
    page = commands_page(get_command(app))
    assert not [line for line in page.splitlines() if line.startswith("* `") and ":" not in line]
