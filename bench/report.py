"""How a benchmark tells its result: a table for people, `result.json` for the record."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Result:
    """One measured figure. `ratio` is value over the value of `against`, the named peer;
    `goal` is what the figure (the ratio, where there is one) must reach, such as ">= 0.30".
    """

    measure: str
    value: float
    unit: str
    against: str | None = None
    ratio: float | None = None
    goal: str | None = None
    rounds: int = 1

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        comparison, bound = self.goal.split()
        figure = self.value if self.ratio is None else self.ratio
        return figure >= float(bound) if comparison == ">=" else figure <= float(bound)


def commit() -> str:
    """The commit that was measured, with `+` behind it where the code differed from it."""
    described = _git("rev-parse", "--short=12", "HEAD")
    recorded = (":!bench/*/result.json", ":!bench/*/runs.jsonl")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *recorded)
    return described + ("+" if changed else "")


def write_result(folder: Path, title: str, results: Sequence[Result]) -> None:
    """Print the results as a table and write them to `folder`/result.json."""
    show(title, results)
    measured = commit()
    entries = [asdict(result) | {"commit": measured} for result in results]
    (folder / "result.json").write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def show(title: str, results: Sequence[Result]) -> None:
    """Print the results as a table."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("measure", min_width=30)
    for heading in ("value", "unit"):
        table.add_column(heading, justify="right")
    table.add_column("against", min_width=20)
    for heading in ("ratio", "goal", "rounds"):
        table.add_column(heading, justify="right")
    for result in results:
        colour = {None: "", True: "[green]", False: "[red]"}[result.reached]
        table.add_row(
            result.measure,
            f"{result.value:,.4g}" if abs(result.value) < 1000 else f"{result.value:,.0f}",
            result.unit,
            result.against or "",
            "" if result.ratio is None else f"{result.ratio:.3g}",
            f"{colour}{result.goal}" if result.goal else "",
            str(result.rounds),
        )
    Console(width=None if sys.stdout.isatty() else 130).print(table)


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()
