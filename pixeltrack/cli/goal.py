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
  pixeltrack goal
      all goals, with how often each was reached
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
        goals, reached = store.goals(), store.reached()
    if as_json:
        click.echo(goals_json(goals, reached))
    elif goals:
        from rich.console import Console

        show_goals(Console(highlight=False), goals, reached)
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

    host = hrefs.host(given if "//" in given else f"https://{given}")
    if not host or (given.strip().lower().partition("//")[2] or given.strip().lower()).strip("/") != host:
        raise InputError(f"--site {given!r} is no host", hint="for instance --site shop.example")
    return host
