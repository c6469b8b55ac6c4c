"""pixeltrack report"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.cli.wanted import Earning, Options, wanted
from pixeltrack.errors import InputError, StoreError

EPILOG = """\
Examples:

\b
  pixeltrack report --campaign spring-sale
      one campaign in full
  pixeltrack report --campaign spring-sale --html report.html
      the same as a page, with the mail and each link's share on it
  pixeltrack report --campaign spring-sale --by device
      opens and clicks by one thing; --csv and --json have all of it
  pixeltrack report --campaign spring-sale --who not-opened --csv > again.csv
      a list for the next mail
  pixeltrack report --compare spring-sale summer-sale
      campaigns side by side; as many as you like
  pixeltrack report --campaign spring-sale --ab
      the versions that inject --version made: which is clicked more, and how sure that is
  pixeltrack report --conversions --window 7d --model last-click
      what orders and other goals earned, by campaign; with --campaign by link, too
  pixeltrack report --campaign spring-sale --funnel
      how far its people came: sent, opened, clicked, viewed, converted
  pixeltrack report --campaign spring-sale --follow
      on a screen that keeps up with what comes in, until Ctrl-C
"""
BY = (
    "link, group, hour, day, weekday, device, os, browser, client, provider, domain, company, industry,"
    " size, region, country, or version"
)


@click.command("report", epilog=EPILOG)
@click.argument("more", nargs=-1, metavar="")
@click.option("--campaign", metavar="NAME", help="One campaign in full; without it all, one line each.")
@click.option("--full", is_flag=True, help="The campaign with every row, and what each figure means.")
@click.option("--by", metavar="WHAT", help=f"The campaign's opens and clicks by one thing: {BY}.")
@click.option(
    "--who",
    metavar="WHAT",
    help="People who did something: opened, clicked, not-opened, or clicked:LINK, a link's number or text.",
)
@click.option(
    "--inactive-since",
    metavar="DATE",
    help="Recipients of any campaign whose last open is before then, or who have none.",
)
@click.option(
    "--compare", "compared", multiple=True, metavar="A B …", help="Campaigns side by side, two or more."
)
@click.option("--ab", is_flag=True, help="Versions of the campaign beside each other, machines left out.")
@click.option("--conversions", is_flag=True, help="What conversions earned, by goal, campaign and link.")
@click.option("--funnel", is_flag=True, help="How far the campaign's people came, step by step.")
@click.option(
    "--model",
    metavar="MODEL",
    help="Who earns a conversion: last-click, first-click, linear, time-decay, or position."
    "  [default: last-click]",
)
@click.option(
    "--window",
    metavar="LENGTH",
    help="How long before a conversion a click counts, as 7d, 36h, 90m.  [default: 7d]",
)
@click.option(
    "--half-life",
    metavar="LENGTH",
    help="Of --model time-decay: a click so much older earns half.  [default: 7d]",
)
@click.option("--goal", metavar="NAME", help="Only conversions of this goal.")
@click.option("--since", metavar="TIME", help="Only hits since then, in ISO 8601.")
@click.option("--until", metavar="TIME", help="Only hits before then.")
@click.option(
    "--tz",
    metavar="ZONE",
    help="Of hours, days and weekdays, and of times without an offset.  [default: this machine's]",
)
@click.option(
    "--html",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Write the same figures as one page that loads nothing, with the mail and each link's share on it.",
)
@click.option(
    "--templates",
    type=GivenPath(path_type=Path),
    metavar="DIR",
    help="Your own templates for --html; ours stand in for those that are not there.",
)
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print the figures as CSV: a row a campaign, value, person or version.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the same figures as JSON.")
@click.option("--follow", is_flag=True, help="Go on: show the figures again as they change, until stopped.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1, max=3600),
    metavar="SECONDS",
    help="How often --follow looks.  [default: 2]",
)
@global_options
def command(
    more: tuple[str, ...],
    campaign: str | None,
    full: bool,
    by: str | None,
    who: str | None,
    inactive_since: str | None,
    compared: tuple[str, ...],
    ab: bool,
    conversions: bool,
    funnel: bool,
    model: str | None,
    window: str | None,
    half_life: str | None,
    goal: str | None,
    since: str | None,
    until: str | None,
    tz: str | None,
    html: Path | None,
    templates: Path | None,
    as_csv: bool,
    as_json: bool,
    follow: bool,
    every: float | None,
    **options: Any,
) -> None:
    """Show how a campaign did, people and machines apart."""
    call = Call(options, {})
    report = wanted(
        Options(
            more,
            campaign,
            compared,
            ab,
            by,
            who,
            inactive_since,
            since,
            until,
            tz,
            html,
            templates,
            as_csv,
            as_json,
            full,
            conversions,
            funnel,
            Earning(model, window, half_life, goal),
        ),
        call.say,
    )
    if follow and (html or as_csv):
        raise InputError("--follow prints for a screen, or JSON", hint="leave out --html and --csv")
    if every is not None and not follow:
        raise InputError("--every is for --follow", hint="add --follow")
    from pixeltrack.cli.progress import progress
    from pixeltrack.cli.reported import ByProperty, Listed
    from pixeltrack.setup import open_workspace
    from pixeltrack.spool import waiting_bytes

    call.use_rules()
    if follow:
        from pixeltrack.cli.following import follow_report

        if who:
            with closing(open_workspace(call.settings, create=False).store) as store:
                call.note(store, "names", campaign or "", {"followed": 1})
        follow_report(call, report, every=2.0 if every is None else every, as_json=as_json)
        return
    store = open_workspace(call.settings, create=False).store
    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} hits are not judged, and not counted yet: {error.message}")

    with progress(waiting + report.steps(store), call, "counting") as tell:
        show = report.build(store, tell, failed)
    if who:  # names are opened: that is put down before anybody sees them
        call.note(store, "names", campaign or "")
    if as_csv and campaign and (by or who):
        call.gone(store, [campaign], report.span.since if isinstance(report, ByProperty | Listed) else None)
    store.close()
    spooled = waiting_bytes(call.settings.db)
    if spooled:
        call.warn(
            f"{spooled:,} bytes of hits wait in a spool beside {call.settings.db} and are not counted yet;"
            " pixeltrack serve takes them in"
        )
    show()
