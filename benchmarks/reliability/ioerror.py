"""ioerror: the n-th call that changes or opens a file beside the database fails, for every n.

The program runs on a disk that can fail (disk.py). For each n and each kind of failure the same small
piece of work is done: hits are stored, spooled while another program holds the store, and taken up
again; n grows until the work is done with fewer calls. Promised: every hit is answered as always, and
afterwards, with the disk well again and no restart, every one is in the store, once. Then the same
again with the program killed right after the failure, and with the failure while it starts: what had
been acknowledged is in the store after the next start, once.
"""

from __future__ import annotations

import argparse
import errno
import socket
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from disk import SHORT, Control, build, environment
from ground import CannotStart, Ground, Serve, wait_for
from readers import Tally, read_answers, request, what_is_wrong

_ALL = 1 << 62
_RECOVERY_SECONDS = 10.0


@dataclass(frozen=True)
class _Failure:
    name: str
    error: int
    lasting: bool = False  # every call from the n-th on, until the disk is well again

    def arm(self, control: Control, n: int) -> None:
        control.arm(n, _ALL if self.lasting else n, self.error)


_FAILURES = (
    _Failure("EIO once", errno.EIO),
    _Failure("ENOSPC once", errno.ENOSPC),
    _Failure("a short write", SHORT),
    _Failure("EIO from then on", errno.EIO, lasting=True),
    _Failure("ENOSPC from then on", errno.ENOSPC, lasting=True),
)


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    tools = folder.parent
    library, control = build(tools), Control(tools / "control")
    more = environment(library, folder, control=control.path)
    ground, tally = Ground(folder), Tally()
    found: list[str] = []
    work = _Work(options, ground, tally, control, more)
    for name, part in (("running", _running), ("killed", _killed), ("starting", _starting)):
        if name not in options.io_parts:
            continue
        for failure in _FAILURES:
            if failure.lasting and part is _killed:
                continue  # with neither store nor spool hits wait in memory, which no kill survives
            most, broken = part(work, failure)
            print(
                f"  {name}, {failure.name}: n = 1 to {most}, {len(broken)} of them broke a promise",
                flush=True,
            )
            found += [f"{name}, {failure.name}, {each}" for each in broken]
    print(f"  {len(tally.asked):,} hits asked for, {len(tally.answered):,} acknowledged")
    return found


@dataclass
class _Work:
    options: argparse.Namespace
    ground: Ground
    tally: Tally
    control: Control
    more: dict[str, str]
    twice: set[int] = field(default_factory=set)  # hits of which it has been said

    def start(self) -> Serve:
        return Serve(self.ground.folder, self.options.serve, self.more)

    def numbers(self) -> range:
        return range(1, self.options.most_n + 1, self.options.every_n)

    def do(self, port: int) -> list[str]:
        """Ask for hits so that some are stored, some spooled and taken up; return what was not right."""
        wrong = self._ask(port, 3)
        with closing(sqlite3.connect(self.ground.database, isolation_level=None, timeout=10)) as other:
            other.execute("begin immediate")
            wrong += self._ask(port, 3)
        time.sleep(0.3)  # the program asks the store again only now and then
        return wrong + self._ask(port, 3)

    def _ask(self, port: int, count: int) -> list[str]:
        wrong = []
        for _ in range(count):
            number = next(self.ground.numbers)
            path, destination = self.ground.hit(number)
            self.tally.asked[number] = 0
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as connection:
                    connection.sendall(request(path))
                    head, body = next(read_answers(connection))
            except (OSError, EOFError) as error:
                wrong.append(f"no answer ({error or 'closed'})")
                continue
            if bad := what_is_wrong(head, body, destination):
                wrong.append(bad)
            elif b"X-Pixeltrack: not counted" in head:
                wrong.append("an open was not counted")
            else:
                self.tally.answered[number] = 0
        return wrong

    def settled(self, wait: float) -> list[str]:
        """Wait for every acknowledged hit to be stored; return what is wrong, and say it once."""
        rows: Counter[int] = Counter()

        def complete() -> bool:
            rows.clear()
            rows.update(self.ground.rows())
            return not self.tally.lost(rows)

        wait_for(complete, wait)
        for number in self.twice:
            rows[number] = 1
        broken = self.tally.broken_promises(rows, answers=False)
        self.twice |= {number for number, count in rows.items() if count > 1}
        for number in self.tally.lost(rows):
            del self.tally.answered[number]
        return broken


def _running(work: _Work, failure: _Failure) -> tuple[int, list[str]]:
    broken: list[str] = []
    n = 0
    serve = work.start()
    for n in work.numbers():
        failure.arm(work.control, n)
        wrong = work.do(serve.port)
        calls = work.control.disarm()
        if (code := serve.process.poll()) is not None:
            wrong.append(f"the program ended with {code}: {''.join(serve.said[-1:]).strip()}")
        wrong += work.settled(_RECOVERY_SECONDS)
        if wrong:
            broken.append(f"n = {n}: {'; '.join(wrong)}")
            serve.kill()
            serve = work.start()  # a fault of this n is none of the next
        if calls < n:
            break
    serve.stop()
    return n, broken


def _killed(work: _Work, failure: _Failure) -> tuple[int, list[str]]:
    broken: list[str] = []
    n = 0
    for n in work.numbers():
        serve = work.start()
        failure.arm(work.control, n)
        wrong = work.do(serve.port)
        serve.kill()
        calls = work.control.disarm()
        work.start().stop()
        wrong += work.settled(0.2)
        if wrong:
            broken.append(f"n = {n}: {'; '.join(wrong)}")
        if calls < n:
            break
    return n, broken


def _starting(work: _Work, failure: _Failure) -> tuple[int, list[str]]:
    broken: list[str] = []
    n = 0
    for n in work.numbers():
        with (
            work.start() as serve,
            closing(sqlite3.connect(work.ground.database, isolation_level=None)) as other,
        ):
            other.execute("begin immediate")
            wrong = work._ask(serve.port, 3)  # they are in the spool when it is killed
            serve.kill()
        failure.arm(work.control, n)
        try:
            work.start().kill()
        except CannotStart as ended:
            if "Traceback" in str(ended):
                wrong.append(f"a traceback: {str(ended).splitlines()[-1]}")
        calls = work.control.disarm()
        work.start().stop()
        wrong += work.settled(0.2)
        if wrong:
            broken.append(f"n = {n}: {'; '.join(wrong)}")
        if calls < n:
            break
    return n, broken
