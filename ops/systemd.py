"""The programs of a real host, as systemd keeps them: see deploy/README.md."""

import subprocess
from dataclasses import dataclass

from ops.errors import OperatorError


@dataclass(frozen=True)
class Systemd:
    """The systemd of this host; a program `api-1` is its unit `saferoute-api-1.service`."""

    def start_process(self, name: str) -> bool:
        """Start a program without waiting for it; whether it was down."""
        was_down = self._asked("is-active", name) != "active"
        self._told("start", "--no-block", name)
        return was_down

    def stop_process(self, name: str) -> None:
        """Stop a program and wait until it has ended."""
        self._told("stop", name)

    def is_working(self, name: str) -> bool:
        """Whether it runs; a worker has told systemd that it takes work before that is said."""
        return self._asked("is-active", name) == "active"

    def has_failed(self, name: str) -> bool:
        """Whether it has ended and is not started again."""
        return self._asked("is-active", name) == "failed"

    def last_words(self, name: str) -> str:
        """How a program is, and what it has last said."""
        command = ["journalctl", "--unit", _unit(name), "--lines", "1", "--output", "cat"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return f"{self._asked('is-active', name)}: {said or 'it said nothing'}"

    def _asked(self, verb: str, name: str) -> str:
        command = ["systemctl", verb, _unit(name)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def _told(self, *words: str) -> None:
        *verb, name = words
        command = ["systemctl", *verb, _unit(name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise OperatorError(f"systemctl {' '.join(verb)} {_unit(name)}: {reason}")


def _unit(name: str) -> str:
    return f"saferoute-{name}.service"
