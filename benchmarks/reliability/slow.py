"""slow: a thousand half-open connections and two hundred that send a byte a second.

Promised: an ordinary reader, with a new connection for each hit, waits less than a second at the 99th
percentile meanwhile. Directly, and behind nginx where that is installed (as a proxy would stand there).
"""

from __future__ import annotations

import argparse
import resource
import selectors
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from ground import Ground, Serve, wait_for
from readers import Readers, Tally, request

_NGINX = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
error_log stderr crit;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_header_timeout 15s;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; }}
    }}
}}
"""


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8_192, most), most))
    found = []
    for how in ("directly", "behind nginx"):
        if how == "behind nginx" and not shutil.which("nginx"):
            print("  behind nginx: skipped, there is none here")
            continue
        ground, tally = Ground(folder.with_name(how.replace(" ", "-"))), Tally()
        with Serve(ground.folder, options.serve) as serve:
            proxy = _Nginx(ground.folder, serve.port) if how == "behind nginx" else None
            port = proxy.port if proxy else serve.port
            with _Crowd(port, ground, options.half_open, options.dripping) as crowd:
                time.sleep(2)
                with Readers(ground, port, tally, count=1, rate=options.slow_rate):
                    time.sleep(options.slow_seconds)
                held = crowd.held()
            if proxy:
                proxy.end()
            serve.stop()
        p99 = tally.p99_ms()
        print(
            f"  {how}: {options.half_open} half-open and {options.dripping} dripping connections"
            f" ({held} of them held at the end), {len(tally.seconds):,} ordinary hits,"
            f" p99 {p99:.1f} ms, slowest {max(tally.seconds) * 1000:.0f} ms",
            flush=True,
        )
        found += [f"{how}: {each}" for each in tally.broken_promises(ground.rows())]
        if p99 >= 1_000:
            found.append(f"{how}: p99 is {p99:.0f} ms")
    return found


class _Crowd:
    """Connections that never come to an end; one that is closed on them dials again."""

    def __init__(self, port: int, ground: Ground, half_open: int, dripping: int) -> None:
        self._port = port
        self._request = request(ground.hit(0)[0])
        self._idle = [self._dial(self._request[: number % 60]) for number in range(half_open)]
        self._drips = [(self._dial(b""), [0]) for _ in range(dripping)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def _dial(self, begin: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 10)
        connection.sendall(begin)
        return connection

    def _drip(self) -> None:
        while not self._stop.wait(1):
            for index, connection in enumerate(self._idle):
                if _is_closed(connection):
                    connection.close()
                    self._idle[index] = self._dial(self._request[: index % 60])
            for index, (connection, sent) in enumerate(self._drips):
                try:
                    connection.sendall(self._request[sent[0] % 60 :][:1])
                    sent[0] += 1
                except OSError:
                    connection.close()
                    self._drips[index] = (self._dial(b""), [0])

    def held(self) -> int:
        """Return how many of them are open."""
        return sum(not _is_closed(each) for each in [*self._idle, *(drip for drip, _ in self._drips)])

    def __enter__(self) -> _Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for connection in [*self._idle, *(drip for drip, _ in self._drips)]:
            connection.close()


def _is_closed(connection: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))  # nothing is ever answered, so it can only be the end


class _Nginx:
    """A proxy in front of the collector."""

    def __init__(self, folder: Path, behind: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        configuration = folder / "nginx.conf"
        configuration.write_text(_NGINX.format(folder=folder, port=self.port, behind=behind))
        self._process = subprocess.Popen(["nginx", "-c", configuration], stderr=subprocess.DEVNULL)
        if wait_for(self._listens, 10) is None:
            raise RuntimeError("nginx does not listen")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
