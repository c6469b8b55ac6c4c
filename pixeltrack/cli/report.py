"""pixeltrack report"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath, replace_own
from pixeltrack.errors import InputError, StoreError


@click.command(
    "report",
    epilog="Examples:  pixeltrack report --campaign spring-sale\n\n"
    "pixeltrack report --campaign spring-sale --html report.html",
)
@click.option("--campaign", metavar="NAME", help="One campaign in full; without it all, one line each.")
@click.option("--json", "as_json", is_flag=True, help="Print the same figures as JSON.")
@click.option(
    "--tz", metavar="ZONE", help="Of weekdays and hours in JSON and HTML.  [default: this machine's]"
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
@global_options
def command(
    campaign: str | None,
    as_json: bool,
    tz: str | None,
    html: Path | None,
    templates: Path | None,
    **options: Any,
) -> None:
    """Show how a campaign did, people and machines apart."""
    call = Call(options, {})
    if templates and not html:
        raise InputError("--templates is for --html", hint="add --html FILE")
    if html and as_json:
        raise InputError("--html and --json are two runs", hint="leave one out")
    pages = None
    if html:
        from pixeltrack.show.page import ReportPages

        pages = ReportPages(templates)  # before anything is counted: a template may not work
    from pixeltrack import report
    from pixeltrack.cli.progress import progress
    from pixeltrack.figures import CampaignReport
    from pixeltrack.setup import open_workspace
    from pixeltrack.spool import waiting_bytes
    from pixeltrack.times import read_zone

    zone = None if tz is None else read_zone(tz)
    call.use_rules()
    result: CampaignReport | list[CampaignReport]
    store = open_workspace(call.settings, create=False).store
    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} hits are not judged, and not counted yet: {error.message}")

    with progress(waiting, call, "judging") as tell:
        if campaign is None:
            result = report.build_all(store, tell, failed, zone=zone)
        else:
            result = report.build(store, campaign, tell, failed, zone=zone)
    mail = report.kept_mail(store, campaign) if pages and campaign is not None else None
    store.close()
    spooled = waiting_bytes(call.settings.db)
    if spooled:
        call.warn(
            f"{spooled:,} bytes of hits wait in a spool beside {call.settings.db} and are not counted yet;"
            " pixeltrack serve takes them in"
        )
    if pages and html:
        page = pages.campaign(result, mail) if isinstance(result, CampaignReport) else pages.overview(result)
        replace_own(html, page, pages.mark, "--html")
        call.say(f"wrote {html}")
        return
    if as_json:
        from pixeltrack.show.json import as_json as encode

        click.echo(encode(result))
        return
    from rich.console import Console

    from pixeltrack.show import terminal

    console = Console(highlight=False)
    if isinstance(result, CampaignReport):
        terminal.show_report(console, result)
    elif result:
        terminal.show_overview(console, result)
    else:
        call.say("no campaign yet; pixeltrack inject makes one")
