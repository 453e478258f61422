"""What each run has shown, in a file: a run that is there is not made again."""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.report import commit

FILE = Path(__file__).parent / "runs.jsonl"


@dataclass(frozen=True)
class Run:
    """One run: people use the platform, and something happens to it, once or some times."""

    what: str
    failovers: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    """Of what was timed; by kind of call the longest time without a yes."""
    counts: dict[str, int] = field(default_factory=dict)
    """Of calls."""
    broken: dict[str, int] = field(default_factory=dict)
    """Rules of tests/ha/checker.py that were broken, and how often."""
    why: str = ""
    """What was said of them, or why the run did not end well."""
    load: float = 0
    """Of the machine: processes that wanted a core, in the minute before."""
    at: float = 0
    commit: str = ""


def known() -> list[Run]:
    """All that were made."""
    if not FILE.exists():
        return []
    return [Run(**json.loads(line)) for line in FILE.read_text().splitlines()]


def of(what: str) -> list[Run]:
    """Those of one kind."""
    return [run for run in known() if run.what == what]


def keep(run: Run) -> None:
    """Write it down."""
    told = asdict(run) | {
        "load": round(os.getloadavg()[0], 1),
        "at": round(time.time()),
        "commit": commit(),
    }
    with FILE.open("a") as stream:
        stream.write(json.dumps(told, ensure_ascii=False) + "\n")


def missing(wanted: dict[str, int]) -> list[str]:
    """What is still to be run, the kinds in turns."""
    left = {what: number - len(of(what)) for what, number in wanted.items()}
    turns = range(max(left.values(), default=0))
    return [what for turn in turns for what, number in left.items() if turn < number]


def values(runs: Iterable[Run], read: Callable[[Run], float | None]) -> list[float]:
    """What was read from each run that has it, in order."""
    return sorted(value for run in runs if (value := read(run)) is not None)


def spread(found: list[float]) -> str:
    """Least, median and most, for people."""
    return f"{found[0]:.1f} / {median(found):.1f} / {found[-1]:.1f}"
