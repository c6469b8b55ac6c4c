"""pixeltrack report --follow: figures that keep up with what comes in.

On a terminal they stand on a screen of their own, which is written over in place; elsewhere each change
is printed below the last. Looking costs a pragma while nothing has changed.
"""

from __future__ import annotations

import io
import json
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stderr, redirect_stdout
from datetime import datetime
from typing import Any, Protocol

import click
from rich.console import Console
from rich.text import Text

from pixeltrack.cli.common import Call
from pixeltrack.cli.progress import progress
from pixeltrack.cli.wanted import Report
from pixeltrack.errors import PixeltrackError, StoreError
from pixeltrack.setup import open_workspace
from pixeltrack.show.text import clean
from pixeltrack.spool import waiting_bytes
from pixeltrack.store import Store
from pixeltrack.verdicts import Progress

Show = Callable[[], None]

_BUSY_MS = 500  # another program may write; what is not judged now is judged at the next look
_LOOK = 0.2  # seconds between two looks at the size of the window
_AT_LEAST = 60.0  # seconds: alarms and such depend on the time, too


def follow_report(call: Call, report: Report, *, every: float, as_json: bool) -> None:
    """Show what a report makes of the database until Ctrl-C or SIGTERM; every is in seconds.

    A database that is locked or gone is a note, and what was counted before stays. Only what is wrong
    from the start, such as a name that no campaign has, raises PixeltrackError.
    """
    store = open_workspace(call.settings, create=False, busy_ms=_BUSY_MS, follow=True).store
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl-C
    console = Console(highlight=False)
    on_screen = console.is_terminal and not console.is_dumb_terminal and not as_json
    face: _Face = _Screen(console, every) if on_screen else _Stream(call, as_json)
    figures = Figures(call, store, report)
    try:
        with progress(store.unjudged() + report.steps(store), call, "counting") as tell:
            figures.count(tell)
        with face.opened():
            _follow(figures, face, every)
    except KeyboardInterrupt:
        pass
    finally:
        store.close()
    if on_screen and figures.show:  # what was seen last stays in the terminal
        figures.show()


def _follow(figures: Figures, face: _Face, every: float) -> None:
    while True:
        if figures.show:
            face.put(figures.show, figures.note)
        again = time.monotonic() + every
        while (left := again - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
            face.fit()
        figures.look()


class Figures:
    """What is shown: ``show`` prints the last counting; ``note`` says what it lacks, or is empty."""

    def __init__(self, call: Call, store: Store, report: Report) -> None:
        self._call, self._store, self._report = call, store, report
        self._version: tuple[int, ...] = ()
        self._until = 0.0
        self.show: Show | None = None
        self.note = ""

    def look(self) -> None:
        """Count again if there may be something to count."""
        try:
            if time.monotonic() > self._until or self._store.version() != self._version:
                self.count(None)
        except PixeltrackError as error:
            self._version = ()
            self.note = f"not counted again: {error.message}"

    def count(self, tell: Progress | None) -> None:
        notes: list[str] = []

        def failed(error: StoreError) -> None:
            notes.append(f"new hits are not judged, and not counted yet: {error.message}")

        version = self._store.version()  # before: what comes meanwhile is seen at the next look
        self.show = self._report.build(self._store, tell, failed)
        self._version = () if notes else version
        self._until = time.monotonic() + _AT_LEAST
        spooled = waiting_bytes(self._call.settings.db)
        if spooled:
            notes.append(f"{spooled:,} bytes of hits wait in a spool, and are not counted yet")
        self.note = "; ".join(notes)


class _Face(Protocol):
    def opened(self) -> AbstractContextManager[Any]: ...

    def put(self, show: Show, note: str) -> None:
        """Show figures, and a note unless it is empty."""

    def fit(self) -> None:
        """Show the same again if the window has another size."""


class _Stream:
    """Prints figures when they are others, and a note when it is another."""

    def __init__(self, call: Call, as_json: bool) -> None:
        self._call, self._as_json = call, as_json
        self._note = self._text = ""

    def opened(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def put(self, show: Show, note: str) -> None:
        if note and note != self._note:
            self._call.warn(note)
        self._note = note
        with redirect_stdout(io.StringIO()) as memory:
            show()
        text = memory.getvalue()
        if text == self._text:
            return
        if self._as_json:  # a line for each, for programs that read one value after the other
            click.echo(json.dumps(json.loads(text), ensure_ascii=False))
        else:
            if self._text:
                click.echo(f"\n{'─' * 20} {datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}\n")
            click.echo(text, nl=False)
        self._text = text

    def fit(self) -> None:
        pass


class _Screen:
    """Writes over what it has written before, line by line: nothing is cleared first, so nothing flickers."""

    def __init__(self, console: Console, every: float) -> None:
        self._console, self._every = console, every
        self._size = console.size
        self._show: Show = lambda: None
        self._note = ""
        self._lines: list[str] = []
        self._changed = datetime.now()
        self._frame = ""

    def opened(self) -> AbstractContextManager[Any]:
        return self._console.screen(hide_cursor=True)

    def put(self, show: Show, note: str) -> None:
        if show is not self._show:
            lines = self._print(show)
            if lines != self._lines:
                self._lines, self._changed = lines, datetime.now()
        self._show, self._note = show, note
        self.fit()
        self._write()

    def fit(self) -> None:
        if self._console.size != self._size:
            self._size, self._frame = self._console.size, ""
            self._lines = self._print(self._show)
            self._write()

    def _print(self, show: Show) -> list[str]:
        """Return the lines that would be printed."""
        memory = _Memory()
        with redirect_stdout(memory), redirect_stderr(memory):
            show()
        return memory.getvalue().splitlines()

    def _write(self) -> None:
        width, height = self._size
        room = max(height - 1, 1)
        shown = self._lines[:room]
        shown += [""] * (room - len(shown))
        below = len(self._lines) - room
        said = [f"changed {self._changed:%H:%M:%S}", f"looks every {self._every:g} s", "Ctrl-C ends"]
        if below > 0:
            said.insert(0, f"{below} lines more below")
        if self._note:
            said.insert(0, clean(self._note, 400))
        status = Text(" · ".join(said), style="bold yellow" if self._note else "dim", no_wrap=True)
        status.truncate(width, overflow="ellipsis")
        with self._console.capture() as captured:
            self._console.print(status, end="")
        # The rest of a line is cleared where there is one: behind the last column the last sign would go.
        written = [
            line if Text.from_ansi(line).cell_len >= width else line + "\x1b[K"
            for line in (*shown, captured.get())
        ]
        frame = "\x1b[H" + "\n".join(written)
        if frame != self._frame:
            self._frame = frame
            self._console.file.write(frame)
            self._console.file.flush()


class _Memory(io.StringIO):
    """Takes what is printed as the terminal would get it."""

    def isatty(self) -> bool:
        return True
