"""Replace the processes of ours one after another, under full load: `saferoute stack roll`.

Each is told to end (SIGTERM), says on `/ready` that it serves no more, answers what it was asked,
and is started again. The next one's turn comes once it is ready.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ops.errors import OperatorError
from ops.processes import answers

READY_S = 120
"""Seconds in which a new process becomes ready: 2 on an idle machine."""
_LOOK_S = 0.1


class Kind(StrEnum):
    """What can be replaced while it serves, in the order it is."""

    API = "api"
    LIVE = "live"
    WORKER = "worker"


class Keeper(Protocol):
    """What starts and stops programs on a host: supervisord, or systemd."""

    def start_process(self, name: str) -> bool:
        """Start it without waiting for it; whether it was down."""

    def stop_process(self, name: str) -> None:
        """Stop it and wait until it has ended."""

    def is_working(self, name: str) -> bool:
        """Whether it runs and, where it tells only its keeper, is ready."""

    def has_failed(self, name: str) -> bool:
        """Whether it was started and has ended."""

    def last_words(self, name: str) -> str:
        """How a program is that should run, and what it has last said."""


@dataclass(frozen=True)
class Member:
    """A process that can be replaced while others of its sort serve."""

    program: str
    keeper: Keeper
    url: str | None
    """What says 200 while it is ready; none for one that only its keeper knows about."""
    host: str | None = None

    @property
    def name(self) -> str:
        """What it is called among all."""
        return f"{self.program} on {self.host}" if self.host else self.program

    @property
    def kind(self) -> Kind:
        """What it is."""
        return Kind(self.program.partition("-")[0])

    @property
    def package(self) -> str:
        """Where its code is."""
        return "worker" if self.kind == Kind.WORKER else "api"

    @property
    def sort(self) -> str:
        """Shared with those who do the same: `worker-alarm`."""
        return self.program.rstrip("0123456789").rstrip("-")

    def is_ready(self) -> bool:
        """Whether it does its work."""
        return self.keeper.is_working(self.program) and (self.url is None or answers(self.url))


def roll(
    members: Sequence[Member], say: Callable[[str], None], others: Sequence[Member] = ()
) -> None:
    """Replace all of them, and none of the `others`. Raises OperatorError, and goes no further,
    where somebody is missing who would have to serve meanwhile, or a new process is of no use.
    """
    for member in members:
        _check_others(member, [*members, *others])
        begun = time.monotonic()
        member.keeper.stop_process(member.program)
        stopped = time.monotonic()
        start(member)
        ready = time.monotonic()
        say(f"{member.name}: ended in {stopped - begun:.1f} s, ready in {ready - stopped:.1f} s")


def start(member: Member) -> None:
    """Start it, and return once it is ready; an error with its last words if it never is."""
    member.keeper.start_process(member.program)
    deadline = time.monotonic() + READY_S
    while not member.is_ready():
        if member.keeper.has_failed(member.program) or time.monotonic() > deadline:
            words = member.keeper.last_words(member.program)
            raise OperatorError(f"{member.name} did not become ready: {words}")
        time.sleep(_LOOK_S)


def _check_others(member: Member, members: Sequence[Member]) -> None:
    others = [each for each in members if each.sort == member.sort and each != member]
    missing = [each.name for each in others if not each.is_ready()]
    if missing:
        raise OperatorError(
            f"{', '.join(missing)} is not ready: {member.name} has to go on serving"
        )
    # Work waits in its queue for a worker. Calls do not wait.
    if not others and member.kind != Kind.WORKER:
        raise OperatorError(f"{member.name} is the only one: nobody would serve meanwhile")
