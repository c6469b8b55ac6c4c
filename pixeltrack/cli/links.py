"""pixeltrack links"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack links --campaign spring-sale
      where each link of the campaign leads
  pixeltrack links --nginx-map > /etc/nginx/pixeltrack.map
      for an nginx that redirects clicks by itself; pixeltrack ingest reads its log
"""


@click.command("links", epilog=EPILOG)
@click.option("--campaign", metavar="NAME", help="One campaign; without it all of them.")
@click.option("--nginx-map", is_flag=True, help="Print a map for nginx: from each link to its destination.")
@click.option("--json", "as_json", is_flag=True, help="Print the link tables as JSON.")
@global_options
def command(campaign: str | None, nginx_map: bool, as_json: bool, **options: Any) -> None:
    """Show where the links of a campaign lead.

    A link table is never changed: mail in inboxes points at it. Number, label, group, destination, and
    whether it is a honeypot, which people cannot see.
    """
    call = Call(options, {})
    from pixeltrack.setup import open_workspace

    if nginx_map and as_json:
        raise InputError("--nginx-map and --json are two formats", hint="give one of them")
    workspace = open_workspace(call.settings, create=False)
    store = workspace.store
    chosen = store.campaigns() if campaign is None else [store.campaign(campaign)]
    tables = [(each, store.links(each.campaign_id)) for each in chosen]
    names = {each.campaign_id: store.versions(each.campaign_id) for each in chosen}
    store.close()
    if nginx_map:
        from pixeltrack import nginxmap

        left: list[nginxmap.Unmapped] = []
        for line in nginxmap.lines(tables, workspace.keyring, left):
            click.echo(line)
        for link in left:
            call.warn(
                f"link {link.number} of {link.campaign} is not in the map: {link.reason};"
                " send what nginx does not know on to pixeltrack serve"
            )
        return
    if as_json:
        from pixeltrack.show.linktable import tables_json

        click.echo(tables_json(tables, names, one=campaign is not None))
        return
    if not tables:
        call.say("no campaign yet; pixeltrack inject makes one")
        return
    from rich.console import Console

    from pixeltrack.show.linktable import show_tables

    show_tables(Console(highlight=False), tables, names)
