"""pixeltrack audit"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError, PixeltrackError

EPILOG = """\
Examples:

\b
  pixeltrack audit verify
      whether any row of the trail was changed, removed, added or moved
  pixeltrack audit head
      the last row's number and hash: note them down elsewhere
  pixeltrack audit export -o trail.jsonl
      every row, as JSON lines
"""


@click.group("audit", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Check or write out the trail of who did what to people's data.

    Each row has the hash of the one before it. People are in it by keyed hash, never by address.
    """
    pass_on(ctx, options)


@command.command("verify", epilog="Example:\n\n\b\n  pixeltrack audit verify --head 17:5f0c…\n")
@click.option(
    "--head", metavar="N:HASH", help="A head that was noted down: tells whether rows are gone at the end."
)
@global_options
def verify_command(head: str | None, **options: Any) -> None:
    """Check the whole chain. Exit code 1, and the first broken row, where it does not hold.

    Rows that were cut off at the end are missed only with --head, which also tells a chain that somebody
    made up anew.
    """
    call = Call(options, {})
    from pixeltrack import trail
    from pixeltrack.setup import open_workspace

    noted = trail.read_head(head) if head is not None else None
    if head is not None and noted is None:
        raise InputError(f"--head {head[:80]!r} is no head", hint="give what pixeltrack audit head printed")
    with closing(open_workspace(call.settings, create=False).store) as store:
        checked = trail.check(store.trail(), noted)
    if checked.broken is not None:
        raise PixeltrackError(
            f"the audit trail is broken at row {checked.broken}: {checked.why}",
            hint=f"{checked.rows:,} rows before it hold; compare with an export or a backup",
        )
    call.say(f"the audit trail holds: {checked.rows:,} rows, head {checked.head}")


@command.command("head", epilog="Example:\n\n\b\n  pixeltrack audit head >> heads.txt\n")
@global_options
def head_command(**options: Any) -> None:
    """Print the last row's number and hash."""
    call = Call(options, {})
    from pixeltrack.setup import open_workspace

    with closing(open_workspace(call.settings, create=False).store) as store:
        click.echo(str(store.trail_head()))


@command.command("export", epilog="Example:\n\n\b\n  pixeltrack audit export --jsonl -o trail.jsonl\n")
@click.option(
    "--jsonl", is_flag=True, expose_value=False, default=True, help="As JSON lines, which is the default."
)
@click.option(
    "-o",
    "--out",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Write there, all at once.  [default: standard output]",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@global_options
def export_command(out: Path | None, force: bool, **options: Any) -> None:
    """Write the trail's rows, the oldest first. docs/rights.md says how each hash is made."""
    call = Call(options, {})
    from pixeltrack.export.newfile import NewFile
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.trail import line

    with closing(open_workspace(call.settings, create=False).store) as store:
        if out is None or str(out) == "-":
            for row in store.trail():
                click.echo(line(row))
            return
        ours = (call.settings.db, call.settings.key)
        with NewFile(out, force=force, not_over=ours) as new:
            for row in store.trail():
                new.file.write(f"{line(row)}\n".encode())
