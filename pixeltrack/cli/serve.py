"""pixeltrack serve"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import PixeltrackError

_BUSY_MS = 50  # the loop waits no longer for another writer; the hits then go to the spool


@click.command(
    "serve", epilog="Example:  pixeltrack serve --host 127.0.0.1 --port 8000   (behind your HTTPS proxy)"
)
@click.option("--host", metavar="ADDRESS", help="Address to listen on  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port to listen on; 0 takes a free one  [default: 8000]",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with your own versions of the pages.",
)
@global_options
def command(host: str | None, port: int | None, templates: Path | None, **options: Any) -> None:
    """Run the collector that answers pixels, clicks and opt-outs.

    Every hit is on the disk before its answer leaves. Stop it with Ctrl-C or SIGTERM: what has begun
    is finished first. Give it HTTPS by putting a proxy in front.
    """
    call = Call(options, {"serve.host": host, "serve.port": port})
    import logging

    from pixeltrack.collector import make_app
    from pixeltrack.pages import Pages
    from pixeltrack.serve import Server, listen, now_ms
    from pixeltrack.setup import open_workspace
    from pixeltrack.sockets import inherited
    from pixeltrack.spool import waiting_bytes

    level = logging.INFO if call.verbose else logging.WARNING
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=level)
    settings = call.settings
    pages = Pages(templates)
    listening = inherited() or listen(
        settings.host, settings.port
    )  # before anything is made: the port may be in use
    workspace = open_workspace(settings, create=True, busy_ms=_BUSY_MS)
    call.created(workspace.created)
    for path in (settings.db, settings.db.absolute().parent):
        if not os.access(path, os.W_OK):
            raise PixeltrackError(
                f"cannot write to {path}: no hit could be recorded",
                hint="let the user that serves write there",
            )
    app = make_app(workspace.store, workspace.keyring, pages, settings, now_ms, commit_each=False)
    app.recorder.flush()  # what an earlier collector had to leave in the spool
    server = Server(app, listening)
    server.stop_on_signals()
    call.say(f"collecting on {server.url} into {settings.db}  (Ctrl-C stops)")
    server.run()
    workspace.store.close()
    spooled = waiting_bytes(settings.db)
    later = f"; {spooled:,} bytes of them in a spool beside {settings.db} until serve runs again"
    call.say(f"stopped; every hit is on the disk{later if spooled else ''}")
