"""The progress bar of long work: on a terminal, and not when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pixeltrack.cli.common import Call

_FROM = 2_000  # steps; fewer are done before a bar could be read


@contextmanager
def progress(total: int | None, call: Call, what: str = "writing") -> Iterator[Callable[[int], None] | None]:
    """Yield what is called with the number of steps done so far, or None. total is None where not known.

    What is "writing" or "reading" is told each of its steps, of which the bar needs only some.
    """
    if call.quiet or not sys.stderr.isatty() or (total is not None and total < _FROM):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(
        what,
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=total)
        every = 100 if what in ("writing", "reading") else 1
        yield lambda done: bar.update(task, completed=done) if not done % every else None
