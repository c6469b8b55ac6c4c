"""pixeltrack backup"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath

EPILOG = """\
Example:

\b
  pixeltrack backup backups/monday.db
      while serve runs; keep the key somewhere else
"""


@click.command("backup", epilog=EPILOG)
@click.argument("file", type=GivenPath(path_type=Path))
@global_options
def command(file: Path, **options: Any) -> None:
    """Write a copy of the database that holds nothing deleted.

    It may run beside the collector. The key is not in it: without the key nobody can tell whose a row is
    by a token, and links in sent mail cannot be answered. Hits in the spool are not in it either.
    """
    call = Call(options, {})
    from pixeltrack import restoring
    from pixeltrack.setup import open_workspace

    with closing(open_workspace(call.settings, create=False).store) as store:
        size = restoring.back_up(store, file)
    call.say(f"wrote {file}: {size:,} bytes, without the key {call.settings.key}; keep that apart from it")
