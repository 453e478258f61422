"""The processes of the benchmark: what each has used, and how they are talked to."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A process on cores of its own that is told lines and answers with lines."""

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], cores: set[int]
    ) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def tell(self, order: Any) -> None:
        """Send a line: text as it is, anything else as JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write((order if isinstance(order, str) else json.dumps(order)) + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self._process.args!r} has ended"
        return line.strip()

    def expect(self, line: str) -> None:
        """Wait for this line."""
        heard = self.hear()
        assert heard == line, f"{self._process.args!r} said {heard}"

    def cpu(self) -> float:
        """Seconds of CPU it has used, in the kernel too."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> int:
        """Bytes that are resident."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> None:
        """Kill it, if it has not ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


@contextmanager
def started(*processes: Process) -> Iterator[tuple[Process, ...]]:
    """Processes that are killed at the end."""
    try:
        yield processes
    finally:
        for process in processes:
            process.end()
