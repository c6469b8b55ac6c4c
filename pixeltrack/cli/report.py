"""pixeltrack report"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.beside import asked
from pixeltrack.cli.common import Call, global_options
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
  pixeltrack report --campaign spring-sale --follow
      the same on a screen that keeps up with what comes in, until Ctrl-C
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
    compared: tuple[str, ...],
    ab: bool,
    as_csv: bool,
    as_json: bool,
    follow: bool,
    every: float | None,
    **options: Any,
) -> None:
    """Show how a campaign did, people and machines apart."""
    beside = asked(more, campaign, compared, ab=ab, csv=as_csv, json=as_json)
    if every is not None and not follow:
        raise InputError("--every is for --follow", hint="add --follow")
    if follow and (beside or as_csv):
        raise InputError(
            "--follow shows one campaign, or all of them", hint="leave out --compare, --ab and --csv"
        )
    call = Call(options, {})
    from pixeltrack import report
    from pixeltrack.cli.progress import progress
    from pixeltrack.figures import CampaignReport
    from pixeltrack.setup import open_workspace
    from pixeltrack.spool import waiting_bytes

    call.use_rules()
    result: CampaignReport | list[CampaignReport]
    if follow:
        from pixeltrack.cli.following import follow_report

        follow_report(
            call,
            lambda store, tell, failed: (
                report.build_all(store, tell, failed)
                if campaign is None
                else report.build(store, campaign, tell, failed)
            ),
            every=2.0 if every is None else every,
            as_json=as_json,
        )
        return
    store = open_workspace(call.settings, create=False).store
    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} hits are not judged, and not counted yet: {error.message}")

    with progress(waiting, call, "judging") as tell:
        if beside:
            show = beside.build(store, tell, failed)
        elif campaign is None:
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
    if beside:
        show()
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
