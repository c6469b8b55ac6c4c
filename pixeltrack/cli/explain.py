"""pixeltrack explain"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack explain --campaign spring-sale --recipient ada@example.com
      the hits of Ada's message, with their numbers
  pixeltrack explain --message https://track.example.com/c/…/3/…
      the same by any link of the mail, or the token at its end
  pixeltrack explain 4711
      one hit: what is known, each rule that was asked, what it was counted as
"""


@click.command("explain", epilog=EPILOG)
@click.argument("event", type=click.IntRange(1), required=False)
@click.option("--message", metavar="URL", help="List the hits of the mail with this link, pixel or token.")
@click.option("--campaign", metavar="NAME", help="With --recipient: the campaign.")
@click.option("--recipient", metavar="ADDRESS", help="List the hits of the mail that went to this address.")
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@global_options
def command(
    event: int | None,
    message: str | None,
    campaign: str | None,
    recipient: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Say why a hit was taken for a person's or a machine's.

    EVENT is the number of a hit; the options list the hits of one person's mail with their numbers. -v
    prints also the rules that said no.
    """
    call = Call(options, {})
    person = campaign is not None or recipient is not None
    if sum((event is not None, message is not None, person)) != 1:
        raise InputError(
            "name one hit by its number, or one person's mail",
            hint="pixeltrack explain 4711, --message URL, or --campaign NAME --recipient ADDRESS",
        )
    from rich.console import Console

    from pixeltrack import explain
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import explanation as show

    book = call.use_rules()
    workspace = open_workspace(call.settings, create=False)
    store, console = workspace.store, Console(highlight=False)
    try:
        if event is not None:
            said = explain.explain(store, book, event)
            if as_json:
                click.echo(show.explanation_json(said))
            else:
                show.show_explanation(console, said, every=call.verbose)
            return
        if message is not None:
            found, place = explain.message_of_token(store, workspace.keyring, message)
        elif campaign is not None and recipient is not None:
            found, place = explain.message_of_recipient(store, workspace.keyring, campaign, recipient)
        else:
            raise InputError("--campaign and --recipient go together", hint="give both")
        hits = explain.hits_of(store, book, found.campaign_id, place)
        call.gone(store, [found.name])
    finally:
        store.close()
    if as_json:
        click.echo(show.hits_json(found, hits))
    elif hits:
        show.show_hits(console, found, hits)
    else:
        call.say(f"{found.name}: no hits of this message so far")
