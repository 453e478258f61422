import psycopg

from common.settings import Settings
from ops.reference import DIRECTORY, analytics_page, environment_page, errors_page


def test_errors_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "errors.md").read_text() == errors_page(db), "run `saferoute reference`"


def test_analytics_page_is_up_to_date(db: psycopg.Connection) -> None:
    assert (DIRECTORY / "analytics.md").read_text() == analytics_page(db), (
        "run `saferoute reference`"
    )


def test_environment_page_is_up_to_date() -> None:
    assert (DIRECTORY / "environment.md").read_text() == environment_page()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())
