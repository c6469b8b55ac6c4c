"""The collector under another WSGI server, such as gunicorn or granian: ``pixeltrack.wsgi:app``.

It is configured as every command is: by PIXELTRACK_CONFIG, PIXELTRACK_DB, PIXELTRACK_KEY, or
pixeltrack.toml in the current folder. PIXELTRACK_TEMPLATES names a folder with own pages. Each
process opens the database for itself at its first request, so the server may fork as it likes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack import config
from pixeltrack.clock import now_ms
from pixeltrack.collector import Collector, make_app
from pixeltrack.errors import StoreError
from pixeltrack.metrics import Counters
from pixeltrack.noticepage import register
from pixeltrack.pages import Pages
from pixeltrack.pool import GroupRecorder
from pixeltrack.setup import open_workspace
from pixeltrack.spool import Spool
from pixeltrack.store import open_store

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_BUSY_MS = 1_000  # other processes write too; a thread may wait longer than a loop

_opening = threading.Lock()
_collectors: dict[int, Collector] = {}  # by process id: a forked process must not use its parent's


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request; every hit is on the disk when this returns."""
    collector = _collectors.get(os.getpid()) or _open()
    answer = collector(environ, start_response)
    collector.recorder.commit()
    return answer


def _open() -> Collector:
    with _opening:
        if os.getpid() not in _collectors:
            settings = config.load()
            templates = os.environ.get("PIXELTRACK_TEMPLATES")
            workspace = open_workspace(settings, create=False, busy_ms=_BUSY_MS, follow=True)
            recording = open_store(
                *(settings.db, workspace.keyring),
                busy_ms=_BUSY_MS,
                follow=True,
                replay_limit=settings.replay_limit,
            )
            pages = Pages(Path(templates) if templates else None)
            with suppress(StoreError):  # another process is at it, or will be
                register(workspace.store, settings, pages, now_ms())
            counters = Counters()
            recorder = GroupRecorder(recording, Spool(settings.db, settings.spool_mb << 20), counters)
            recorder.flush()  # what an earlier process had to leave in the spool
            _collectors[os.getpid()] = make_app(
                workspace.store,
                workspace.keyring,
                pages,
                settings,
                now_ms,
                commit_each=False,
                counters=counters,
                recorder=recorder,
            )
            _collectors[os.getpid()].tend()
        return _collectors[os.getpid()]
