"""What a long command shows while it works (on standard error) and when it has ended."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def progress() -> Progress:
    """Progress bars on standard error, gone when done; nothing where nobody watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


_ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say on standard error what is being done, then how long it took."""
    begun = time.monotonic()
    with _ERRORS.status(text):
        yield
    _ERRORS.print(f"[green]✓[/] {text} [dim]{time.monotonic() - begun:.1f} s[/]")


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """One bar; what is yielded moves it on by a number of rows."""
    with progress() as bars:
        task = bars.add_task(title, total=total)
        yield lambda number: bars.advance(task, number)


def print_summary(title: str, figures: Mapping[str, int | str], rejected: Counter[str]) -> None:
    """The closing summary of an import on standard output: figures, then rejects by reason."""
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for label, figure in figures.items():
        table.add_row(label, _shown(figure))
    table.add_row("rejected", _shown(rejected.total()))
    for reason, count in sorted(rejected.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"  {reason}", _shown(count))
    Console(soft_wrap=True).print(table)


def _shown(figure: int | str) -> str:
    return f"{figure:,}" if isinstance(figure, int) else figure
