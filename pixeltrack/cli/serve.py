"""pixeltrack serve"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import PixeltrackError, StoreError

EPILOG = """\
Examples:

\b
  pixeltrack serve
      on 127.0.0.1:8000, behind your HTTPS proxy
  pixeltrack serve --trusted-proxy 127.0.0.1 --log-format json
      believing what that proxy says about whom it asks for, and one JSON object a log line
  pixeltrack serve --dashboard
      and the reports as pages that keep up, on 127.0.0.1:8081 for whoever has the token
"""
_BUSY_MS = 50  # the loop waits no longer for another writer; the hits then go to the spool


@click.command("serve", epilog=EPILOG)
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
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Processes that share the port  [default: 1]",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="IP address of a proxy whose X-Forwarded-For counts; may be repeated  [default: none]",
)
@click.option(
    "--metrics",
    type=click.Choice(["local", "public", "off"]),
    help="Who may read /metrics: this machine, everybody or nobody  [default: local]",
)
@click.option(
    "--dashboard",
    is_flag=False,
    flag_value="127.0.0.1:8081",
    metavar="[HOST:PORT]",
    help="Show the reports as pages, too, behind a token.  [default: off; without a place 127.0.0.1:8081]",
)
@click.option(
    "--dashboard-url",
    metavar="URL",
    help="What it is reached by where a proxy is in front, such as https://stats.example.com",
)
@click.option(
    "--dashboard-token",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with its token, made if it is not there.  [default: pixeltrack.token beside the database]",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Form of the log  [default: text]")
@global_options
def command(
    host: str | None,
    port: int | None,
    templates: Path | None,
    workers: int,
    proxies: tuple[str, ...],
    metrics: str | None,
    dashboard: str | None,
    dashboard_url: str | None,
    dashboard_token: Path | None,
    log_format: str | None,
    **options: Any,
) -> None:
    """Run the collector that answers pixels, clicks and opt-outs.

    Every hit is on the disk before its answer leaves. Stop it with Ctrl-C or SIGTERM: what has begun
    is finished first. SIGHUP reads keys, link tables and pages again. Give it HTTPS by putting a proxy
    in front.
    """
    own = {
        "serve.host": host,
        "serve.port": port,
        "serve.trusted_proxy": proxies or None,
        "serve.metrics": metrics,
        "serve.log_format": log_format,
        "dashboard.listen": dashboard,
        "dashboard.url": dashboard_url,
        "dashboard.token_file": dashboard_token,
    }
    call = Call(options, own)
    from pixeltrack import logs
    from pixeltrack.clock import now_ms
    from pixeltrack.collector import make_app
    from pixeltrack.metrics import Counters
    from pixeltrack.networks import Networks
    from pixeltrack.noticepage import register
    from pixeltrack.pages import Pages
    from pixeltrack.reload import reload
    from pixeltrack.restoring import follow
    from pixeltrack.serve import Server, listen, url_of
    from pixeltrack.setup import open_workspace
    from pixeltrack.sockets import inherited
    from pixeltrack.spool import waiting_bytes
    from pixeltrack.workers import Workers

    settings = call.settings
    logs.start(settings.log_format, verbose=call.verbose)
    pages = Pages(templates)
    listening = inherited() or listen(
        settings.host, settings.port
    )  # before anything is made: the port may be in use
    beside = None
    if settings.dashboard is not None:
        from pixeltrack.cli.dashboard import prepare

        beside = prepare(call, settings.dashboard, templates)
    workspace = open_workspace(settings, create=True, busy_ms=_BUSY_MS)
    call.created(workspace.created)
    for path in (settings.db, settings.db.absolute().parent):
        if not os.access(path, os.W_OK):
            raise PixeltrackError(
                f"cannot write to {path}: no hit could be recorded",
                hint="let the user that serves write there",
            )
    follow(workspace.store, workspace.keyring, now_ms())
    try:
        register(workspace.store, settings, pages, now_ms())
    except StoreError as error:
        call.warn(f"which privacy notice is shown from now on is not recorded: {error.message}")
    workspace.store.close()  # each process has its own
    several = workers > 1 or beside is not None
    if several:  # an error is said once, and before anybody is told that we collect
        Networks.of(settings.networks, settings.country_db).load()
    counters = Counters(workers)  # in memory that all of them share

    def started() -> None:
        url = url_of(*listening.getsockname()[:2])
        call.say(f"collecting on {url} into {settings.db}  (Ctrl-C stops)")

    def collect(worker: int = 0) -> int:
        counters.take_row(worker)
        own = open_workspace(settings, create=False, busy_ms=_BUSY_MS, follow=True)
        app = make_app(
            *(own.store, own.keyring, pages, settings, now_ms), commit_each=False, counters=counters
        )
        app.recorder.flush()  # what an earlier collector had to leave in the spool
        server = Server(app, listening, reload=lambda: reload(app, settings, templates))
        server.heed_signals(alone=not several)
        if not several:
            started()
        server.run()
        own.store.close()
        return 0

    if several:
        listening.listen()
        started()
        if beside:
            beside.started()
        other = (beside.listening, beside.run) if beside else None
        if Workers(workers, listening, collect, other).run():
            raise PixeltrackError("a worker did not end well", hint="the lines above say why")
    else:
        collect()
    spooled = waiting_bytes(settings.db)
    later = f"; {spooled:,} bytes of them in a spool beside {settings.db} until serve runs again"
    lost = counters.total_lost
    what = f"{lost} hits were lost, every other one" if lost else "every hit"
    call.say(f"stopped; {what} is on the disk{later if spooled else ''}")
