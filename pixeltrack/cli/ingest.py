"""pixeltrack ingest"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.logclients import LogClients
    from pixeltrack.setup import Workspace
    from pixeltrack.show.ingest import Read

Format = Literal["combined", "json", "caddy", "cloudfront"]

_PROGRESS_FROM = 8_000_000  # bytes; less is read before a bar could be
_PAUSE_SECONDS = 0.5  # between two looks at a log that is followed

EPILOG = """\
Examples:

\b
  pixeltrack ingest /var/log/nginx/pixeltrack.log
      what is new in it since the last time
  pixeltrack ingest /var/log/nginx/pixeltrack.log*
      the rotated ones too, packed or not: what was read before counts once
  pixeltrack ingest --follow /var/log/nginx/pixeltrack.log
      go on as it is written, through every rotation, until Ctrl-C
"""


@click.command("ingest", epilog=EPILOG)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--follow", is_flag=True, help="Go on reading as lines are written, until stopped.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["combined", "json", "caddy", "cloudfront"]),
    help="Format of the lines  [default: what the first lines look like]",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was read as JSON.")
@global_options
def command(
    logs: tuple[Path, ...], follow: bool, format_: Format | None, as_json: bool, **options: Any
) -> None:
    """Record opens and clicks from the access log of a web server or CDN.

    LOG is a file, or a .gz; - reads standard input. For where the pixel and the links are answered by
    nginx, Caddy or CloudFront and not by pixeltrack serve. A line counts once, however often the log
    is given, and whatever it is called then.
    """
    call = Call(options, {})
    from pixeltrack.clock import now_ms
    from pixeltrack.logclients import LogClients
    from pixeltrack.restoring import follow as follow_refusals
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.ingest import read_json, read_lines

    if follow and Path("-") in logs:
        raise InputError(
            "standard input cannot be followed", hint="leave --follow out: it is read to its end"
        )
    workspace = open_workspace(call.settings, create=False)
    try:
        follow_refusals(workspace.store, workspace.keyring, now_ms())
        clients = LogClients(
            *(workspace.store, now_ms),
            lists=call.settings.networks,
            country_db=call.settings.country_db,
            ip=call.settings.ip,
        )
        read = (_follow if follow else _read)(call, workspace, clients, logs, format_)
    finally:
        workspace.store.close()
    if as_json:
        click.echo(read_json(read))
        return
    for line in read_lines(read):
        call.say(line)


def _read(
    call: Call, workspace: Workspace, clients: LogClients, logs: Sequence[Path], format_: Format | None
) -> list[Read]:
    from pixeltrack.ingest import LogReading
    from pixeltrack.logfile import open_log
    from pixeltrack.moments import STEPS
    from pixeltrack.show.ingest import Read

    read = []
    with _progress(call, sum(path.stat().st_size for path in logs if path.is_file())) as progress:
        before = 0
        for path in logs:
            log = open_log(path)
            reading = LogReading(
                *(log, workspace.store, workspace.keyring, clients, format_),
                step=STEPS[call.settings.moment],
            )
            try:
                reading.advance(partial(progress, before) if progress else None)
            finally:
                log.close()
            before += path.stat().st_size if path.is_file() else 0
            read.append(Read(log.name, reading.format, reading.counts))
    return read


def _follow(
    call: Call, workspace: Workspace, clients: LogClients, logs: Sequence[Path], format_: Format | None
) -> list[Read]:
    from pixeltrack.follow import Follower
    from pixeltrack.ingest import LogReading
    from pixeltrack.logfile import open_log
    from pixeltrack.moments import STEPS
    from pixeltrack.show.ingest import Read

    def begin(path: Path, known: Format | None) -> LogReading:
        log = open_log(path)
        return LogReading(
            *(log, workspace.store, workspace.keyring, clients, known or format_),
            trusted=known is not None,
            step=STEPS[call.settings.moment],
        )

    followers = [Follower(path, begin) for path in logs]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl-C
    call.say(f"following {', '.join(map(str, logs))}  (Ctrl-C stops)")
    try:
        while True:
            came = [follower.step() for follower in followers]
            if not any(came):
                time.sleep(_PAUSE_SECONDS)
    except KeyboardInterrupt:
        pass  # what was read is stored, and the place where it ended too
    return [Read(str(path), format_, follower.counts) for path, follower in zip(logs, followers, strict=True)]


@contextmanager
def _progress(call: Call, total: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, when there is enough to read that one wants to see it."""
    if call.quiet or not sys.stderr.isatty() or total < _PROGRESS_FROM:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress("reading", *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda before, done: bar.update(task, completed=before + done)
