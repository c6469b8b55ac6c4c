"""report --follow: on a terminal in place, elsewhere one below the other, through whatever befalls the database."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command import clean_environment, run
from conftest import Client, Inject
from inbox import Copy, copies

from pixeltrack.setup import Workspace

QUICK = ("--db", "t.db", "report", "--follow", "--every", "0.1")


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example", "cyd@x.example"))


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Window:
    """The command on a terminal of a size; ``screen`` is what would be seen on it now."""

    def __init__(self, folder: Path, *argv: str, columns: int = 100, lines: int = 30) -> None:
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        environment = clean_environment() | {"TERM": "xterm-256color"}
        environment = {k: v for k, v in environment.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", *argv],
            **{"cwd": folder, "stdin": slave, "stdout": slave, "stderr": slave},
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.raw = ""

    def resize(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self) -> None:
        while select.select([self.master], [], [], 0.02)[0]:
            try:
                self.raw += os.read(self.master, 65_536).decode("utf-8", "ignore")
            except OSError:  # the program has ended
                return

    @property
    def screen(self) -> list[str]:
        """Replay the last writing: it begins at the top left, and clears what it does not write over."""
        self.read()
        frame = self.raw.rpartition("\x1b[H")[2]
        return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in frame.split("\r\n")]

    def shows(self, pattern: str) -> bool:
        return re.search(pattern, "\n".join(self.screen)) is not None

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.read()
        os.close(self.master)
        return code


@pytest.fixture
def windows() -> Iterator[list[Window]]:
    made: list[Window] = []
    yield made
    for window in made:
        if window.process.poll() is None:
            window.process.kill()


def test_the_screen_keeps_up_with_what_comes_in(
    workspace: Workspace, client: Client, mail: list[Copy], windows: list[Window], tmp_path: Path
) -> None:
    window = Window(tmp_path, *QUICK, "--campaign", "spring")
    windows.append(window)
    wait_for(lambda: window.shows(r"Clicks +0 +0"))
    client.get(mail[0].click(1))
    wait_for(lambda: window.shows(r"Clicks +1 +1"))
    client.get(mail[1].click(1))
    wait_for(lambda: window.shows(r"Clicks +2 +2"))
    assert "\x1b[2J" not in window.raw.split("\x1b[H", 2)[2], "what is on the screen is not cleared first"
    assert "\x1b[?1049h" in window.raw
    assert window.end() == 0
    left = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", window.raw.rpartition("\x1b[?1049l")[2])
    assert re.search(r"Clicks +2 +2", left), "the last figures stay in the terminal"
    assert "Traceback" not in window.raw


def test_it_fits_into_any_window_and_says_what_is_below(
    workspace: Workspace, client: Client, mail: list[Copy], windows: list[Window], tmp_path: Path
) -> None:
    client.get(mail[0].click(1))
    window = Window(tmp_path, *QUICK, "--campaign", "spring", columns=34, lines=12)
    windows.append(window)
    wait_for(lambda: window.shows("lines more below"))
    for columns, lines in ((34, 12), (80, 24), (20, 5), (200, 60)):
        window.resize(columns, lines)
        wait_for(lambda lines=lines: len(window.screen) == lines)  # type: ignore[misc]
        wait_for(lambda columns=columns: max(map(len, window.screen)) > columns // 3)  # type: ignore[misc]
        assert max(map(len, window.screen)) <= columns
    assert window.end(signal.SIGTERM) == 0


def test_a_database_that_is_gone_is_a_note_and_it_goes_on_when_it_is_back(
    workspace: Workspace, client: Client, mail: list[Copy], windows: list[Window], tmp_path: Path
) -> None:
    window = Window(tmp_path, *QUICK, columns=120)
    windows.append(window)
    wait_for(lambda: window.shows(r"spring"))
    workspace.store.close()
    client.app.recorder.close()
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    for name in ("t.db", "t.db-wal", "t.db-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"away-{name}")
    wait_for(lambda: window.shows(r"not counted again: the database \S*t\.db is gone"))
    assert window.shows("spring"), "what was counted stays"
    for path in tmp_path.glob("away-*"):
        path.rename(tmp_path / path.name.removeprefix("away-"))
    wait_for(lambda: not window.shows("not counted again"))
    assert window.end() == 0


def test_a_locked_database_is_a_note(
    workspace: Workspace, client: Client, mail: list[Copy], windows: list[Window], tmp_path: Path
) -> None:
    window = Window(tmp_path, *QUICK, "--campaign", "spring", columns=160)
    windows.append(window)
    wait_for(lambda: window.shows(r"Clicks +0"))
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as other:
        client.get(mail[0].click(1))
        other.execute("begin immediate")
        wait_for(lambda: window.shows(r"new hits are not judged, and not counted yet: .*locked"))
        assert window.shows(r"Clicks +0")
        other.execute("rollback")
        wait_for(lambda: window.shows(r"Clicks +1") and not window.shows("not judged"))
    assert window.end() == 0


def test_in_a_pipe_each_change_is_printed_once(
    workspace: Workspace, client: Client, mail: list[Copy], tmp_path: Path
) -> None:
    out = tmp_path / "said.jsonl"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", *QUICK, "--campaign", "spring", "--json"],
            **{"cwd": tmp_path, "stdout": file, "stderr": subprocess.PIPE, "env": clean_environment()},
        )
    try:
        for number, copy in enumerate(mail, start=1):
            wait_for(lambda number=number: out.read_bytes().count(b"\n") == number)  # type: ignore[misc]
            client.get(copy.click(1))
        wait_for(lambda: out.read_bytes().count(b"\n") == 4)
        time.sleep(0.5)  # nothing comes: nothing is printed
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, b"")
    values = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [value["clicks"]["unique"] for value in values] == [0, 1, 2, 3]


def test_every_report_can_be_followed(
    workspace: Workspace, client: Client, mail: list[Copy], windows: list[Window], tmp_path: Path
) -> None:
    window = Window(tmp_path, *QUICK, "--campaign", "spring", "--by", "device")
    windows.append(window)
    wait_for(lambda: window.shows("spring"))
    client.get(mail[0].click(1))
    wait_for(lambda: window.shows(r"desktop +.*1"))
    assert window.end() == 0


def test_an_empty_database_is_waited_in(
    workspace: Workspace, inject: Inject, windows: list[Window], tmp_path: Path
) -> None:
    window = Window(tmp_path, *QUICK)
    windows.append(window)
    wait_for(lambda: window.shows("no campaign yet"))
    inject("ann@x.example")
    wait_for(lambda: window.shows(r"spring +.*1"))
    assert window.end() == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--follow", "--csv"), "leave out --html and --csv"),
        (("--follow", "--html", "page.html"), "leave out --html and --csv"),
        (("--every", "3"), "--every is for --follow"),
        (("--follow", "--every", "0"), "0.1<=x<=3600"),
        (("--follow", "--campaign", "sprng"), "no such campaign: 'sprng'"),
    ],
)
def test_what_cannot_be_followed_is_said_at_once(
    workspace: Workspace, inject: Inject, tmp_path: Path, argv: tuple[str, ...], said: str
) -> None:
    inject("ann@x.example")
    told = run(tmp_path, "--db", "t.db", "report", *argv)
    assert told.code in (1, 2)
    assert said in told.err
