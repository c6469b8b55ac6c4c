"""pixeltrack campaigns"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack campaigns
      all campaigns, newest first
  pixeltrack campaigns set spring-sale --sent-at "2026-11-25 09:00"
      when sending began, in this machine's local time
  pixeltrack campaigns set spring-sale --sent-at 2026-11-25T09:00+01:00
  pixeltrack campaigns set spring-sale --sent-at none
  pixeltrack campaigns set spring-sale --attribute pt
      clicks take a parameter to your sites, for what is bought there; none adds none
  pixeltrack campaigns set spring-sale --cost "400 EUR"
      for the cost of a click and of a conversion, and the return on it; none forgets it
"""


@click.group("campaigns", invoke_without_command=True, epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """List campaigns, and say when they were sent and what they cost.

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
    help="When sending began, in ISO 8601; local time unless it has an offset; none forgets it.",
)
@click.option(
    "--attribute",
    metavar="NAME",
    help="The parameter that clicks take to your sites (pixeltrack goal), such as pt; none adds none.",
)
@click.option(
    "--cost",
    metavar="MONEY",
    help='What the campaign cost in all, with its currency: "400 EUR"; none forgets it.',
)
@global_options
def set_command(
    name: str, sent_at: str | None, attribute: str | None, cost: str | None, **options: Any
) -> None:
    """Say when sending of a campaign began, what it cost, or which parameter its clicks take to your sites.

    When sending began is a part of judging: the next report judges its hits again. A running serve adds
    the parameter within half a minute.
    """
    call = Call(options, {})
    from pixeltrack import money
    from pixeltrack.setup import open_workspace
    from pixeltrack.times import read_time, say_time
    from pixeltrack.urls import ATTRIBUTE

    if sent_at is None and attribute is None and cost is None:
        raise InputError("there is nothing to set", hint="give --sent-at, --attribute or --cost")
    sent = None if sent_at is None or _is_none(sent_at) else read_time(sent_at, "--sent-at")
    parameter = "" if attribute is None or _is_none(attribute) else attribute
    if parameter and not ATTRIBUTE.fullmatch(parameter):
        raise InputError(
            f"--attribute {parameter!r} is no name of a parameter",
            hint="letters, digits, - and _, at most 20, such as pt",
        )
    paid = None if cost is None or _is_none(cost) else money.read_money(cost, "--cost")
    if paid is not None and paid.amount < 0:
        raise InputError(f"--cost {(cost or '')[:40]!r} is below 0")
    with closing(open_workspace(call.settings, create=False).store) as store:
        campaign = store.campaign(name)
        if sent_at is not None:
            store.set_sent(campaign.campaign_id, sent)
        if attribute is not None:
            store.set_attribute(campaign.campaign_id, parameter)
        if cost is not None:
            store.set_cost(campaign.campaign_id, *(paid or (None, "")))
    if sent_at is not None:
        when = "is not known" if sent is None else f"began {say_time(sent)}"
        call.say(f"{campaign.name}: sending {when}; the next report judges its hits again")
    if attribute is not None:
        what = f"take the parameter {parameter} to your sites" if parameter else "take no parameter along"
        call.say(f"{campaign.name}: clicks {what}")
    if cost is not None:
        what = "its cost is not known" if paid is None else f"it cost {money.say(*paid)}"
        call.say(f"{campaign.name}: {what}")


def _is_none(text: str) -> bool:
    return text.strip().lower() == "none"
