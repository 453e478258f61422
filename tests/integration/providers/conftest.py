"""Stand-ins of all providers, and a worker's clients of them."""

from collections.abc import Iterator

import pytest

from tests.fixtures.stand_ins import StandIns
from tests.integration.providers.messages import settings_of
from worker.channels import Channels
from worker.clients import channels_of


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[StandIns]:
    with StandIns() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_recorded(stand_ins: StandIns) -> None:
    stand_ins.forget()


@pytest.fixture(scope="module")
def channels(stand_ins: StandIns) -> Channels:
    return channels_of(settings_of(stand_ins))
