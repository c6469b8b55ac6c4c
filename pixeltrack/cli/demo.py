"""pixeltrack demo"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError, PixeltrackError


@click.command("demo", epilog="Example:  pixeltrack demo")
@click.option(
    "--recipients",
    "people",
    type=click.IntRange(50, 100_000),
    default=1_000,
    show_default=True,
    help="How many people get the mail.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another day.")
@global_options
def command(people: int, seed: int, **options: Any) -> None:
    """Play a whole campaign on this machine and check its report.

    In a temporary folder: injects the bundled mail for 1,000 generated people, starts the collector
    on a free port, and plays a day of opens and clicks against it over real HTTP (people on many mail
    clients, Apple and Gmail fetching ahead, gateways that follow every link). The report is printed
    and compared, figure by figure, with what was played; a difference is an error.
    """
    call = Call(options, {})
    if call.named_files:
        raise InputError(
            "demo works in a folder of its own, and takes no --db, --key or --config",
            hint="pixeltrack inject works with yours",
        )
    from rich.console import Console

    from pixeltrack import config, demo
    from pixeltrack.show.brief import show_brief

    folder = Path(tempfile.mkdtemp(prefix="pixeltrack-demo-"))
    database = folder / "pixeltrack.db"
    nothing = Path(os.devnull)  # no settings of the user's: the demo is the same everywhere
    settings = config.load(nothing, {"db": str(database)}, environment={})
    call.say(f"injecting the example campaign for {people:,} people, then playing a day of mail…")
    talk = Console(stderr=True)
    try:
        if talk.is_terminal and not call.quiet:
            from rich.progress import Progress

            with Progress(console=talk, transient=True) as bar:
                task = bar.add_task("playing", total=None)
                outcome = demo.run(
                    folder, settings, people, seed, lambda done: bar.update(task, completed=done)
                )
        else:
            outcome = demo.run(folder, settings, people, seed)
        show_brief(Console(highlight=False), outcome.report)
        if sys.stdout:
            sys.stdout.flush()  # the report comes before what is said of it
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # nobody is told of it
        raise
    call.say(f"\nfiles: {folder}")
    again = f"pixeltrack report --db {database} --campaign {demo.CAMPAIGN}"
    call.say(f"look again: {again}")
    call.say(f"as a page: {again} --html report.html")
    if outcome.differences:
        raise PixeltrackError(
            f"the report differs from what was played: {'; '.join(outcome.differences[:5])}",
            hint=f"{len(outcome.differences)} of {outcome.compared:,} comparisons; please report this",
        )
    call.say(f"checked: {outcome.hits:,} hits were played and answered rightly, and the report equals them")
