"""pixeltrack campaigns"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on

EPILOG = """\
Examples:

\b
  pixeltrack campaigns
      all campaigns, newest first
  pixeltrack campaigns set spring-sale --sent-at "2026-11-25 09:00"
      when sending began, in this machine's local time
  pixeltrack campaigns set spring-sale --sent-at 2026-11-25T09:00+01:00
  pixeltrack campaigns set spring-sale --sent-at none
"""


@click.group("campaigns", invoke_without_command=True, epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """List campaigns, and say when they were sent.

    Judging hits is better when it knows when sending began: what comes seconds after that is rarely a
    person's. pixeltrack does not send, so it cannot know.
    """
    if ctx.invoked_subcommand:
        pass_on(ctx, options)
        return
    call = Call(options, {})
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.campaigns import Line, campaigns_json, show_campaigns

    store = open_workspace(call.settings, create=False).store
    hits = store.hit_counts()
    lines = [
        Line(
            each,
            None if each.kind == "merge" else store.copies(each.campaign_id),
            None if each.is_rowless else hits.get(each.campaign_id, 0),
        )
        for each in store.campaigns()
    ]
    store.close()
    if as_json:
        click.echo(campaigns_json(lines))
    elif lines:
        from rich.console import Console

        show_campaigns(Console(highlight=False), lines)
    else:
        call.say("no campaign yet; pixeltrack inject makes one")


@command.command("set", epilog=EPILOG)
@click.argument("name")
@click.option(
    "--sent-at",
    metavar="TIME",
    required=True,
    help="When sending began, in ISO 8601; local time unless it has an offset; none forgets it.",
)
@global_options
def set_command(name: str, sent_at: str, **options: Any) -> None:
    """Say when sending of a campaign began; the next report judges its hits again."""
    call = Call(options, {})
    from pixeltrack.setup import open_workspace
    from pixeltrack.times import read_time, say_time

    sent = None if sent_at.strip().lower() == "none" else read_time(sent_at, "--sent-at")
    store = open_workspace(call.settings, create=False).store
    campaign = store.campaign(name)
    store.set_sent(campaign.campaign_id, sent)
    store.close()
    when = "is not known" if sent is None else f"began {say_time(sent)}"
    call.say(f"{campaign.name}: sending {when}; the next report judges its hits again")
