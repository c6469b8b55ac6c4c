"""pixeltrack report"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import StoreError


@click.command("report", epilog="Example:  pixeltrack report --campaign spring-sale")
@click.option("--campaign", metavar="NAME", help="One campaign in full; without it all, one line each.")
@click.option("--json", "as_json", is_flag=True, help="Print the same figures as JSON.")
@global_options
def command(campaign: str | None, as_json: bool, **options: Any) -> None:
    """Show how a campaign did, people and machines apart."""
    call = Call(options, {})
    from pixeltrack import report
    from pixeltrack.cli.progress import progress
    from pixeltrack.figures import CampaignReport
    from pixeltrack.setup import open_workspace
    from pixeltrack.spool import waiting_bytes

    call.use_rules()
    result: CampaignReport | list[CampaignReport]
    store = open_workspace(call.settings, create=False).store
    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} hits are not judged, and not counted yet: {error.message}")

    with progress(waiting, call, "judging") as tell:
        if campaign is None:
            result = report.build_all(store, tell, failed)
        else:
            result = report.build(store, campaign, tell, failed)
    store.close()
    spooled = waiting_bytes(call.settings.db)
    if spooled:
        call.warn(
            f"{spooled:,} bytes of hits wait in a spool beside {call.settings.db} and are not counted yet;"
            " pixeltrack serve takes them in"
        )
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
