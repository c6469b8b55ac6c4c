"""pixeltrack report --follow: figures that keep up with what comes in.

On a terminal they stand on a screen of their own, which is written over in place; elsewhere each change
is printed below the last. Looking costs a pragma while nothing has changed.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, Protocol

import click
from rich.console import Console
from rich.text import Text

from pixeltrack.cli.common import Call
from pixeltrack.cli.progress import progress
from pixeltrack.errors import PixeltrackError, StoreError
from pixeltrack.figures import CampaignReport
from pixeltrack.setup import open_workspace
from pixeltrack.show import terminal
from pixeltrack.show.json import as_line
from pixeltrack.show.text import clean
from pixeltrack.spool import waiting_bytes
from pixeltrack.store import Store
from pixeltrack.verdicts import Progress

Result = CampaignReport | Sequence[CampaignReport]
Build = Callable[[Store, Progress | None, Callable[[StoreError], None]], Result]

_BUSY_MS = 500  # another program may write; what is not judged now is judged at the next look
_LOOK = 0.2  # seconds between two looks at the size of the window
_AT_LEAST = 60.0  # seconds: alarms and such depend on the time, too


def follow_report(call: Call, build: Build, *, every: float, as_json: bool) -> None:
    """Show what build makes of the database until Ctrl-C or SIGTERM; every is in seconds.

    A database that is locked or gone is a note, and what was counted before stays. Only what is wrong
    from the start, such as a name that no campaign has, raises PixeltrackError.
    """
    store = open_workspace(call.settings, create=False, busy_ms=_BUSY_MS, follow=True).store
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl-C
    try:
        with progress(store.unjudged(), call, "judging") as tell:
            figures = Figures(call, store, build, tell)
        console = Console(highlight=False)
        on_screen = console.is_terminal and not console.is_dumb_terminal and not as_json
        show: _Face = _Screen(console, every) if on_screen else _Stream(call, console, as_json)
        with show.opened():
            _follow(figures, show, every)
    except KeyboardInterrupt:
        pass
    finally:
        store.close()
    if isinstance(show, _Screen):  # what was seen last stays in the terminal
        print_result(console, figures.result)


def _follow(figures: Figures, show: _Face, every: float) -> None:
    show(figures.result, figures.note, new=True)
    while True:
        again = time.monotonic() + every
        while (left := again - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
            show.fit(figures.result, figures.note)
        new = figures.look()
        show(figures.result, figures.note, new=new)


class Figures:
    """What is shown: the ``result`` of the last counting, and a ``note`` on what it lacks, or nothing."""

    def __init__(self, call: Call, store: Store, build: Build, tell: Progress | None) -> None:
        self._call, self._store, self._build = call, store, build
        self._version: tuple[int, ...] = ()
        self._until = 0.0
        self.note = ""
        self.result = self._count(tell)

    def look(self) -> bool:
        """Count again if there may be something to count; return whether other figures came of it."""
        before = self.result
        try:
            if time.monotonic() < self._until and self._store.version() == self._version:
                return False
            self.result = self._count()
        except PixeltrackError as error:
            self._version = ()
            self.note = f"not counted again: {error.message}"
        return self.result != before

    def _count(self, tell: Progress | None = None) -> Result:
        notes: list[str] = []

        def failed(error: StoreError) -> None:
            notes.append(f"new hits are not judged, and not counted yet: {error.message}")

        version = self._store.version()  # before: what comes meanwhile is seen at the next look
        result = self._build(self._store, tell, failed)
        self._version = () if notes else version
        self._until = time.monotonic() + _AT_LEAST
        spooled = waiting_bytes(self._call.settings.db)
        if spooled:
            notes.append(f"{spooled:,} bytes of hits wait in a spool, and are not counted yet")
        self.note = "; ".join(notes)
        return result


def print_result(console: Console, result: Result) -> None:
    """Print one campaign's report, or all campaigns."""
    if isinstance(result, CampaignReport):
        terminal.show_report(console, result)
    elif result:
        terminal.show_overview(console, result)
    else:
        console.print("no campaign yet; pixeltrack inject makes one")


class _Face(Protocol):
    def opened(self) -> AbstractContextManager[Any]: ...

    def __call__(self, result: Result, note: str, *, new: bool) -> None:
        """Show figures; new is whether they are others than at the last call."""

    def fit(self, result: Result, note: str) -> None:
        """Show the same figures again if the window has another size."""


class _Stream:
    """Prints figures when they are others, and a note when it is another."""

    def __init__(self, call: Call, console: Console, as_json: bool) -> None:
        self._call, self._console, self._as_json = call, console, as_json
        self._note = ""
        self._first = True

    def opened(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def __call__(self, result: Result, note: str, *, new: bool) -> None:
        if note and note != self._note:
            self._call.warn(note)
        self._note = note
        if new:
            self._print(result)
            sys.stdout.flush()
        self._first = False

    def _print(self, result: Result) -> None:
        if self._as_json:
            click.echo(as_line(result))
            return
        if not self._first:
            self._console.print(f"\n{'─' * 20} {datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}\n")
        print_result(self._console, result)

    def fit(self, result: Result, note: str) -> None:
        pass


class _Screen:
    """Writes over what it has written before, line by line: nothing is cleared first, so nothing flickers."""

    def __init__(self, console: Console, every: float) -> None:
        self._console, self._every = console, every
        self._size = console.size
        self._lines: list[str] = []
        self._frame = ""
        self._changed = datetime.now()

    def opened(self) -> AbstractContextManager[Any]:
        return self._console.screen(hide_cursor=True)

    def __call__(self, result: Result, note: str, *, new: bool) -> None:
        size = self._console.size
        if new:
            self._changed = datetime.now()
        if new or size != self._size or not self._lines:
            self._lines = self._rendered(lambda console: print_result(console, result)).splitlines()
        self._size = size
        self._write(note)

    def fit(self, result: Result, note: str) -> None:
        if self._console.size != self._size:
            self(result, note, new=False)

    def _write(self, note: str) -> None:
        width, height = self._size
        room = max(height - 1, 1)
        shown = self._lines[:room]
        shown += [""] * (room - len(shown))
        below = len(self._lines) - room
        said = [f"changed {self._changed:%H:%M:%S}", f"looks every {self._every:g} s", "Ctrl-C ends"]
        if below > 0:
            said.insert(0, f"{below} lines more below")
        if note:
            said.insert(0, clean(note, 400))
        status = Text(" · ".join(said), style="bold yellow" if note else "dim", no_wrap=True)
        status.truncate(width, overflow="ellipsis")
        last = self._rendered(lambda console: console.print(status, end=""))
        # The rest of a line is cleared where there is one: behind the last column the last sign would go.
        written = [
            line if Text.from_ansi(line).cell_len >= width else line + "\x1b[K" for line in (*shown, last)
        ]
        frame = "\x1b[H" + "\n".join(written)
        if frame != self._frame:
            self._frame = frame
            self._console.file.write(frame)
            self._console.file.flush()

    def _rendered(self, show: Callable[[Console], None]) -> str:
        """Return what show prints, as this terminal would get it."""
        memory = Console(
            file=io.StringIO(),
            width=self._console.width,
            height=self._console.height,
            force_terminal=True,
            color_system=self._console.color_system,  # type: ignore[arg-type]
            no_color=self._console.no_color,
            highlight=False,
        )
        show(memory)
        return memory.file.getvalue()  # type: ignore[attr-defined, no-any-return]
