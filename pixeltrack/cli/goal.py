"""pixeltrack goal"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack goal add order --site shop.example
      orders on shop.example and below it count from now on
  pixeltrack goal snippet order
      the HTML for the thank-you page, and for every page
  pixeltrack goal key order
      what the shop's server signs its calls with
  pixeltrack goal tell order --from-file orders.csv
      orders that your shop exports, instead of calls
  pixeltrack goal pages
      which pages were seen, by whom and by what
  pixeltrack goal
      all goals, with how often each was reached
"""

TELL = """\
Examples:

\b
  pixeltrack goal tell order --order 17 --value 49.90 --currency EUR --email ann@example.com
      an order, and whose it is
  pixeltrack goal tell order --order 17 --refund
      it is taken back
  pixeltrack goal tell order --order 17 --refund --value 10 --currency EUR --id r1
      or ten euros of it
  pixeltrack goal tell order --from-file orders.csv
      with columns order, value, currency, at, email, pt, refund; again and again, each counts once
"""


@click.group("goal", invoke_without_command=True, epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Say what may be reached on your sites, and get what to paste there.

    A goal is an order, a sign-up, a download. A page of the site tells of it by an image or a script, its
    server by a signed call; inject --attribute leads from the click to it.
    """
    if ctx.invoked_subcommand:
        pass_on(ctx, options)
        return
    call = Call(options, {})
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.goals import goals_json, show_goals

    with closing(open_workspace(call.settings, create=False).store) as store:
        goals, reached, signalled = store.goals(), store.reached(), store.signalled()
    if as_json:
        click.echo(goals_json(goals, reached))
    elif goals:
        from rich.console import Console

        show_goals(Console(highlight=False), goals, reached, signalled)
    else:
        call.say("no goal yet; pixeltrack goal add order --site shop.example")


@command.command("add", epilog="Example:\n\n\b\n  pixeltrack goal add order --site shop.example\n")
@click.argument("name")
@click.option("--site", "host", metavar="HOST", required=True, help="The site; hosts below it belong to it.")
@global_options
def add_command(name: str, host: str, **options: Any) -> None:
    """Make a goal. Its site is made, too, where it is the first there."""
    call = Call(options, {})
    from pixeltrack.clock import now_ms
    from pixeltrack.setup import open_workspace
    from pixeltrack.urls import GOAL_NAME

    if not GOAL_NAME.fullmatch(name):
        raise InputError(
            f"a goal cannot be called {name!r}",
            hint="use small letters, digits, - and _, at most 32, such as order",
        )
    workspace = open_workspace(call.settings, create=True)
    with closing(workspace.store) as store:
        now = now_ms()
        goal = store.add_goal(name, store.add_site(_host(host), now), now)
    call.created(workspace.created)
    call.say(
        f"{goal.name} counts on {goal.host}; pixeltrack goal snippet {goal.name} prints what to paste there"
    )


@command.command("snippet", epilog="Example:\n\n\b\n  pixeltrack goal snippet order\n")
@click.argument("name")
@click.option("--base-url", metavar="URL", help="Public address of your collector  [env PIXELTRACK_BASE_URL]")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@global_options
def snippet_command(name: str, base_url: str | None, as_json: bool, **options: Any) -> None:
    """Print the HTML to paste: images that need no script, and the script that fills itself in."""
    call = Call(options, {"base_url": base_url})
    from pixeltrack import snippets
    from pixeltrack.setup import open_workspace
    from pixeltrack.urls import addresses

    places = addresses(call.settings.base_url)
    with closing(open_workspace(call.settings, create=False).store) as store:
        goal = store.goal(name)
    found = snippets.of(goal, places)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo("\n\n".join(f"<!-- {snippets.SAID[what]} -->\n{html}" for what, html in found.items()))
    if places.is_loopback:
        call.warn(f"{places.base} is this machine alone; give --base-url https://track.example.com")


@command.command("tell", epilog=TELL)
@click.argument("name")
@click.option("--order", metavar="ID", help="Your own number of the order; it counts once.")
@click.option("--value", metavar="AMOUNT", help="What it is worth, such as 49.90.")
@click.option("--currency", metavar="CODE", help="Its currency in ISO 4217, such as EUR.")
@click.option("--at", metavar="TIME", help="When it was, in ISO 8601 or Unix seconds  [default: now]")
@click.option("--email", metavar="ADDRESS", help="Whose it is, by address; it is not kept.")
@click.option("--pt", metavar="TOKEN", help="Or by the parameter that a click came with.")
@click.option("--refund", is_flag=True, help="It is taken back: all of it, or as much as --value says.")
@click.option("--id", "entry", metavar="ID", help="Your number of a refund of a part; it counts once.")
@click.option(
    "--from-file",
    "file",
    type=click.Path(dir_okay=False),
    metavar="CSV",
    help="Read many of a file; - is standard input.",
)
@global_options
def tell_command(name: str, file: str | None, refund: bool, entry: str | None, **options: Any) -> None:
    """Record orders and refunds from here, for a shop that makes no calls. They count as signed ones do.

    A file has a header line, and a row for each order. A row with something under refund takes the order
    back; what stands there is the refund's own number where it has a value, too.
    """
    said = {what: options.pop(what) for what in ("order", "value", "currency", "at", "email", "pt")}
    call = Call(options, {})
    from pixeltrack import orderfile, ordering
    from pixeltrack.setup import open_workspace

    if (file is None) == (said["order"] is None):
        raise InputError("give --order, or --from-file", hint="pixeltrack goal tell --help has examples")
    if file is not None and (refund or entry or any(said.values())):
        raise InputError("--from-file says all of it", hint="leave the other options out")
    given = {what: value for what, value in said.items() if value}
    if refund:
        given["refund"] = given.pop("order")
    if entry:
        given["id"] = entry
    workspace = open_workspace(call.settings, create=False)
    with closing(workspace.store) as store:
        goal = store.goal(name)
        rows = orderfile.read(file) if file is not None else [(0, given)]
        told = ordering.tell(goal, rows, workspace, call.settings, file or "")
    call.say(
        f"{goal.name}: {told.orders:,} orders and {told.refunds:,} refunds recorded"
        + (f", {told.known:,} known already" if told.known else "")
        + (f", {told.previews:,} of previews left out" if told.previews else "")
    )


@command.command("pages", epilog="Example:\n\n\b\n  pixeltrack goal pages --site shop.example\n")
@click.option("--site", "host", metavar="HOST", help="One site; without it all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@global_options
def pages_command(host: str | None, as_json: bool, **options: Any) -> None:
    """Show which pages were seen: by people whose mail led there, by everybody else, and by machines.

    People are told apart where their mail measured clicks one by one and they have not refused since. All
    others are only counted, in tens and for hours that are over.
    """
    call = Call(options, {})
    from pixeltrack.clock import now_ms
    from pixeltrack.seen import sites_of
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.pages import pages_json, show_pages

    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        found = sites_of(store, host, now_ms())
    if as_json:
        click.echo(pages_json(found))
    elif found:
        from rich.console import Console

        show_pages(Console(highlight=False), found)
    else:
        call.say("no site yet; pixeltrack goal add order --site shop.example")


@command.command("key", epilog="Example:\n\n\b\n  pixeltrack goal key order --renew\n")
@click.argument("name")
@click.option("--renew", is_flag=True, help="Make another; the present one holds until it is renewed again.")
@global_options
def key_command(name: str, renew: bool, **options: Any) -> None:
    """Print the key, in hex, with which the server of a goal's site signs its calls. Keep it secret."""
    call = Call(options, {})
    from pixeltrack.setup import open_workspace

    workspace = open_workspace(call.settings, create=False)
    with closing(workspace.store) as store:
        site = store.site(store.goal(name).host)
        if renew:
            site = store.renew_site_key(site.host)
    click.echo(workspace.keyring.site_key(site.host, site.generation).hex())
    call.say(
        f"the key of {site.host}, number {site.generation}; docs/conversions.md says how calls are signed"
    )


def _host(given: str) -> str:
    from pixeltrack import hrefs
    from pixeltrack.destinations import is_suffix

    host = hrefs.host(given if "//" in given else f"https://{given}")
    if not host or (given.strip().lower().partition("//")[2] or given.strip().lower()).strip("/") != host:
        raise InputError(f"--site {given!r} is no host", hint="for instance --site shop.example")
    if is_suffix(host):
        raise InputError(
            f"--site {given!r} is no site: others register names below it", hint=f"such as --site shop.{host}"
        )
    return host
