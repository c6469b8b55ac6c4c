"""pixeltrack restore"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

EPILOG = """\
Example:

\b
  pixeltrack restore backups/monday.db --yes
      put Monday's database back; whoever was erased since then stays erased
"""


@click.command("restore", epilog=EPILOG)
@click.argument("file", type=GivenPath(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the database that is there; it is kept aside.")
@global_options
def command(file: Path, yes: bool, **options: Any) -> None:
    """Put a backup in the place of the database.

    Before it takes its place, every erasure, opt-out and withdrawal since it was made is done to it: from
    the file of refusals beside the database, and from the database itself where it can be read. Stop
    serve first.
    """
    call = Call(options, {})
    from pixeltrack import keyfile, restoring
    from pixeltrack.clock import now_ms

    call.use_rules()
    database = call.settings.db
    if database.exists() and not yes:
        raise InputError(
            f"{database} is there already", hint="add --yes: it is kept aside under another name"
        )
    done = restoring.restore(file, database, keyfile.load(call.settings.key), now_ms())
    call.say(f"{database} is that of {file}: {done.erased:,} people erased again, {done.refused:,} refusals")
    if done.aside:
        call.say(f"the database that was there is {done.aside}; delete it when you need it no more")
