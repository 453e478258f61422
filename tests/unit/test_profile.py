"""The settings of a local profile that was made by an earlier version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.settings import settings
from ops import local_replicas
from ops.errors import OperatorError
from ops.profile import open_profile


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Made when the API itself had the public address."""
    path = tmp_path / "saferoute.env"
    lines = {
        "SAFEROUTE_API_PORT": "28000",
        "SAFEROUTE_ISSUER": "http://127.0.0.1:28000",
        "SAFEROUTE_SERVERS": str(tmp_path / "servers"),
        "SAFEROUTE_OWNER_PASSWORD": "kept",
        "SAFEROUTE_SIGNING_KEYS_DIRECTORY": str(tmp_path / "keys"),
    }
    path.write_text("".join(f"{key}='{value}'\n" for key, value in lines.items()))
    monkeypatch.setenv("SAFEROUTE_ENV_FILE", str(path))
    settings.cache_clear()
    yield path
    settings.cache_clear()


def test_the_gateway_gets_the_address_that_was_the_apis(earlier: Path) -> None:
    profile = open_profile()
    assert profile.url == "http://127.0.0.1:28000"
    assert profile.gateway.api == ("127.0.0.1:28010", "127.0.0.1:28011")
    assert profile.gateway.live == ("127.0.0.1:28020", "127.0.0.1:28021")
    assert "SAFEROUTE_OWNER_PASSWORD='kept'" in earlier.read_text()
    assert open_profile() == profile


def test_a_port_that_is_given_twice_is_named(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEROUTE_LIVE_PORT", "28010")
    with pytest.raises(OperatorError, match="port 28010 is given to both api-1 and live-1"):
        open_profile()


def test_nothing_but_a_replica_is_taken_for_what_is_left_of_one(earlier: Path) -> None:
    profile = open_profile()
    names = ("replica2", "primary.before-20261124T024825Z", "../another", "backup")
    for name in names:
        (profile.servers / name).mkdir(parents=True)
        (profile.servers / name / "PG_VERSION").touch()
    assert [n for n in names if local_replicas.is_leftover(profile, n)] == ["replica2"]
