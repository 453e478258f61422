"""The supervisor of the local profile: a supervisord per state folder, spoken to by its socket."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from supervisor.xmlrpc import Faults, SupervisorTransport

from common.settings import REPOSITORY
from ops.errors import OperatorError

TEMPLATES = REPOSITORY / "deploy" / "local"
_SECONDS_TO_START = 60  # more than a worker takes to begin
_LOG_END = 2**16  # bytes of a log in which a start is looked for
_SECONDS_TO_STOP = 90  # more than the longest stopwaitsecs


def configuration(**values: object) -> str:
    """What supervisord is started with: which programs there are, and how they are started."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is no HTML
    )
    templates.filters["literal"] = lambda value: str(value).replace("%", "%%")
    return templates.get_template("supervisord.conf.j2").render(values)


@dataclass(frozen=True)
class Process:
    """One program of the profile as supervisord sees it."""

    name: str
    state: str
    pid: int
    seconds: int

    @property
    def runs(self) -> bool:
        """Whether it is up, or on its way."""
        return self.state in ("RUNNING", "STARTING", "BACKOFF")


@dataclass(frozen=True)
class Supervisor:
    """The supervisord whose socket, pid file and logs are in `folder`."""

    folder: Path
    inside: tuple[str, ...] = ()
    """What its command begins with: where it runs, if not here."""

    @property
    def runs(self) -> bool:
        """Whether it answers."""
        try:
            self._call("getState")
        except (OSError, HTTPException):
            return False
        return True

    @property
    def configuration(self) -> str | None:
        """What it was last started with."""
        path = self._configuration_file
        return path.read_text() if path.exists() else None

    @property
    def _configuration_file(self) -> Path:
        return self.folder / "supervisord.conf"

    def start(
        self, configuration: str, variables: Mapping[str, str], without: Collection[str] = ()
    ) -> None:
        """Start it in the background; its programs get the variables, and ours but for some."""
        (self.folder / "logs").mkdir(exist_ok=True)
        self._configuration_file.write_text(configuration)
        process = subprocess.run(
            [
                *(*self.inside, sys.executable, "-m", "supervisor.supervisord"),
                *("-c", str(self._configuration_file)),
            ],
            cwd=self.folder,
            env={**_but(os.environ, without), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            reason = (process.stderr or process.stdout).strip().splitlines()
            raise OperatorError(f"supervisord did not start: {reason[-1] if reason else 'why?'}")
        deadline = time.monotonic() + 15
        while not self.runs:
            if time.monotonic() > deadline:
                raise OperatorError(f"supervisord does not answer; see {self.log('supervisor')}")
            time.sleep(0.05)

    def stop(self, at_once: Iterable[str] = ()) -> None:
        """Stop every program, the last one started first, then supervisord itself.

        One after the other, but for those that may end `at_once`.
        """
        for name in at_once:
            self.stop_process(name, wait=False)
        self._call("shutdown")
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while (self.folder / "supervisor.pid").exists():
            if time.monotonic() > deadline:
                raise OperatorError(f"supervisord does not stop; see {self.log('supervisor')}")
            time.sleep(0.05)

    def update(self, configuration: str) -> None:
        """Have the programs that a configuration says; those that stay as they are run on.

        What is new is not started yet.
        """
        self._configuration_file.write_text(configuration)
        running = [process.name for process in self.processes() if process.runs]
        [[added, changed, removed]] = self._call("reloadConfig")
        for group in (*changed, *removed):
            self._call("stopProcessGroup", group)
            self._call("removeProcessGroup", group)
        for group in (*changed, *added):
            self._call("addProcessGroup", group)
        for name in running:
            if name.partition("-")[0] in changed:
                self.start_process(name)

    def start_process(self, name: str) -> bool:
        """Start a program without waiting for it; whether it was down."""
        try:
            self._call("startProcess", _in_group(name), False)
        except Fault as fault:
            if fault.faultCode == Faults.ALREADY_STARTED:
                return False
            raise OperatorError(f"{name} does not start: {fault.faultString}") from fault
        return True

    def stop_process(self, name: str, *, wait: bool = True) -> None:
        """Stop a program and wait until it has ended; nothing happens where it is down."""
        try:
            self._call("stopProcess", _in_group(name), wait)
        except Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def signal_process(self, name: str, signal: str) -> None:
        """Send a signal, such as HUP, to a program that runs."""
        self._call("signalProcess", _in_group(name), signal)

    def process(self, name: str) -> Process:
        """The state of one program."""
        return _process(self._call("getProcessInfo", _in_group(name)))

    def processes(self) -> list[Process]:
        """The state of every program, in the order they start."""
        return [_process(entry) for entry in self._call("getAllProcessInfo")]

    def is_working(self, name: str) -> bool:
        """Whether a program runs; a worker also has to have said that it takes work."""
        process = self.process(name)
        if process.state != "RUNNING" or not name.startswith("worker-"):
            return process.state == "RUNNING"
        # The log of one that has run for long may have been rotated.
        return process.seconds > _SECONDS_TO_START or self._has_said_ready(process)

    def has_failed(self, name: str) -> bool:
        """Whether a program that was started has ended, and is not started again."""
        return not self.process(name).runs

    def last_words(self, name: str) -> str:
        """How a program is, and what it has last said."""
        path = self.log(name)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        last = lines[-1] if lines else "it said nothing"
        return f"{self.process(name).state.lower()}: {last} (see {path})"

    def _has_said_ready(self, process: Process) -> bool:
        with self.log(process.name).open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LOG_END))
            lines = stream.read().decode(errors="replace").splitlines()
        said = f'"message":"ready","pid":{process.pid}}}'
        return any(line.endswith(said) for line in lines)

    def wait(self, name: str, is_there: Callable[[], bool], seconds: float = 60) -> None:
        """Return once a started program is of use; an error with its last words if it never is."""
        deadline = time.monotonic() + seconds
        while not is_there():
            if self.has_failed(name) or time.monotonic() > deadline:
                raise OperatorError(f"{name} is {self.last_words(name)}")
            time.sleep(0.1)

    def log(self, name: str) -> Path:
        """The log file of a program, or of `supervisor`."""
        return self.folder / "logs" / f"{name}.log"

    def _call(self, method: str, *arguments: object) -> Any:
        # The socket's name is relative: see the configuration.
        with contextlib.chdir(self.folder):
            transport = SupervisorTransport(serverurl="unix://supervisor.sock")
            try:
                proxy = ServerProxy("http://127.0.0.1", transport=transport)
                return getattr(proxy.supervisor, method)(*arguments)
            finally:
                transport.close()


def _but(mapping: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in mapping.items() if name not in names}


def _in_group(name: str) -> str:
    """What supervisord calls it: `redis-1` is one of the programs of `redis`."""
    return f"{name.partition('-')[0]}:{name}"


def _process(entry: Mapping[str, Any]) -> Process:
    is_up = entry["pid"] != 0
    return Process(
        name=entry["name"],
        state=entry["statename"],
        pid=entry["pid"],
        seconds=entry["now"] - entry["start"] if is_up else 0,
    )
