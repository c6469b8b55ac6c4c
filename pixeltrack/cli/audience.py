"""pixeltrack audience"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.model import Campaign
    from pixeltrack.segments import Condition
    from pixeltrack.store import Store

EPILOG = """\
Examples:

\b
  pixeltrack audience create warm --clicked any --not-converted order --within 14d
      who clicked a link in two weeks, and has not ordered
  pixeltrack audience show warm
      how many they are, how many agreed to retargeting, and why the others are left out
  pixeltrack audience export warm --for google -o warm.csv
      who agreed, hashed as Google Ads takes them
  pixeltrack inject again.html --audience warm
      a mail to all of them
"""
_DOES = ("clicked", "viewed", "converted")
_SHOWN = 5  # pages that a warning names


@click.group("audience", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Choose people by what they did, for those who agreed to it."""
    pass_on(ctx, options)


@command.command(
    "create",
    epilog="Examples:\n\n\b\n"
    "  pixeltrack audience create read --opened --campaign spring-sale --within 30d\n"
    "  pixeltrack audience create lost --viewed '/cart*' --not-converted order --not read\n",
)
@click.argument("name")
@click.option("--clicked", multiple=True, metavar="LINK", help="Number, text or address; any: any link.")
@click.option("--not-clicked", multiple=True, metavar="LINK", help="Did not click it.")
@click.option(
    "--viewed", multiple=True, metavar="PAGE", help="Path, or site and path; * at the end is any rest."
)
@click.option("--not-viewed", multiple=True, metavar="PAGE", help="Did not see it.")
@click.option("--converted", multiple=True, metavar="GOAL", help="Reached it, and it was not refunded.")
@click.option("--not-converted", multiple=True, metavar="GOAL", help="Did not reach it.")
@click.option("--unverified", is_flag=True, help="Goals count, too, that nobody has signed.")
@click.option("--opened", is_flag=True, help="Opened a mail.")
@click.option("--not-opened", is_flag=True, help="Opened none.")
@click.option("--campaign", default="", metavar="NAME", help="Of its mail alone.")
@click.option("--within", metavar="LENGTH", help="Counted back from when it is asked for, such as 14d.")
@click.option("--and", "also", multiple=True, metavar="NAME", help="Who is in that audience, too.")
@click.option("--not", "without", multiple=True, metavar="NAME", help="Who is not in that audience.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@global_options
def create_command(
    name: str,
    campaign: str,
    within: str | None,
    also: tuple[str, ...],
    without: tuple[str, ...],
    unverified: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Save an audience. All that is asked for must hold; nobody's name is kept."""
    given = {key: options.pop(key) for key in list(options) if key.removeprefix("not_") in (*_DOES, "opened")}
    call = Call(options, {})
    from pixeltrack import who
    from pixeltrack.attribution import read_length
    from pixeltrack.clock import now_ms
    from pixeltrack.segments import Segment
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.audience import asked, words
    from pixeltrack.urls import GOAL_NAME

    if not GOAL_NAME.fullmatch(name):
        raise InputError(f"an audience cannot be called {name!r}", hint="small letters, digits, - and _")
    length = read_length(within, "--within") if within else None
    with closing(open_workspace(call.settings, create=False).store) as store:
        of = store.campaign(campaign) if campaign else None
        if of:
            who.check(of, "an audience")
        conditions = tuple(_conditions(call, store, of, given, unverified=unverified))
        if not (conditions or also or without or campaign):
            raise InputError("nothing is asked for", hint="such as --clicked any")
        segment = Segment(conditions, campaign, length, also, without, unverified)
        store.add_segment(name, segment.json(), now_ms(), (*also, *without))
    if as_json:
        click.echo(json.dumps(asked(name, segment), indent=2))
    call.say(f"audience {name} is saved: {words(segment)}")


def _conditions(
    call: Call, store: Store, campaign: Campaign | None, given: dict[str, Any], *, unverified: bool
) -> list[Condition]:
    """Return what is asked for, checked; raise InputError for what there is none of."""
    from pixeltrack.meantlinks import settled
    from pixeltrack.segments import Condition

    found: list[Condition] = []
    for key, values in given.items():
        what: Any = key.removeprefix("not_")
        for of in ("",) if values is True else values or ():
            if values is not True and not of.strip():
                raise InputError(
                    f"--{key.replace('_', '-')} is empty", hint=f"--{key.replace('_', '-')} WHAT"
                )
            if what == "clicked":
                of = "" if of == "any" else settled(store, campaign, of)
            elif what == "viewed":
                _check_page(call, store, of)
            elif what == "converted":
                _check_goal(call, store, of, unverified=unverified)
            found.append(Condition(what, of, key.startswith("not_")))
    return found


def _check_page(call: Call, store: Store, page: str) -> None:
    from pixeltrack.segments import place

    host, path = place(page)
    hosts = [each.host for each in store.sites()]
    if host and (host not in hosts or not path):
        there = f"your sites are {', '.join(hosts)}" if hosts else "pixeltrack goal add --site makes a site"
        raise InputError(
            f"{page[:80]!r} is no page: neither a path, which begins with /, nor a site and a path",
            hint=there,
        )
    if not hosts:
        raise InputError(
            f"--viewed {page[:80]!r}: no site tells of pages yet", hint="pixeltrack goal add --site makes one"
        )
    exact = path.removesuffix("*")
    seen = store.pages_like(host, exact, _SHOWN if path.endswith("*") else 1)
    if not seen or (not path.endswith("*") and seen[0] != path):
        some = ", ".join(store.pages_like(host, "", _SHOWN))
        call.warn(f"nobody has seen {page} yet" + (f"; pages that were seen: {some}" if some else ""))


def _check_goal(call: Call, store: Store, name: str, *, unverified: bool) -> None:
    goal = store.goal(name)
    reached = store.reached()[goal.goal_id]
    if reached.times > reached.verified and not unverified:
        call.warn(
            f"{reached.times - reached.verified:,} of {reached.times:,} of goal {name} are unverified and do"
            " not count; --unverified counts them, too"
        )


@command.command("list", epilog="Example:\n\n\b\n  pixeltrack audience list --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@global_options
def list_command(as_json: bool, **options: Any) -> None:
    """Show which audiences are saved. Who is in one, show works out."""
    call = Call(options, {})
    from pixeltrack.segments import parsed
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.audience import asked, words
    from pixeltrack.show.text import iso

    with closing(open_workspace(call.settings, create=False).store) as store:
        saved = {name: (parsed(text), at) for name, (text, at) in store.segments().items()}
    if as_json:
        each = [asked(name, segment) | {"created": iso(at)} for name, (segment, at) in saved.items()]
        click.echo(json.dumps(each, indent=2))
        return
    for name, (segment, _at) in saved.items():
        click.echo(f"{name}: {words(segment)}")
    if not saved:
        call.say("no audience yet; pixeltrack audience create makes one")


@command.command("show", epilog="Example:\n\n\b\n  pixeltrack audience show warm --json\n")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@global_options
def show_command(name: str, as_json: bool, **options: Any) -> None:
    """Show how many people are in an audience, and why some may not be retargeted."""
    call = Call(options, {})
    from pixeltrack import segments
    from pixeltrack.cli import members
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import audience as shown

    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        segment = segments.load(store, name)
        with members.found(call, store, segment) as found:
            may = segments.allowed(store, found.people)
    if as_json:
        click.echo(json.dumps(shown.asked(name, segment) | shown.counts(found, may), indent=2))
        return
    for line in shown.lines(name, segment, found, may):
        click.echo(line)


@command.command("delete", epilog="Example:\n\n\b\n  pixeltrack audience delete warm\n")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@global_options
def delete_command(name: str, as_json: bool, **options: Any) -> None:
    """Forget an audience. Others that are made of it must be deleted first."""
    call = Call(options, {})
    from pixeltrack.setup import open_workspace

    with closing(open_workspace(call.settings, create=False).store) as store:
        store.delete_segment(name)
    if as_json:
        click.echo(json.dumps({"audience": name, "deleted": True}))
    call.say(f"audience {name} is deleted")


@command.command(
    "export",
    epilog="Examples:\n\n\b\n"
    "  pixeltrack audience export warm --for meta -o warm.csv\n"
    "  pixeltrack audience export warm --for csv -o plain.csv --force --json\n",
)
@click.argument("name")
@click.option(
    "--for",
    "platform",
    type=click.Choice(["google", "meta", "linkedin", "csv"]),
    required=True,
    help="Whose format; csv has plain addresses.",
)
@click.option("-o", "--out", type=GivenPath(path_type=Path), metavar="FILE", required=True, help="The file.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@global_options
def export_command(name: str, platform: str, out: Path, force: bool, as_json: bool, **options: Any) -> None:
    """Write who agreed to retargeting, as a platform takes them: addresses, hashed, and nothing else.

    Of csv they are not hashed.
    """
    call = Call(options, {})
    from pixeltrack import segments, uploads
    from pixeltrack.cli import members
    from pixeltrack.export.newfile import NewFile
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import audience as shown

    if str(out) == "-":
        raise InputError("-o - is no file", hint="name one, that only its owner can read")
    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        own = (call.settings.db, call.settings.key)
        with NewFile(out, force=force, not_over=own) as new:
            rows = -1  # without the header
            with members.found(call, store, segments.load(store, name)) as found:
                may = segments.allowed(store, found.people)
                for line in uploads.written(platform, store.addresses(may.people)):
                    new.file.write(line)
                    rows += 1
            counts = {"people": len(may.people), "left out": sum(may.left_out.values())}
            store.note("audience export", f"{name} for {platform}", counts=counts)
    if as_json:
        said = {"audience": name, "for": platform, "file": str(out), "rows": rows}
        click.echo(json.dumps(said | shown.counts(found, may), indent=2))
    call.say(f"{len(may.people):,} of {len(found.people):,} people are in {out}")
    for talk in shown.left_out(found, may):
        call.say(talk)
    if too := uploads.refused(platform, rows):
        call.warn(too)
