"""pixeltrack reclassify"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options

EPILOG = """\
Examples:

\b
  pixeltrack reclassify
      judge all hits again and say how totals moved
  pixeltrack reclassify --since 2026-11-01
      only messages with a hit since then; what was judged before stays
"""


@click.command("reclassify", epilog=EPILOG)
@click.option(
    "--since", metavar="TIME", help="Only messages with a hit since then (ISO 8601, local time or offset)."
)
@click.option("--json", "as_json", is_flag=True, help="Print how totals moved as JSON.")
@global_options
def command(since: str | None, as_json: bool, **options: Any) -> None:
    """Judge hits again, and say how totals moved.

    Reports judge what is new by themselves, and everything again when the rules have changed. This does
    the same at once, and shows what it changes. It may be interrupted: the next report goes on.
    """
    call = Call(options, {})
    from pixeltrack import reclassify
    from pixeltrack.cli.progress import progress
    from pixeltrack.setup import open_workspace
    from pixeltrack.times import read_time

    book = call.use_rules()
    start = None if since is None else read_time(since, "--since")
    store = open_workspace(call.settings, create=False).store
    with progress(store.last_event(), call, "judging") as tell:
        movement = reclassify.reclassify(store, book, start, tell)
    store.close()
    if as_json:
        from pixeltrack.show.movement import movement_json

        click.echo(movement_json(movement))
        return
    from rich.console import Console

    from pixeltrack.show.movement import show_movement

    show_movement(Console(highlight=False), movement)
