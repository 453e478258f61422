"""The registry of channels."""

from datetime import UTC, datetime

import pytest

from worker.channels import Channels, Message, RefusedError, Sent

SMS = Message("sms", "+442079460000", "en", "", "Hello", "key", datetime.now(UTC))


class Pigeon:
    def send(self, message: Message) -> Sent:
        return Sent("pigeon", message.idempotency_key)

    def find(self, message: Message) -> Sent | None:
        return None


def test_a_channel_that_is_not_configured_refuses_and_leaves_others_alone() -> None:
    channels = Channels({"email": Pigeon})
    for call in (channels.send, channels.find):
        with pytest.raises(RefusedError, match="channel not configured"):
            call(SMS)


def test_a_client_is_made_when_it_is_first_needed_and_kept() -> None:
    made: list[Pigeon] = []

    def pigeon() -> Pigeon:
        made.append(Pigeon())
        return made[-1]

    channels = Channels({"sms": pigeon})
    assert made == []
    assert channels.send(SMS) == Sent("pigeon", "key")
    assert channels.find(SMS) is None
    assert len(made) == 1


def test_what_is_private_is_not_in_what_is_printed() -> None:
    assert "+44" not in repr(SMS)
    assert "Hello" not in repr(SMS)
