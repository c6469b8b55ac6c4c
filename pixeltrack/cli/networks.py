"""pixeltrack networks"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack networks
      the lists there are, how old they are, and where they come from
  pixeltrack networks lookup 66.249.88.2 2a01:111:f403::5
      which list an address is in
  pixeltrack networks update --from egress-ip-ranges.csv --from ip-ranges.json
      take newer lists, from the files of Apple and Amazon
"""
UPDATE_EPILOG = """\
Examples:

\b
  pixeltrack networks update --from goog.json --from cloud.json
      Google's own services, and those of Google Cloud's customers
  pixeltrack networks update --from ips-v4.txt --from ips-v6.txt --label cloudflare
      plain lists, one network a line: several files of one label are one list
  pixeltrack networks update --from office.csv --label our-office --date 2026-11-01
      a list of your own, which a rules file of your own can name
"""
LOOKUP_EPILOG = """\
Example:

\b
  pixeltrack networks lookup 66.249.88.2 ::ffff:17.58.1.1
"""


@click.group("networks", epilog=EPILOG, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the lists as JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Show or refresh the lists that say whose network an address is in.

    Lists come with pixeltrack; nothing is fetched. A newer one is made of a file that its publisher
    offers, in a folder beside the database, and stands in for the one that came with it.
    """
    inherited = ctx.obj or {}
    ctx.obj = {name: value if value is not None else inherited.get(name) for name, value in options.items()}
    if ctx.invoked_subcommand is not None:
        return
    call = Call(options, {})
    from pixeltrack.networks import read_lists
    from pixeltrack.show.networks import lists_json, show_lists

    lists = read_lists(call.settings.networks)
    if as_json:
        click.echo(lists_json(lists))
        return
    from rich.console import Console

    show_lists(Console(highlight=False), lists, verbose=call.verbose)


@command.command("lookup", epilog=LOOKUP_EPILOG)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…")
@global_options
def lookup(addresses: tuple[str, ...], **options: Any) -> None:
    """Print which list each address is in, with the list's date; a dash for none.

    With country_db in pixeltrack.toml, the country stands before it.
    """
    call = Call(options, {})
    from pixeltrack.networks import Networks
    from pixeltrack.networks.address import packed

    for address in addresses:
        if not packed(address):
            raise InputError(
                f"{address!r} is no IP address", hint="give it as 192.0.2.1 or 2001:db8::1, without a port"
            )
    networks = Networks.of(call.settings.networks, call.settings.country_db)
    for address in addresses:
        click.echo(f"{address}\t{networks.label(address) or '–'}")


@command.command("update", epilog=UPDATE_EPILOG)
@click.option(
    "--from",
    "files",
    metavar="FILE",
    multiple=True,
    required=True,
    help="A publisher's file; may be repeated.",
)
@click.option(
    "--label", metavar="LABEL", default="", help="Whose networks they are, if the file does not tell."
)
@click.option(
    "--date",
    "day",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Of which day they are  [default: as the file or its name tells, else today]",
)
@click.option("--force", is_flag=True, help="Also take a list that is empty or has shrunk by more than 90 %.")
@global_options
def update(files: tuple[str, ...], label: str, day: Any, force: bool, **options: Any) -> None:
    """Take newer lists from files that their publishers offer.

    Apple's egress-ip-ranges.csv, Amazon's ip-ranges.json, Google's goog.json and cloud.json, Azure's
    ServiceTags_Public_….json, the Microsoft 365 endpoints, Oracle's public_ip_ranges.json,
    Cloudflare's, DigitalOcean's and Linode's lists are known by what is in them; so are SPF records.
    Anything else is a text with one network a line, and --label.

    All of it is checked before any list is changed. A collector that is running takes them up when it
    is told to reload (SIGHUP), or started again.
    """
    call = Call(options, {})
    from datetime import UTC, datetime

    from pixeltrack.networks.update import update as take

    done = take(
        [(name, _text(name)) for name in files],
        call.settings.networks,
        label=label,
        day=f"{day:%Y-%m-%d}" if day else "",
        force=force,
        today=f"{datetime.now(UTC):%Y-%m-%d}",
    )
    for each in done:
        had = "new" if each.before is None else f"{each.before:,} before"
        what = f"{each.ranges:,} ranges ({had})" if each.changed else "as it is already"
        call.say(f"{each.label}, {each.date}: {what}")


def _text(name: str) -> str:
    try:
        return Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not text (byte {error.start})", hint="unpack it first, if it is compressed"
        ) from None
