"""A folder instead of a provider: where nothing is sent, a developer reads what would have been."""

from pathlib import Path

from worker.channels import Message, Sent

PROVIDER = "outbox"


class Outbox:
    """A client that writes each message to a file of its own, which only its owner may read."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made with the first message."""
        self._folder = folder

    def send(self, message: Message) -> Sent:
        """Write it; the same message again is written over."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{message.queued_at:%Y%m%dT%H%M%S}-{message.channel}-{message.idempotency_key}.txt"
        draft, path = self._folder / f".{name}", self._folder / name
        draft.touch(mode=0o600)
        subject = f"Subject: {message.subject}\n" if message.subject else ""
        draft.write_text(f"To: {message.address}\n{subject}\n{message.text}\n")
        draft.replace(path)
        return Sent(PROVIDER, message.idempotency_key)

    def find(self, message: Message) -> Sent | None:
        """Whether it has been written."""
        is_there = any(self._folder.glob(f"*-{message.idempotency_key}.txt"))
        return Sent(PROVIDER, message.idempotency_key) if is_there else None
