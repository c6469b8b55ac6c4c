"""pixeltrack consent import"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pixeltrack.cli import consent_options as shared
from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.decided import read_at, read_reason, read_wording
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.ledger import Purpose

EPILOG = """\
Examples:

\b
  pixeltrack consent import list.csv --wording signup.txt --method "signup form" --dry-run
      what would be recorded; nothing is
  pixeltrack consent import clicks.csv --purpose clicks --at 2026-03-01 --method form --wording signup.txt
      a list whose column consent is about clicks alone, and that has no times
  pixeltrack consent import old.csv --accept-unproven "from the old system, which kept no times"
      grants without proof, too; the reason stands in the ledger and in the audit trail

The list: email, and consent or consent_opens, consent_clicks, consent_retargeting (or consent_export), with
granted, denied, withdrawn or nothing; consent_at, consent_method, consent_source, consent_text_id (SHA-256
of the wording). With preset fr also informed_no_objection, with address_collected_at and notice_at.
"""


@click.command("import", epilog=EPILOG)
@click.argument("list_file", metavar="LIST.csv")
@shared.purpose
@click.option(
    "--wording", type=GivenPath(path_type=Path), metavar="FILE", help="The text that they were shown."
)
@shared.at
@click.option("--method", metavar="TEXT", default="", help=shared.METHOD_HELP)
@shared.source
@click.option(
    "--accept-unproven",
    "reason",
    metavar="REASON",
    help="Take grants too that lack their time, method or wording, and note why.",
)
@click.option("--lenient", is_flag=True, help="Take a cell that is not understood for unknown, and say so.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@shared.as_json
@global_options
def import_command(
    list_file: str,
    purposes: tuple[Purpose, ...],
    wording: Path | None,
    at: str | None,
    method: str,
    source: str,
    reason: str | None,
    lenient: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Record what a list says, all of it or nothing.

    LIST.csv is CSV or JSON lines, "-" for standard input. The options stand in where a row says nothing;
    --purpose tells what its column consent is about [default: opens and clicks]. A blank cell changes
    nothing. A later withdrawal stays, whatever an older list says. Of several rows for one person the
    most restrictive is taken. A grant without its time, method or wording proves nothing, and is left
    out. A refusal without a time counts from now.
    """
    call = Call(options, {})
    from hashlib import sha256

    from pixeltrack.cli.inputs import open_list
    from pixeltrack.cli.progress import progress
    from pixeltrack.clock import now_ms
    from pixeltrack.consentlist import Terms, read_claims
    from pixeltrack.setup import open_workspace
    from pixeltrack.show import consent as show

    name = "standard input" if list_file == "-" else list_file
    now = now_ms()
    text = read_wording(wording) if wording else None
    terms = Terms(
        now,
        purposes or ("opens", "clicks"),
        read_at(at, now),
        *(method.strip(), source.strip(), sha256(text).digest() if text is not None else None),
        preset=call.settings.preset,
        reason="" if reason is None else read_reason(reason),
        lenient=lenient,
    )
    workspace = open_workspace(call.settings, create=True)
    try:
        with open_list(list_file, name) as stream, progress(None, call, "reading") as step:
            claims = read_claims(stream, name, terms, workspace.keyring, step)
        with progress(len(claims.entries), call, "recording") as step:
            added = workspace.store.record_consents(
                *(claims.entries, claims.refusing, text),
                dry=dry_run,
                told=step,
                of=f"accepted unproven: {terms.reason}" if terms.reason and claims.unproven else "",
            )
    except BaseException:
        workspace.discard()
        raise
    if dry_run:
        workspace.discard()
    else:
        workspace.store.close()
        call.created(workspace.created)
    if as_json:
        click.echo(show.import_json(claims, added, dry=dry_run))
        return
    for line in () if call.quiet else show.import_lines(claims, added, name, dry=dry_run):
        click.echo(line)
    if claims.unproven:
        call.warn(show.unproven(claims, terms.reason))
    for said in show.left_unknown(claims):
        call.warn(said)
