"""What holds for every provider."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fixtures.recorder import SERVICES
from tests.fixtures.twilio import ACCOUNT, NUMBER
from tests.integration.providers.messages import PHONE, a_message, settings_of, to
from worker.channels import Message, RefusedError, TryAgainError
from worker.clients import channels_of


def test_a_provider_that_hangs_holds_nobody_for_long(stand_ins, channels) -> None:
    messages = [to(stand_ins, channel) for channel in SERVICES]
    stand_ins.recorder.behave("hang")

    def outcome(message: Message) -> str:
        with pytest.raises(TryAgainError) as raised:
            channels.send(message)
        return raised.value.reason

    began = time.monotonic()
    with ThreadPoolExecutor(len(messages)) as threads:
        assert list(threads.map(outcome, messages)) == ["no answer in time"] * len(SERVICES)
    assert time.monotonic() - began < 9


def test_a_channel_that_is_not_configured_fails_clearly(stand_ins) -> None:
    nothing = {"twilio_auth_token": None, "smtp_url": None, "vapid_private_key": None}
    channels = channels_of(settings_of(stand_ins, **nothing))
    for channel in ("sms", "voice", "email", "web_push"):
        with pytest.raises(RefusedError, match=r"^channel not configured$"):
            channels.send(to(stand_ins, channel))
    channels.send(to(stand_ins, "webhook"))


def test_a_process_of_its_own_can_be_asked_what_came(stand_ins, channels) -> None:
    channels.send(a_message("sms", PHONE))
    [record] = httpx.get(f"{stand_ins.url}/records", params={"service": "sms"}).json()
    assert record["address"] == PHONE
    assert json.loads(httpx.get(f"{stand_ins.url}/behaviours").text)["behaviours"] == []
    assert NUMBER.startswith("+")
    assert ACCOUNT.startswith("AC")
