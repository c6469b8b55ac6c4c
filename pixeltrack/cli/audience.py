"""pixeltrack audience"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack audience create warm --clicked any --not-converted order --within 14d
      who clicked a link in two weeks, and has not ordered
  pixeltrack audience show warm
      how many they are, and how many agreed to retargeting
  pixeltrack audience export warm --for google -o warm.csv
      these, hashed as Google Ads takes them
"""
_DOES = ("clicked", "viewed", "converted")


@click.group("audience", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Choose people by what they did, for those who agreed to it."""
    pass_on(ctx, options)


@command.command("create", epilog="Example:\n\n\b\n  pixeltrack audience create read --opened --not warm\n")
@click.argument("name")
@click.option("--clicked", multiple=True, metavar="LINK", help="Number, text or address; any: any link.")
@click.option("--not-clicked", multiple=True, metavar="LINK", help="Did not click it.")
@click.option("--viewed", multiple=True, metavar="PAGE", help="Path; * at the end is any rest.")
@click.option("--not-viewed", multiple=True, metavar="PAGE", help="Did not see it.")
@click.option("--converted", multiple=True, metavar="GOAL", help="Reached it, and it was not refunded.")
@click.option("--not-converted", multiple=True, metavar="GOAL", help="Did not reach it.")
@click.option("--opened", is_flag=True, help="Opened a mail.")
@click.option("--not-opened", is_flag=True, help="Opened none.")
@click.option("--campaign", default="", metavar="NAME", help="Of its mail alone.")
@click.option("--within", metavar="LENGTH", help="Counted back from when it is asked for, such as 14d.")
@click.option("--and", "also", multiple=True, metavar="NAME", help="Who is in that audience, too.")
@click.option("--not", "without", multiple=True, metavar="NAME", help="Who is not in that audience.")
@global_options
def create_command(
    name: str,
    campaign: str,
    within: str | None,
    also: tuple[str, ...],
    without: tuple[str, ...],
    **options: Any,
) -> None:
    """Save an audience. All that is asked for must hold; nobody's name is kept."""
    asked = {key: options.pop(key) for key in list(options) if key.removeprefix("not_") in (*_DOES, "opened")}
    call = Call(options, {})
    from pixeltrack.attribution import read_length
    from pixeltrack.clock import now_ms
    from pixeltrack.segments import Condition, Segment, load
    from pixeltrack.setup import open_workspace
    from pixeltrack.urls import GOAL_NAME

    if not GOAL_NAME.fullmatch(name):
        raise InputError(f"an audience cannot be called {name!r}", hint="small letters, digits, - and _")
    conditions: list[Condition] = []
    for key, given in asked.items():
        what: Any = key.removeprefix("not_")
        for of in ("",) if given is True else given or ():
            conditions.append(Condition(what, "" if of == "any" else of, key.startswith("not_")))
    if not (conditions or also or without or campaign):
        raise InputError("nothing is asked for", hint="such as --clicked any")
    length = read_length(within, "--within") if within else None
    with closing(open_workspace(call.settings, create=False).store) as store:
        if campaign:
            store.campaign(campaign)
        for each in conditions:
            if each.what == "converted":
                store.goal(each.of)
        for other in (*also, *without):
            load(store, other)
        store.add_segment(name, Segment(tuple(conditions), campaign, length, also, without).json(), now_ms())
    call.say(f"audience {name} is saved")


@command.command("list", epilog="Example:\n\n\b\n  pixeltrack audience list --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@global_options
def list_command(as_json: bool, **options: Any) -> None:
    """Show which audiences are saved."""
    call = Call(options, {})
    from pixeltrack.setup import open_workspace

    with closing(open_workspace(call.settings, create=False).store) as store:
        saved = store.segments()
    if as_json:
        click.echo(json.dumps({name: json.loads(text) for name, (text, _at) in saved.items()}, indent=2))
        return
    for name in saved:
        click.echo(name)


@command.command("show", epilog="Example:\n\n\b\n  pixeltrack audience show warm --json\n")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@global_options
def show_command(name: str, as_json: bool, **options: Any) -> None:
    """Show how many people are in an audience, and why some may not be retargeted."""
    call = Call(options, {})
    call.use_rules()
    with closing(_open(call)) as store:
        found, kept, left = _look(call, store, name)
    if as_json:
        said = {"audience": name, "people": len(found.people), "retargeting": len(kept)}
        click.echo(json.dumps(said | {"left_out": left, "unnamed": len(found.unnamed)}, indent=2))
        return
    click.echo(f"{name}: {len(found.people):,} people, {len(kept):,} agreed to retargeting")
    for line in _why(left, len(found.unnamed)):
        click.echo(line)


@command.command("delete", epilog="Example:\n\n\b\n  pixeltrack audience delete warm\n")
@click.argument("name")
@global_options
def delete_command(name: str, **options: Any) -> None:
    """Forget an audience. Others that name it must be deleted first."""
    call = Call(options, {})
    from pixeltrack.segments import load

    with closing(_open(call)) as store:
        load(store, name)
        for other in store.segments():
            segment = load(store, other)
            if name in (*segment.also, *segment.without):
                raise InputError(f"audience {other!r} needs {name!r}", hint=f"delete {other} first")
        store.delete_segment(name)
    call.say(f"audience {name} is deleted")


@command.command(
    "export", epilog="Example:\n\n\b\n  pixeltrack audience export warm --for meta -o warm.csv\n"
)
@click.argument("name")
@click.option("--for", "platform", type=click.Choice(["google", "meta", "linkedin", "csv"]), required=True)
@click.option("-o", "--out", type=GivenPath(path_type=Path), metavar="FILE", required=True, help="The file.")
@click.option("--force", is_flag=True, help="Replace the file.")
@global_options
def export_command(name: str, platform: str, out: Path, force: bool, **options: Any) -> None:
    """Write who agreed to retargeting, as a platform takes them: hashed addresses and nothing else."""
    call = Call(options, {})
    from pixeltrack import uploads
    from pixeltrack.export.newfile import NewFile

    call.use_rules()
    with closing(_open(call)) as store:
        found, kept, left = _look(call, store, name)
        own = (call.settings.db, call.settings.key)
        with NewFile(out, force=force, not_over=own) as new:
            counts = {"people": len(kept), "left out": len(found.people) - len(kept)}
            store.note("audience export", f"{name} for {platform}", counts=counts)
            new.file.write(uploads.written(platform, kept))
    call.say(f"{len(kept):,} of {len(found.people):,} people are in {out}")
    for line in _why(left, len(found.unnamed)):
        call.say(line)


def _why(left: dict[str, int], unnamed: int) -> list[str]:
    lines = [f"left out: {count:,} {why}" for why, count in sorted(left.items())]
    return [*lines, f"not told of by name, so in no audience: {unnamed:,}"] if unnamed else lines


def _open(call: Call) -> Any:
    from pixeltrack.setup import open_workspace

    return open_workspace(call.settings, create=False).store


def _look(call: Call, store: Any, name: str) -> Any:
    from pixeltrack import segments, verdicts
    from pixeltrack.clock import now_ms
    from pixeltrack.setup import open_workspace

    verdicts.bring_up_to_date(store)
    found = segments.build(store, segments.load(store, name), now_ms())
    workspace = open_workspace(call.settings, create=False)
    workspace.store.close()
    return (found, *segments.allowed(store, workspace.keyring, found.people))
