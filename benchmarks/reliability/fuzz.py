"""fuzz: millions of requests that are nearly right, in process and over the socket.

Promised: none but our own paths is recorded, redirected or obeyed; every redirect goes to the link
table's address, whatever query, header or method says; no answer is a 5xx, and each is one of a few.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ground import DESTINATIONS, Ground, Serve
from mutations import Case, Mutations
from readers import read_answers

ALLOWED = {200, 302, 303, 304, 400, 404, 405, 413, 414, 429, 431, 501, 505}
_PROCESSES = 2


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    ground = Ground(folder)
    started = time.monotonic()
    share = options.fuzz // _PROCESSES
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        jobs = [(folder.with_name(f"fuzz{n}"), options.seed + n, share) for n in range(_PROCESSES)]
        results = pool.map(_in_process, jobs)
    statuses = sum((found for found, _, _ in results), Counter())
    broken = [each for _, _, more in results for each in more]
    print(
        f"  in process: {statuses.total():,} requests in {time.monotonic() - started:.0f} s,"
        f" {sum(count for _, count, _ in results):,} broke a promise; {_told(statuses)}",
        flush=True,
    )
    with Serve(folder, options.serve) as serve:
        started = time.monotonic()
        statuses, more = _over_the_socket(ground, serve.port, options.seed, options.fuzz_socket)
        ended = serve.process.poll()
        serve.stop()
    if ended is not None:
        more.append(f"the program ended with {ended}")
    print(
        f"  over the socket: {statuses.total():,} requests in {time.monotonic() - started:.0f} s,"
        f" {len(more)} broke a promise; {_told(statuses)}"
    )
    return (broken + more)[:20]


def _told(statuses: Counter[int]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))


def _in_process(job: tuple[Path, int, int]) -> tuple[Counter[int], int, list[str]]:
    from pixeltrack.collector import make_app
    from pixeltrack.config import load
    from pixeltrack.pages import Pages
    from pixeltrack.store import open_store

    folder, seed, count = job
    ground = Ground(folder)
    settings = load(options={"db": str(ground.database)}, environment={})
    store = open_store(ground.database, ground.keyring)
    app = make_app(store, ground.keyring, Pages(), settings, lambda: 0, commit_each=False)
    mutations = Mutations(ground, seed)
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    seen: list[tuple[int, dict[str, str]]] = []

    def answer(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        seen.append((int(status[:3]), dict(headers)))

    for number in range(count):
        case = mutations.next()
        before = app.recorder.waiting
        b"".join(app(_environ(case), answer))
        status, headers = seen.pop()
        statuses[status] += 1
        recorded = app.recorder.waiting - before
        if wrong := _wrong(case, status, headers, bool(recorded)):
            broken.append(f"{wrong}: {case!r}")
        if number % 1_000 == 0:
            app.recorder.commit()
    app.recorder.commit()
    if store.opt_outs():
        broken.append("somebody was unsubscribed")
    store.close()
    return statuses, len(broken), broken[:10]


def _environ(case: Case) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": case.method,
        "PATH_INFO": case.path,
        "QUERY_STRING": case.query,
        "CONTENT_LENGTH": str(len(case.body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(case.body),
        **{f"HTTP_{name}": value for name, value in case.headers.items()},
    }


def _wrong(case: Case, status: int, headers: dict[str, str], recorded: bool | None) -> str:
    """Return what is wrong with an answer; recorded is None where that cannot be seen."""
    if status not in ALLOWED:
        return f"status {status}"
    if "Set-Cookie" in headers or any("\n" in value or "\r" in value for value in headers.values()):
        return "a header that we did not write"
    where = headers.get("Location")
    if where is not None and (where not in DESTINATIONS or not case.genuine):
        return f"a redirect to {where}"
    if recorded and not (case.genuine and case.method in ("GET", "HEAD")):
        return "a hit was recorded"
    if status == 200 and case.path.startswith(("/u/", "/p/")) and not case.genuine:
        return "a personal page for nobody"
    return ""


# -- over the socket ------------------------------------------------------------------------------------


def _over_the_socket(ground: Ground, port: int, seed: int, count: int) -> tuple[Counter[int], list[str]]:
    mutations = Mutations(ground, seed + 1_000)
    chance = mutations.chance
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    for _ in range(count):
        case = mutations.next()
        raw = _bytes(case)
        if chance.random() < 0.3:  # and anything at all in the bytes themselves
            at = chance.randrange(len(raw))
            raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + chance.randint(0, 1) :]
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                head, _ = next(read_answers(connection))
            except EOFError:
                statuses[0] += 1  # no whole request came, so no answer
                continue
            except OSError as error:
                broken.append(f"{error}: {raw[:200]!r}")
                continue
        status = int(head[9:12])
        statuses[status] += 1
        lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
        headers = {name: value for name, _, value in lines}
        case.genuine = case.genuine or mutations.is_inside(raw)
        if wrong := _wrong(case, status, headers, None):
            broken.append(f"{wrong}: {raw[:300]!r}")
    return statuses, broken


def _bytes(case: Case) -> bytes:
    """Write a case as a request; the path as it is, so that it may be no request at all."""
    path = case.path + (f"?{case.query}" if case.query else "")
    lines = [f"{case.method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in case.headers.items()]
    if case.body:
        lines.append(f"Content-Length: {len(case.body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + case.body
