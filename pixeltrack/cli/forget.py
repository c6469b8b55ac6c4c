"""pixeltrack forget"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import PixeltrackError

if TYPE_CHECKING:
    from pixeltrack.leftovers import Leftover
    from pixeltrack.rights import Erased

EPILOG = """\
Examples:

\b
  pixeltrack forget ada@example.com --dry-run
      how many rows there are, and which files hold Ada; nothing is changed
  pixeltrack forget ada@example.com --outputs out --backups backups
      erase Ada, and name the files in these folders that still hold her
  pixeltrack forget ada@example.com --outputs out --clean --yes
      take her out of the folders that inject wrote too
  pixeltrack forget --asked
      erase who has pressed the button on their own page, if no collector has done it yet
"""
_FOLDER = GivenPath(path_type=Path)


@click.command("forget", epilog=EPILOG)
@click.argument("address", required=False)
@click.option("--asked", is_flag=True, help="Erase who has asked for it on their own page, and still waits.")
@click.option("--outputs", type=_FOLDER, multiple=True, metavar="DIR", help="Look through what inject wrote.")
@click.option("--backups", type=_FOLDER, multiple=True, metavar="PATH", help="Look through backups.")
@click.option("--clean", is_flag=True, help="Take the person out of the files in --outputs.")
@click.option("--all", "everything", is_flag=True, help="Prepare no mail for them any more, too.")
@click.option("--dry-run", is_flag=True, help="Say what is held and where; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@global_options
def command(
    address: str | None,
    asked: bool,
    outputs: tuple[Path, ...],
    backups: tuple[Path, ...],
    clean: bool,
    everything: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Erase one person everywhere, and prove it byte by byte.

    Every row goes, with the journal and the spool. A keyed hash of the address stays, so that they are
    never measured again, and with it what they agreed to and refused. Links in their mail go on working.
    Exit code 1 where something is not finished, or is found that should not be there.
    """
    if asked == (address is not None):
        raise click.UsageError("give an address, or --asked")
    if asked and (outputs or backups or clean or everything or dry_run):
        raise click.UsageError("--asked goes with --json alone: nobody's address is known beforehand")
    call = Call(options, {})
    if asked:
        _erase_asked(call, as_json=as_json)
        return
    from pixeltrack import leftovers, rights
    from pixeltrack.clock import now_ms
    from pixeltrack.recipients import identity
    from pixeltrack.setup import open_workspace

    known_as = identity(address or "", "ADDRESS")
    call.use_rules()
    workspace = open_workspace(call.settings, create=False)
    with closing(workspace.store) as store:
        patterns = rights.patterns_of(store, workspace.keyring, known_as)
        own = rights.own_files(store.path)
        left = leftovers.find((*outputs, *backups, *rights.set_aside(store.path)), patterns, own)
        if dry_run:
            held = rights.export_of(store, workspace.keyring, known_as, call.settings, now_ms())
            _say_dry(held, left, as_json=as_json)
            return
        if not yes:
            click.confirm(f"Erase {known_as} for good?", abort=True, err=True)
        erased = rights.erase(store, workspace.keyring, known_as, now_ms(), everything=everything)
    if clean:
        mine = [each for each in left if any(each.path.is_relative_to(folder) for folder in outputs)]
        left = [each for each in left if each not in mine or not leftovers.clean(each, patterns)]
    _say(erased, left, as_json=as_json)
    if erased.residues:
        raise PixeltrackError(
            "traces of the person are left, see above", hint="stop serve, then run it again"
        )
    if erased.unfinished:
        raise PixeltrackError(
            f"not finished: {'; '.join(erased.unfinished)}",
            hint="run the same command again when that program has ended",
        )


def _erase_asked(call: Call, *, as_json: bool) -> None:
    """Erase who waits for it, as the collector has it done beside itself."""
    from pixeltrack import rights
    from pixeltrack.clock import now_ms
    from pixeltrack.setup import open_workspace

    call.use_rules()
    workspace = open_workspace(call.settings, create=False)
    with closing(workspace.store) as store:
        done = list(rights.erase_asked(store, workspace.keyring, now_ms))
        waiting = len(store.erasures())
    traces = sum(bool(each.residues) for each in done)
    if as_json:
        click.echo(json.dumps({"erased": len(done) - waiting, "waiting": waiting, "with_traces": traces}))
    else:
        call.say(f"erased: {max(0, len(done) - waiting)}; waiting: {waiting}")
    if traces:
        raise PixeltrackError(
            f"traces of {traces} people are left where none should be, such as in words that were kept",
            hint="pixeltrack forget ADDRESS says where, for each",
        )
    if waiting:
        why = {why for each in done for why in each.unfinished}
        raise PixeltrackError(
            f"not finished: {waiting} people wait to be erased: {'; '.join(sorted(why))}",
            hint="run the same command again when that program has ended",
        )


def _say_dry(held: dict[str, Any], left: list[Leftover], *, as_json: bool) -> None:
    parts = ("consents", "opt_outs", "messages", "silenced", "events", "repeated_events", "links", "audit")
    counts = {"recipient": int(held["recipient"] is not None), **{name: len(held[name]) for name in parts}}
    if as_json:
        click.echo(json.dumps({"dry_run": True, "held": counts, "files": _files(left)}))
        return
    for name, rows in counts.items():
        click.echo(f"{name.replace('_', ' ')}: {rows:,}")
    _say_files(left)


def _say(erased: Erased, left: list[Leftover], *, as_json: bool) -> None:
    if as_json:
        found = {
            **{"deleted": dict(erased.counts), "kept": dict(erased.kept), "scanned_bytes": erased.scanned},
            **{"patterns": erased.patterns, "residues": dict(erased.residues), "vacuumed": erased.vacuumed},
            **{"unfinished": list(erased.unfinished), "files": _files(left)},
        }
        click.echo(json.dumps(found))
        return
    told = ", ".join(f"{rows:,} {table}" for table, rows in erased.counts.items()) or "nothing was there"
    click.echo(f"deleted: {told}")
    click.echo(f"kept: {', '.join(f'{rows:,} × {what}' for what, rows in erased.kept.items())}")
    finds = sum(sum(each.values()) for each in erased.residues.values())
    click.echo(f"looked for {erased.patterns:,} spellings in {erased.scanned:,} bytes: {finds:,} found")
    for name, kinds in erased.residues.items():
        click.echo(f"  {name}: {', '.join(f'{times:,} × {kind}' for kind, times in kinds.items())}")
    _say_files(left)


def _say_files(left: list[Leftover]) -> None:
    for each in left:
        if each.finds:
            click.echo(f"still holds them: {each.path} ({each.finds:,} finds)")
        else:
            click.echo(f"may hold them, and cannot be looked into: {each.path}")


def _files(left: list[Leftover]) -> list[dict[str, object]]:
    return [{"path": str(each.path), "finds": each.finds, "way": each.way} for each in left]
