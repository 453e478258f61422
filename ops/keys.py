"""`saferoute keys`: the keys that sign access tokens."""

import time
from datetime import UTC, datetime

import typer

from common import signing_keys
from common.settings import settings
from ops import upkeep
from ops.errors import OperatorError

app = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)


@app.command()
def rotate() -> None:
    """Add a key. It is published at once and signs from ten minutes later on.

    The first one signs at once. Keys whose last token has expired are removed. The API follows
    without a restart; with several hosts, copy the folder to the others within the ten minutes.
    """
    try:
        key = signing_keys.add(settings().signing_keys_directory)
    except (OSError, ValueError, KeyError) as error:
        raise OperatorError(f"the folder of the keys cannot be used: {error}") from error
    print(f"{key.kid} signs from {_time(key.signs_from)}")


@app.command("list")
def list_(as_json: upkeep.AsJson = False) -> None:
    """The keys that are published, and which of them signs."""
    try:
        keys = signing_keys.read(settings().signing_keys_directory)
    except (OSError, ValueError, KeyError) as error:
        raise OperatorError(f"the folder of the keys cannot be read: {error}") from error
    now = time.time()
    current = signing_keys.signing(keys, now)
    rows = [
        {
            "kid": key.kid,
            "signs from": _time(key.signs_from),
            "state": "signs" if key == current else "waits" if key.signs_from > now else "verifies",
        }
        for key in signing_keys.published(keys, now)
    ]
    upkeep.show(rows, as_json)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"
