"""The folder that stands for providers on a developer's machine."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from common.settings import Settings
from worker.channels import Message, RefusedError, TryAgainError
from worker.clients import channels_of


def message(channel: str = "sms") -> Message:
    return Message(
        channel, "+442079460018", "en", "", "Your code is 123456", str(uuid4()), datetime.now(UTC)
    )


def test_a_message_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    known = channels_of(Settings(outbox_directory=tmp_path / "outbox"))
    first = message()
    assert known.find(first) is None
    sent = known.send(first)
    assert known.find(first) == sent == known.send(first)
    [path] = (tmp_path / "outbox").iterdir()
    assert path.read_text() == "To: +442079460018\n\nYour code is 123456\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_it_and_without_a_provider_nothing_is_sent() -> None:
    with pytest.raises(RefusedError):
        channels_of(Settings()).send(message())


def test_a_provider_goes_before_it(tmp_path: Path) -> None:
    values = Settings(
        outbox_directory=tmp_path,
        smtp_url="smtp://127.0.0.1:1",
        mail_from="alarm@safe-route.org",
    )
    with pytest.raises(TryAgainError):
        channels_of(values).send(message("email"))
    assert list(tmp_path.iterdir()) == []
