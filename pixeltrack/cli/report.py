"""pixeltrack report"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.beside import asked
from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath, replace_own
from pixeltrack.errors import InputError, StoreError

EPILOG = """\
Examples:

\b
  pixeltrack report --campaign spring-sale
      one campaign in full
  pixeltrack report --compare spring-sale summer-sale
      campaigns side by side; as many as you like
  pixeltrack report --campaign spring-sale --ab
      the versions that inject --version made: which is clicked more, and how sure that is
  pixeltrack report --campaign spring-sale --html report.html
      as a page, with each link's share drawn on the mail
"""


@click.command("report", epilog=EPILOG)
@click.argument("more", nargs=-1, metavar="")
@click.option("--campaign", metavar="NAME", help="One campaign in full; without it all, one line each.")
@click.option(
    "--compare", "compared", multiple=True, metavar="A B …", help="Campaigns side by side, two or more."
)
@click.option("--ab", is_flag=True, help="Versions of the campaign beside each other, machines left out.")
@click.option("--csv", "as_csv", is_flag=True, help="Print --compare or --ab as CSV.")
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
    more: tuple[str, ...],
    campaign: str | None,
    compared: tuple[str, ...],
    ab: bool,
    as_csv: bool,
    as_json: bool,
    tz: str | None,
    html: Path | None,
    templates: Path | None,
    **options: Any,
) -> None:
    """Show how a campaign did, people and machines apart."""
    beside = asked(more, campaign, compared, ab=ab, csv=as_csv, json=as_json)
    call = Call(options, {})
    if html and beside:
        raise InputError("--html is for one campaign, or all", hint="leave it out, or --compare and --ab")
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
        if beside:
            show = beside.build(store, tell, failed)
        elif campaign is None:
            result = report.build_all(store, tell, failed, zone=zone)
        else:
            result = report.build(store, campaign, tell, failed, zone=zone)
    mails = report.kept_mails(store, campaign) if pages and campaign is not None else []
    store.close()
    spooled = waiting_bytes(call.settings.db)
    if spooled:
        call.warn(
            f"{spooled:,} bytes of hits wait in a spool beside {call.settings.db} and are not counted yet;"
            " pixeltrack serve takes them in"
        )
    if beside:
        show()
        return
    if pages and html:
        page = pages.campaign(result, mails) if isinstance(result, CampaignReport) else pages.overview(result)
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
