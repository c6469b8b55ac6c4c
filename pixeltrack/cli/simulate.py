"""pixeltrack simulate"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.progress import progress
from pixeltrack.errors import InputError, PixeltrackError

if TYPE_CHECKING:
    from pixeltrack.model import LinkRow
    from pixeltrack.simulate import Mix, Plan
    from pixeltrack.simulate.mailbox import Mailbox

_START = 1_774_340_400_000  # 2026-03-24 08:20 UTC, in ms: the same plan whenever it is drawn
_SHARE = click.FloatRange(0, 1)


@click.command(
    "simulate",
    epilog="""\b
Examples:
  pixeltrack simulate --people 5000 --mix b2b
  pixeltrack simulate --into trial.db --campaign spring && pixeltrack report --db trial.db
  pixeltrack simulate --play out/spring --to http://127.0.0.1:8000 --speed 3600""",
)
@click.option("--people", type=click.IntRange(1, 1_000_000), help="How many get the mail.  [default: 1000]")
@click.option(
    "--links", type=click.IntRange(1, 1_000), help="How many links it has.  [default: the mix's, 2 to 12]"
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another story.")
@click.option(
    "--mix",
    "mix_name",
    type=click.Choice(["newsletter", "b2b", "mixed", "transactional", "demo"]),
    default="newsletter",
    show_default=True,
    help="What kind of mail it is, and so who gets it.",
)
@click.option(
    "--days", type=click.IntRange(1, 365), default=3, show_default=True, help="How long it is followed."
)
@click.option("--reads", type=_SHARE, metavar="SHARE", help="Of people: look at the mail, 0 to 1.")
@click.option("--clicks", type=_SHARE, metavar="SHARE", help="Of those: follow a link.")
@click.option("--gateways", type=_SHARE, metavar="SHARE", help="Of people: a gateway follows their links.")
@click.option("--apple", type=_SHARE, metavar="SHARE", help="Of people: Apple Mail with privacy protection.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=SHARE",
    help="Any other share of docs/simulation.md; can be given again.",
)
@click.option("--honeypot", is_flag=True, default=None, help="The mail has a link that nobody can see.")
@click.option(
    "--hits", metavar="FILE", help="Write each hit with its truth as a JSON line; - is standard output."
)
@click.option(
    "--into",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Put the hits into a new database, for report.",
)
@click.option(
    "--campaign", metavar="NAME", help="With --into: the links and the size of a campaign of yours."
)
@click.option(
    "--play",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Make the hits over HTTP on the copies that inject wrote there.",
)
@click.option(
    "--to", metavar="URL", help="With --play: the collector that gets them. They stay in its database."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="With --play: so many times as fast as they were drawn.  [default: 1]",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was drawn as JSON.")
@global_options
def command(
    people: int | None,
    links: int | None,
    seed: int,
    mix_name: str,
    days: int,
    settings: tuple[str, ...],
    honeypot: bool | None,
    hits: str | None,
    into: Path | None,
    campaign: str | None,
    play: Path | None,
    to: str | None,
    speed: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw people and machines that open and click, with the truth about each hit.

    To see a report before real mail is sent, or what a change of rules does. The same seed gives the same
    hits. How they are drawn, and what that can show, is in docs/simulation.md.
    """
    shares = {name: options.pop(name) for name in ("reads", "clicks", "gateways", "apple")}
    shares["apple-privacy"] = shares.pop("apple")
    call = Call(options, {})
    _check(call, people, links, honeypot, into, campaign, play, to, speed)
    from pixeltrack.simulate import MIXES, draw

    mix = _mixed(MIXES[mix_name], shares, settings)
    table: list[LinkRow] = []
    box: Mailbox | None = None
    if campaign is not None:
        table, known = _campaign(call, campaign)
        people = people or known
        links, honeypot = sum(row.role == "link" for row in table), table[-1].role == "honeypot"
    if play is not None:
        from pixeltrack.simulate.mailbox import mailbox

        box = mailbox(play)
        people, links, honeypot = len(box.copies), box.links, box.honeypot
    people, links, honeypot = people or 1_000, links or mix.links, bool(honeypot)
    with progress(people, call, "drawing") as step:
        plan = draw(people, links, _START, seed, mix, days=days, honeypot=honeypot, progress=step)
    if hits is not None:
        _write(plan, hits)
    if into is not None:
        _store(call, plan, into, campaign or f"simulated-{mix_name}", table)
    if box is not None and to is not None:
        _play(call, plan, box, to, speed or 1)
    if hits != "-":
        _tell(plan, as_json)


def _check(
    call: Call,
    people: int | None,
    links: int | None,
    honeypot: bool | None,
    into: Path | None,
    campaign: str | None,
    play: Path | None,
    to: str | None,
    speed: float | None,
) -> None:
    """Refuse what does not go together, or would do nothing."""
    if campaign is not None and into is None:
        raise InputError(
            "--campaign needs --into", hint="--into trial.db takes the hits, never the campaign's own"
        )
    if (play is None) != (to is None):
        raise InputError(
            "--play and --to go together",
            hint="--play names the folder of the copies, --to the collector, such as http://127.0.0.1:8000",
        )
    if speed is not None and play is None:
        raise InputError("--speed is for --play")
    if play is not None and into is not None:
        raise InputError(
            "--play and --into are two ways", hint="the collector's database takes what is played"
        )
    if play is not None and people is not None:
        raise InputError("--people is settled by the copies in the folder", hint="leave it out")
    if (play or campaign) and (links is not None or honeypot):
        raise InputError("--links and --honeypot are settled by the mail", hint="leave them out")
    if call.named_files and into is None:
        raise InputError(
            "--db, --key and --config have no use without --into", hint="--into names a new database"
        )
    if into is not None and into.exists():
        raise InputError(
            f"{into} exists already", hint="name a new file: drawn hits and real ones stay apart"
        )


def _mixed(mix: Mix, shares: dict[str, float | None], settings: tuple[str, ...]) -> Mix:
    for name, share in shares.items():
        if share is not None:
            mix = mix.set(name, share)
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            mix = mix.set(name.strip(), float(value))
        except ValueError:
            raise InputError(
                f"--set {setting!r}", hint="write a name and a share, such as --set single=0.05"
            ) from None
    return mix


def _campaign(call: Call, name: str) -> tuple[list[LinkRow], int | None]:
    """A campaign's links, the honeypot last, and how many tracked messages it has. Of versions, the first."""
    from dataclasses import replace

    from pixeltrack.setup import open_workspace

    store = open_workspace(call.settings, create=False).store
    try:
        found = store.campaign(name)
        rows = store.links(found.campaign_id)
        first = min((row.version for row in rows), default=0)
        mine = [replace(row, version=0) for row in rows if row.version == first]
        table = sorted(mine, key=lambda row: row.role == "honeypot")
        _messages, tracked = store.message_counts(found.campaign_id)
    finally:
        store.close()
    if not table or table[0].role == "honeypot":
        raise InputError(f"campaign {name!r} has no links", hint="there is nothing to follow in it")
    return table, tracked or None


def _store(call: Call, plan: Plan, path: Path, name: str, table: list[LinkRow]) -> None:
    from dataclasses import replace

    from pixeltrack import agents
    from pixeltrack.setup import open_workspace
    from pixeltrack.simulate.scratch import fill, made_up_links

    key = call.settings.key if call.settings.key.exists() else path.with_name("pixeltrack.key")
    settings = replace(call.settings, db=path, key=key)
    workspace = open_workspace(settings, create=True)
    table = table or made_up_links(plan.links, plan.honeypot)
    try:
        with progress(len(plan.hits), call, "storing") as step:
            fill(workspace.store, workspace.keyring, name, table, plan, agents.reduce, step)
        workspace.store.close()
    except BaseException:  # half a database is of no use, and would be in the way of the next try
        workspace.store.close()
        for made in workspace.created:
            made.unlink(missing_ok=True)
        raise
    for made in workspace.created:
        call.say(f"created {made}")
    named = "" if key == path.with_name("pixeltrack.key") else f" --key {key}"
    call.say(f"look: pixeltrack report --db {path}{named} --campaign {name}")


def _play(call: Call, plan: Plan, box: Mailbox, to: str, speed: float) -> None:
    from urllib.parse import urlsplit

    from pixeltrack.simulate.play import pace, play

    if urlsplit(to).scheme not in ("http", "https") or not urlsplit(to).netloc:
        raise InputError(
            f"--to is {to!r}", hint="give the collector's address, such as http://127.0.0.1:8000"
        )
    if speed > 1:
        call.warn("played faster than drawn: judging by times between hits and after sending means little")
    call.say(f"playing {len(plan.hits):,} hits against {to}…")
    with progress(len(plan.hits), call, "playing") as step:
        answers = play(
            plan.hits, box.copies, pace(speed), to=to, tick=max(1, round(20 * speed)), progress=step
        )
    wrong = sum(status >= 400 for status, _where in answers)
    if wrong:
        raise PixeltrackError(
            f"{wrong:,} of {len(answers):,} hits were answered with an error",
            hint="is it the collector of the database that these copies were injected with?",
        )
    call.say(f"{len(answers):,} hits were answered")


def _write(plan: Plan, name: str) -> None:
    from pixeltrack.simulate.lines import lines

    if name == "-":
        sys.stdout.writelines(lines(plan))
        return
    try:
        with Path(name).open("w", encoding="utf-8") as file:
            file.writelines(lines(plan))
    except OSError as error:
        raise InputError(
            f"cannot write {name}: {error.strerror}", hint="name another file with --hits"
        ) from None


def _tell(plan: Plan, as_json: bool) -> None:
    from pixeltrack.simulate.truth import by_actor

    read, clicked = (sum(getattr(each, what) for each in plan.people) for what in ("read", "clicked"))
    rows = by_actor(plan)
    if as_json:
        import json

        said = {
            "mix": plan.mix,
            "seed": plan.seed,
            "people": len(plan.people),
            "links": plan.links,
            "read": read,
            "clicked": clicked,
            "hits": len(plan.hits),
            "actors": [dict(zip(("truth", "actor", "opens", "clicks"), row, strict=True)) for row in rows],
        }
        click.echo(json.dumps(said, indent=2))
        return
    click.echo(f"{plan.mix}, seed {plan.seed}: {len(plan.people):,} people, {plan.links} links")
    click.echo(f"{read:,} read it, {clicked:,} of them followed a link (seen or not)\n")
    click.echo(f"  {'truth':<10}{'actor':<24}{'opens':>9}{'clicks':>9}")
    for truth, actor, opens, clicks in rows:
        click.echo(f"  {truth:<10}{actor:<24}{opens:>9,}{clicks:>9,}")
