"""pixeltrack consent"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli import consent_options as shared
from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.cli.consent_import import import_command
from pixeltrack.cli.decided import read_at, read_wording
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError
from pixeltrack.ledger import PURPOSES, Decision, Purpose

if TYPE_CHECKING:
    from pixeltrack.show.consent import Person

EPILOG = """\
Examples:

\b
  pixeltrack consent import list.csv --wording signup.txt --method "signup form"
      take over from a list who agreed to what, and when
  pixeltrack consent show ada@example.com
      what holds now, since when, and the words that Ada saw
  pixeltrack consent withdraw ada@example.com
      stop measuring Ada, also in mail already sent
"""
SHOW_EPILOG = """\
Example:

\b
  pixeltrack consent show ada@example.com --json
"""
GRANT_EPILOG = """\
Example:

\b
  pixeltrack consent grant ada@example.com --method phone --wording script.txt --at "2026-11-25 09:00"
"""
WITHDRAW_EPILOG = """\
Examples:

\b
  pixeltrack consent withdraw ada@example.com --source "her mail of 25 November"
  pixeltrack consent withdraw ada@example.com --purpose retargeting
"""
HISTORY_EPILOG = """\
Example:

\b
  pixeltrack consent history ada@example.com
      every entry, and what Ada did on the collector's pages
"""


@click.group("consent", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Keep who agreed to being tracked, and who withdrew.

    A ledger that is only added to: for each purpose (opens, clicks, retargeting) what a person decided,
    when, how, where, and the SHA-256 of the words that they were shown. inject asks it.
    """
    pass_on(ctx, options)


command.add_command(import_command)


@command.command("show", epilog=SHOW_EPILOG)
@click.argument("address")
@shared.as_json
@global_options
def show_command(address: str, as_json: bool, **options: Any) -> None:
    """Show what holds for a person now: since when, how, and the words that they were shown."""
    call = Call(options, {})
    from pixeltrack.show import consent as show

    person = _person(call, address)
    if as_json:
        click.echo(show.person_json(person))
        return
    for line in show.person_lines(person):
        click.echo(line)


@command.command("history", epilog=HISTORY_EPILOG)
@click.argument("address")
@shared.as_json
@global_options
def history_command(address: str, as_json: bool, **options: Any) -> None:
    """Show all that a person decided, the oldest first, with what they did on the collector's pages."""
    call = Call(options, {})
    from pixeltrack.show import consent as show

    person = _person(call, address)
    if as_json:
        click.echo(show.history_json(person))
        return
    if not (person.entries or person.opt_outs):
        call.say(f"{person.address}: nothing on record; never asked")
    for line in show.history_lines(person):
        click.echo(line)


@command.command("grant", epilog=GRANT_EPILOG)
@click.argument("address")
@shared.purpose
@click.option("--method", metavar="TEXT", required=True, help=shared.METHOD_HELP)
@click.option(
    *("--wording", "wording"),
    type=GivenPath(path_type=Path),
    metavar="FILE",
    required=True,
    help="The text that they were shown.",
)
@shared.at
@shared.source
@shared.as_json
@global_options
def grant_command(
    address: str,
    purposes: tuple[Purpose, ...],
    method: str,
    wording: Path,
    at: str | None,
    source: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Record that a person agreed  [default purposes: opens and clicks].

    Without --at it was now. Who stopped tracking or unsubscribed on the collector's pages stays so. Mail
    that was sent before is not measured again.
    """
    text = read_wording(wording)
    _decide(
        Call(options, {}),
        address,
        purposes or ("opens", "clicks"),
        "granted",
        at,
        method,
        source,
        text,
        as_json,
    )


@command.command("withdraw", epilog=WITHDRAW_EPILOG)
@click.argument("address")
@shared.purpose
@click.option("--method", metavar="TEXT", default="by hand", show_default=True, help=shared.METHOD_HELP)
@shared.at
@shared.source
@shared.as_json
@global_options
def withdraw_command(
    address: str,
    purposes: tuple[Purpose, ...],
    method: str,
    at: str | None,
    source: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Record that a person withdrew  [default: all purposes].

    Nothing that they open or click is recorded from then on, also in mail already sent; its links go on
    working. They keep getting the mails.
    """
    _decide(Call(options, {}), address, purposes or PURPOSES, "withdrawn", at, method, source, None, as_json)


def _decide(
    call: Call,
    address: str,
    purposes: tuple[Purpose, ...],
    decision: Decision,
    at: str | None,
    method: str,
    source: str,
    text: bytes | None,
    as_json: bool,
) -> None:
    """Record one person's decision, and say what holds then."""
    from hashlib import sha256

    from pixeltrack.clock import now_ms
    from pixeltrack.ledger import Entry
    from pixeltrack.recipients import identity
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import consent as show

    if not method.strip():
        raise InputError("--method is empty", hint="say how it was said: form, double opt-in, phone")
    known_as, now = identity(address, "ADDRESS"), now_ms()
    decided = read_at(at, now)
    workspace = open_workspace(call.settings, create=True)
    subject = workspace.keyring.subject(known_as)
    origin = f"pixeltrack consent {'grant' if decision == 'granted' else 'withdraw'}"
    entries = [
        Entry(
            *(subject, purpose, decision, now if decided is None else decided, now),
            *(method.strip(), source.strip() or "command line"),
            *(sha256(text).digest() if text is not None else None, origin),
        )
        for purpose in dict.fromkeys(purposes)
    ]
    refusing = {} if decision == "granted" else {subject: known_as}
    try:
        added = workspace.store.record_consents(entries, refusing, text)
    except BaseException:
        workspace.discard()
        raise
    workspace.store.close()
    call.created(workspace.created)
    person = _person(call, address)
    if as_json:
        click.echo(show.person_json(person))
        return
    call.say(f"recorded for {', '.join(purposes)}: {decision}" if added else "it is on record already")
    for line in show.person_lines(person):
        click.echo(line)
    if decision == "granted" and person.opt_outs:
        call.warn(f"they {show.said_by_themselves(person)} themselves, and that stays in force")
    elif any((entry := person.holding(purpose)) and entry.decision != decision for purpose in purposes):
        call.warn("a later decision stays in force")


def _person(call: Call, address: str) -> Person:
    from pixeltrack.recipients import identity
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.consent import Person
    from pixeltrack.terms import terms

    known_as = identity(address, "ADDRESS")
    workspace = open_workspace(call.settings, create=False)
    store, subject = workspace.store, workspace.keyring.subject(known_as)
    entries = store.consents_of(subject)
    digests = {entry.wording for entry in entries if entry.wording}
    person = Person(
        *(known_as, entries, store.opt_out_rows(subject), terms(call.settings).rules),
        {digest: store.wording(digest) for digest in digests},
        {digest: store.notices_of(digest) for digest in digests},
    )
    store.close()
    return person
