"""pixeltrack purge"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options

EPILOG = """\
Examples:

\b
  pixeltrack purge
      what is too old; nothing is deleted
  pixeltrack purge --yes
      delete it; figures of campaigns stay
  17 3 * * *  pixeltrack --config /srv/mail/pixeltrack.toml purge --yes --quiet
      every night, as a line of crontab
"""


@click.command("purge", epilog=EPILOG)
@click.option("--yes", is_flag=True, help="Delete it.")
@click.option(
    "--clock-is-right",
    is_flag=True,
    help="Trust this machine's clock, although it seems to have been set or the machine was off for days.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@global_options
def command(yes: bool, clock_is_right: bool, as_json: bool, **options: Any) -> None:
    """Delete what is older than it may be; without --yes say what that is.

    Hits older than retention.events_days [default: 180 days] go, and campaigns' totals stay: people,
    rates, hours, links, devices. Also old addresses of clients, days of last opens after 24 months,
    proofs of consents that ended years ago, and names that nothing uses. Beside a running collector.
    """
    call = Call(options, {})
    from pixeltrack import purging
    from pixeltrack.cli.progress import progress
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import purge as show

    call.use_rules()
    now = purging.read_clock()
    with closing(open_workspace(call.settings, create=False).store) as store:
        if not clock_is_right and yes:
            purging.check_clock(store, now)
        if yes:
            steps = purging.steps(store, call.settings, now)
            with (
                progress(store.unjudged(), call, "judging") as judging,
                progress(steps, call, "deleting") as deleting,
            ):
                found = purging.purge(store, call.settings, now, judging=judging, progress=deleting)
        else:
            found = purging.look(store, call.settings, now)
    if as_json:
        click.echo(show.purged_json(found))
    elif not call.quiet:
        for line in show.purged_lines(found, configured=call.settings.events_days is not None):
            click.echo(line)
    if not found.clean:
        call.warn("another program reads the database: the journal still holds what was deleted, until then")
