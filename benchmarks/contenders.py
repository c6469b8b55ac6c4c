"""The servers that benchmarks/collector.py compares: each records the pixel's hits, in its own way.

python benchmarks/contenders.py NAME DATABASE     prints its port, serves until it is killed
"""

from __future__ import annotations

import queue
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from pixeltrack import config, setup
from pixeltrack.clock import now_ms
from pixeltrack.collector import make_app
from pixeltrack.metrics import Counters
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.serve import Server, listen
from pixeltrack.tokens import Tracked
from pixeltrack.workers import Workers

HEADERS = [("Content-Type", "image/gif"), ("Content-Length", str(len(PIXEL))), ("Cache-Control", "no-store")]


def ours(database: Path, *, fast_lane: bool) -> None:
    """Pixeltrack's collector, as ``serve`` runs it."""
    # Each hit is a row, as of readers who open a few times: there are few of them here, who open often.
    settings = config.load(options={"db": str(database), "serve.replay_limit": 1_000_000}, environment={})
    workspace = setup.open_workspace(settings, create=False, busy_ms=50)
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, now_ms, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0), fast_lane=fast_lane)
    server.heed_signals()
    print(server.port, flush=True)
    server.run()


def two_workers(database: Path) -> None:
    """Pixeltrack's collector with ``--workers 2``."""
    settings = config.load(options={"db": str(database)}, environment={})
    listening, counters = listen("127.0.0.1", 0), Counters(2)
    listening.listen()
    print(listening.getsockname()[1], flush=True)

    def collect(worker: int) -> int:
        counters.take_row(worker)
        own = setup.open_workspace(settings, create=False, busy_ms=50, follow=True)
        app = make_app(
            *(own.store, own.keyring, Pages(), settings, now_ms), commit_each=False, counters=counters
        )
        server = Server(app, listening)
        server.heed_signals(alone=False)
        server.run()
        return 0

    Workers(2, listening, collect).run()


def pool(database: Path) -> None:
    """Waitress' thread pool; a writer thread commits what has queued, and the answers wait for it."""
    hits: queue.SimpleQueue[tuple[Tracked, str, Future[None]]] = queue.SimpleQueue()

    def write() -> None:
        connection = _connect(database, "WAL", "FULL")
        while True:
            batch = [hits.get()]
            while not hits.empty():
                batch.append(hits.get())
            _insert(connection, [(tracked.pseudonym, agent) for tracked, agent, _ in batch])
            for _, _, done in batch:
                done.set_result(None)

    def record(tracked: Tracked, agent: str) -> None:
        done: Future[None] = Future()
        hits.put((tracked, agent, done))
        done.result()

    threading.Thread(target=write, daemon=True).start()
    _waitress(database, record)


def naive(database: Path) -> None:
    """What tutorials do: a connection, an insert and a commit for each hit, SQLite as it comes."""

    def record(tracked: Tracked, agent: str) -> None:
        connection = sqlite3.connect(database.with_name("naive.db"), timeout=30)
        _insert(connection, [(tracked.pseudonym, agent)])
        connection.close()

    _connect(database.with_name("naive.db"), "DELETE", "FULL").close()
    _waitress(database, record)


def _connect(database: Path, journal: str, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database)
    connection.execute(f"pragma journal_mode = {journal}")
    connection.execute(f"pragma synchronous = {synchronous}")
    connection.execute("create table if not exists hits (id integer primary key, at, message, agent)")
    return connection


def _insert(connection: sqlite3.Connection, hits: Iterable[tuple[int, str]]) -> None:
    now = now_ms()
    with connection:
        connection.executemany(
            "insert into hits (at, message, agent) values (?, ?, ?)", [(now, *hit) for hit in hits]
        )


def _waitress(database: Path, record: Callable[[Tracked, str], None]) -> None:
    from waitress.server import create_server

    settings = config.load(options={"db": str(database)}, environment={})
    keyring = setup.open_workspace(settings, create=False).keyring

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        _, _, code, token = environ["PATH_INFO"].removesuffix(".gif").split("/")
        tracked = keyring.verify_tracking(code, token)
        if tracked:
            record(tracked, environ.get("HTTP_USER_AGENT", ""))
        start_response("200 OK", HEADERS)
        return [PIXEL]

    server = create_server(
        app, host="127.0.0.1", port=0, threads=8, connection_limit=2_000, backlog=1_024, ident=None
    )
    print(server.effective_port, flush=True)
    server.run()


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log {folder}/access.log combined buffer=64k flush=1s; keepalive_requests 1000000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ empty_gif; }} }}
}}
"""


def nginx(_database: Path) -> None:
    """The limit that people know: an empty GIF and a buffered log. Nothing here is durable."""
    folder = tempfile.mkdtemp()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = Path(folder) / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    served = subprocess.Popen([program, "-c", configuration, "-p", folder, "-e", f"{folder}/error.log"])
    time.sleep(0.5)
    print(port, flush=True)
    try:
        served.wait()
    finally:
        served.terminate()
        served.wait()
        shutil.rmtree(folder)


CONTENDERS: dict[str, Callable[[Path], None]] = {
    "nginx": nginx,
    "fast lane": lambda database: ours(database, fast_lane=True),
    "parser": lambda database: ours(database, fast_lane=False),
    "two workers": two_workers,
    "pool": pool,
    "naive": naive,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]))
