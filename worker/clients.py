"""The clients of outside services, as the settings have them."""

from collections.abc import Callable
from functools import cache

from common.settings import Settings, settings
from worker.budgets import Budget
from worker.channels import Channels, Client
from worker.mail import Mail
from worker.outbox import Outbox
from worker.outgoing import Outgoing
from worker.sms import Sms
from worker.twilio import PROVIDER, Account
from worker.voice import Voice
from worker.web_push import WebPush
from worker.webhook import Webhook


def channels_of(values: Settings) -> Channels:
    """Every channel; one that is not configured refuses what it is handed."""

    @cache
    def outgoing() -> Outgoing:
        return Outgoing(allows_loopback=values.loopback_endpoints)

    @cache
    def account() -> Account:
        return Account(values, outgoing(), Budget(values, PROVIDER, values.twilio_per_second))

    clients: dict[str, Callable[[], Client]] = {
        "sms": lambda: Sms(account()),
        "voice": lambda: Voice(account()),
        "email": lambda: Mail(values),
        "web_push": lambda: WebPush(values, outgoing()),
        "webhook": lambda: Webhook(outgoing()),
    }
    folder = values.outbox_directory
    if folder is not None:
        if values.twilio_account_sid is None:
            clients["sms"] = clients["voice"] = lambda: Outbox(folder)
        if values.smtp_url is None:
            clients["email"] = lambda: Outbox(folder)
    return Channels(clients)


@cache
def channels() -> Channels:
    """Made by the process that uses them."""
    return channels_of(settings())
