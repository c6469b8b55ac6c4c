"""pixeltrack init"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.config import DEFAULT_CONFIG
from pixeltrack.errors import PixeltrackError


@click.command(
    "init",
    epilog="Example:  pixeltrack init --preset eu",
    short_help="Write a settings file, the key and the database.",
)
@click.option(
    "--preset",
    type=click.Choice(["strict", "eu", "fr", "it", "uk", "us", "us-ca"]),
    default="eu",
    show_default=True,
    help="Whose law sets consent: us and us-ca track who has not refused, the others only who has agreed.",
)
@global_options
def command(preset: Any, **options: Any) -> None:
    """Write a settings file, the key and the database.

    Not needed to start: inject makes key and database by itself, and then tracks everybody who has
    not refused. Files that exist are never overwritten.
    """
    from pixeltrack.setup import open_workspace, write_config

    named = (
        options["config"]
        or (click.get_current_context().obj or {}).get("config")
        or os.environ.get("PIXELTRACK_CONFIG")
    )
    path = Path(named) if named else DEFAULT_CONFIG
    write_config(path, preset)
    options["config"] = str(path)
    try:
        call = Call(options, {})
        settings = call.settings
        path.unlink()
        write_config(path, preset, settings.db, settings.key)  # the files that the next commands must find
        workspace = open_workspace(settings, create=True)
    except PixeltrackError:
        path.unlink(missing_ok=True)  # else init could not be run again
        raise
    workspace.store.close()
    call.say(f"created {path} (settings, preset {preset}: consent {call.settings.consent})")
    call.created(workspace.created)
    call.say(
        f"next: set base_url, controller and contact in {path}; put what  pixeltrack notice --footer"
        " --format html  prints at the end of your mail; then  pixeltrack inject campaign.html"
        " --recipients list.csv"
    )
