"""The dashboard as a process of its own: it takes from the collector nothing but a share of the machine."""

from __future__ import annotations

import logging
import os
import signal
import socket
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from pixeltrack import rules
from pixeltrack.config import Settings
from pixeltrack.dashboard.access import Access, Throttle
from pixeltrack.dashboard.app import Dashboard
from pixeltrack.dashboard.figures import Keeper
from pixeltrack.dashboard.look import DashboardPages
from pixeltrack.dashboard.place import Place
from pixeltrack.setup import open_workspace
from pixeltrack.store import Store

log = logging.getLogger("pixeltrack.dashboard")

_BUSY_MS = 200  # for a database that another program writes to; then the figures are as they were
_NICE = 5  # where the processor is short, the collector comes first
_LIMITS = {
    "threads": 4,
    "connection_limit": 100,
    "channel_timeout": 15,
    "cleanup_interval": 5,
    "max_request_header_size": 16_384,
    "max_request_body_size": 8_192,
    "ident": "pixeltrack",
    "clear_untrusted_proxy_headers": False,  # they are read for trusted proxies alone
}


def run(listening: socket.socket, place: Place, settings: Settings, templates: Path | None) -> int:
    """Answer until SIGTERM, and return 0. Raises PixeltrackError when it cannot start."""
    os.nice(_NICE)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # four browsers at once are no news
    pages = DashboardPages(templates)
    access = Access(settings.dashboard_token, settings.key)

    def opened() -> Store:
        return open_workspace(settings, create=False, busy_ms=_BUSY_MS, follow=True).store

    with rules.using(rules.load(settings.rules)):
        keeper = Keeper(opened, pages.live)
        app = Dashboard(place, access, keeper, pages, Throttle(), settings.trusted_proxies)
        server = create_server(app, sockets=[listening], **_LIMITS)

        def end(_number: int, _frame: FrameType | None) -> None:
            raise SystemExit

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # token and keys are looked at all the time
        keeper.start()
        server.run()  # returns at SystemExit
        keeper.stop()
        server.close()
    return 0
