"""pixeltrack events"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on

_FROM = ("sendgrid", "ses", "mailgun", "postmark", "brevo")  # as feedback.SERVICES, imported when called

EPILOG = """\
Examples:

\b
  pixeltrack events import sendgrid.json
      bounces, complaints and deliveries; rates are then over what was delivered
  pixeltrack events import bounces/ --dry-run
      what a Maildir of bounce mails would add; nothing is stored
"""
IMPORT_EPILOG = """\
Examples:

\b
  pixeltrack events import events.json
      told from its first record: SendGrid, Amazon SES, Mailgun, Postmark or Brevo
  pixeltrack events import --from ses --campaign spring *.json.gz
      records that name no campaign are of spring, and found by the recipient's address
  pixeltrack events import ~/Maildir/.bounces complaints.mbox
      delivery reports and complaints by mail, whose own links say which message they are about
  curl -s https://api.example.com/events | pixeltrack events import -
      from standard input

\b
A record is matched by a link of ours in what was sent back, else by pixeltrack_campaign (metadata, a custom
argument, or a tag pixeltrack_campaign:NAME) and the address, else by --campaign and the address.
"""


@click.group("events", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Take over what mail systems report: deliveries, bounces, complaints.

    With them rates are over delivered messages, and who complained or unsubscribed gets no more mail.
    """
    pass_on(ctx, options)


@command.command("import", epilog=IMPORT_EPILOG)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True)
)
@click.option(
    "--from", "service", type=click.Choice(_FROM), help="Whose records  [default: told from the first one]"
)
@click.option("--campaign", metavar="NAME", help="Whose the records are that name no campaign.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was imported as JSON.")
@global_options
def import_command(
    files: tuple[Path, ...],
    service: Any,
    campaign: str | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Import webhooks, exported events, and reports by mail; each event counts once.

    FILE is JSON (an array, or lines), packed with gzip or not, a message (.eml), an mbox, a Maildir, or - for
    standard input. The same file again, or one that overlaps with it, adds nothing twice. A complaint, or an
    unsubscribe, is a refusal of all mail, for good. Opens and clicks are left out: pixeltrack counts its own.
    """
    call = Call(options, {})
    from pixeltrack import feedimport
    from pixeltrack.cli.progress import progress
    from pixeltrack.clock import now_ms
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import events as show

    workspace = open_workspace(call.settings, create=False)
    try:
        with progress(None, call, "reading") as step:
            done = feedimport.run(
                *(workspace.store, workspace.keyring, files, now_ms()),
                service=service,
                campaign=campaign,
                dry=dry_run,
                told=step,
            )
    finally:
        workspace.store.close()
    if as_json:
        click.echo(show.imported_json(done, dry=dry_run))
        return
    for line in show.imported_lines(done, dry=dry_run):
        call.say(line)
