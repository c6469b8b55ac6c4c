"""What every subject stands on: a campaign in a folder, hits of it, and a running ``pixeltrack serve``.

The program is driven from outside, over sockets, and judged by the rows of its database, so a subject
holds for whatever is inside.
"""

from __future__ import annotations

import atexit
import itertools
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from pixeltrack import keyfile

DATABASE = "t.db"
PERSON = "p@x.example"
DESTINATIONS = ("https://shop.example/a?x=1&y=2", "https://shop.example/b#part")
_MAIL = (
    "<html><body><p>Hello</p>"
    + "".join(f'<a href="{url.replace("&", "&amp;")}">there</a> ' for url in DESTINATIONS)
    + '<a href="pixeltrack:unsubscribe">Unsubscribe</a></body></html>'
)
_STARTED = re.compile(r"collecting on http://127\.0\.0\.1:(\d+)\b")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


class CannotRun(Exception):
    """A subject needs what is not here; the message says what."""


class CannotStart(Exception):
    """The program ended instead of listening; its words are the message."""


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment without what would configure pixeltrack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIXELTRACK_")}
    return kept | (more or {})


class Ground:
    """A folder with a campaign of two links. Each hit is a message of its own, known by its number.

    So a hit that is stored twice shows, and so does one that nobody made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / DATABASE
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "out").mkdir()
        (folder / "out" / "mail.html").write_text(_MAIL)
        (folder / "out" / "list.csv").write_text(f"email\n{PERSON}\n")
        command = (
            "-m pixeltrack -q --db t.db inject out/mail.html --recipients out/list.csv --campaign spring"
        )
        subprocess.run(
            [sys.executable, *command.split(), "--base-url", "https://track.example.com"],
            cwd=folder,
            env=environment(),
            check=True,
        )
        shutil.rmtree(folder / "out")  # only the store and its key are left
        self.numbers = itertools.count(1)
        with closing(sqlite3.connect(self.database)) as connection:
            (self.code,) = connection.execute("select code from campaigns").fetchone()
        (key,) = folder.glob("*.key")
        self.keyring = keyfile.load(key)
        self.keys = self.keyring.campaign(self.code)

    def hit(self, number: int) -> tuple[str, str | None]:
        """Return a hit's path, and where it redirects to; None for an open."""
        token = self.keys.message_token(number.to_bytes(8, "big"))
        link = number % 3
        if link == 0:
            return f"/o/{self.code}/{token}.gif", None
        return f"/c/{self.code}/{link}/{token}", DESTINATIONS[link - 1]

    def rows(self, folder: Path | None = None) -> Counter[int]:
        """Return how often each hit is in the store of this folder, or of a copy."""
        with closing(sqlite3.connect((folder or self.folder) / DATABASE, timeout=10)) as connection:
            return Counter(message for (message,) in connection.execute("select message from events"))

    def sound(self, folder: Path | None = None) -> bool:
        """Return whether SQLite finds nothing wrong with the store."""
        with closing(sqlite3.connect((folder or self.folder) / DATABASE)) as connection:
            return connection.execute("pragma integrity_check").fetchall() == [("ok",)]

    def spools(self) -> int:
        """Return how many bytes wait in spool files."""
        size = 0
        for path in self.folder.glob(f"{DATABASE}.spool*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        return size


class Serve:
    """``pixeltrack serve`` in a process group of its own, on a port that was free."""

    def __init__(self, folder: Path, options: Sequence[str] = (), more: dict[str, str] | None = None) -> None:
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", "--db", DATABASE, "serve", "--port", "0", *options],
            cwd=folder,
            env=environment(more),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(self.kill)  # also when a subject is interrupted
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if started := _STARTED.search(line):
                self.port = int(started[1])
                break
        else:
            self.process.wait()
            raise CannotStart("".join(self.said))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.said += self.process.stderr

    def kill(self) -> None:
        """Kill it and its workers with signal 9, if it has not ended and been waited for."""
        if self.process.returncode is None:  # else its number may be another's by now
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """Ask it to stop, and return its exit code; kill it when it takes more than half a minute."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def __enter__(self) -> Serve:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pids(self) -> list[int]:
        """The program's process and its workers'."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def memory(self) -> int:
        """Return the resident bytes of all its processes."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in self.pids)

    def open_files(self) -> int:
        """Return how many files and sockets its processes have open."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids)

    def cpu_seconds(self) -> float:
        """Return what its processes have used of the processor."""
        used = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
        return used / _TICK


def wait_for(done: Callable[[], bool], seconds: float) -> float | None:
    """Wait until something is true; return after how many seconds, or None when it never was."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if done():
            return time.monotonic() - started
        time.sleep(0.05)
    return None
