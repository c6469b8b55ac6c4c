"""pixeltrack rules"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on

EPILOG = """\
Examples:

\b
  pixeltrack rules show > rules.toml
      the rules that pixeltrack brings
  pixeltrack rules diff shipped my-rules.toml
      how the totals of all hits so far would move; stores nothing of it
"""


@click.group("rules", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Show the rules of judging, or what other rules would change.

    A file of your own adds rows and replaces numbers: name it in pixeltrack.toml as rules under
    [judging].
    """
    pass_on(ctx, options)


@command.command("show", epilog=EPILOG)
@global_options
def show_command(**options: Any) -> None:
    """Print the rules file that pixeltrack brings, with its comments."""
    Call(options, {})
    from pixeltrack.rules import shipped_text

    click.echo(shipped_text(), nl=False)


@command.command("diff", epilog=EPILOG)
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print how totals would move as JSON.")
@global_options
def diff_command(one: str, other: str, as_json: bool, **options: Any) -> None:
    """Judge all hits so far by two sets of rules, and say how totals would move.

    A and B are rules files, or "shipped" for those that pixeltrack brings. A file with a version is a
    whole set; one without adds to what is shipped. Nothing of it is stored.
    """
    call = Call(options, {})
    from pathlib import Path

    from pixeltrack import reclassify, verdicts
    from pixeltrack.cli.progress import progress
    from pixeltrack.rules import load
    from pixeltrack.setup import open_workspace

    books = [load(None if name == "shipped" else Path(name), whole=True) for name in (one, other)]
    in_force = call.use_rules()
    store = open_workspace(call.settings, create=False).store
    verdicts.update(store, in_force)
    with progress(store.last_event(), call, "judging") as tell:
        movement = reclassify.compare(store, books[0], books[1], tell)
    store.close()
    if as_json:
        from pixeltrack.show.movement import movement_json

        click.echo(movement_json(movement))
        return
    from rich.console import Console

    from pixeltrack.show.movement import show_movement

    show_movement(Console(highlight=False), movement)
