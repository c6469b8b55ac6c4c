"""pixeltrack lint"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.rewrite import Plan
    from pixeltrack.show.lint import Checked
    from pixeltrack.sinks import Format
    from pixeltrack.urls import Addresses

EPILOG = """\
Examples:

\b
  pixeltrack lint campaign.html
      what may be wrong, and what to do about it
  pixeltrack lint message.eml --base-url https://track.example.com
      also whether the tracking host fits the sender
  pixeltrack lint mails/*.html --strict --json
      for a pipeline: exit code 1 when there is a warning
"""


@click.command("lint", epilog=EPILOG)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=GivenPath(path_type=Path))
@click.option("--base-url", metavar="URL", help="Public address of your collector  [env PIXELTRACK_BASE_URL]")
@click.option("--from", "from_", metavar="SENDER", help="Whom the mail comes from, if it has no From header.")
@click.option(
    "--encoding", metavar="NAME", help="Encoding of the mail  [default: what it says of itself, else UTF-8]"
)
@click.option("--strict", is_flag=True, help="Exit with code 1 when there is a warning; notes are none.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    sources: tuple[Path, ...],
    base_url: str | None,
    from_: str | None,
    encoding: str | None,
    strict: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what may be wrong with a mail before it is sent.

    SOURCE is the HTML of a mail, a whole message, a plain text (.txt), an mbox, or a folder of these; -
    reads standard input. A warning is worth a look before sending, a note is good to know. Nothing is
    changed or stored.
    """
    call = Call(options, {"base_url": base_url})
    from pixeltrack import urls
    from pixeltrack.show.lint import findings_json, show_findings

    addresses = urls.addresses(call.settings.base_url)
    sender = _domain(from_) if from_ is not None else ""
    checked = [each for path in sources for each in _check_all(path, addresses, sender, encoding)]
    if as_json:
        click.echo(findings_json(checked))
    elif not call.quiet:
        from rich.console import Console

        show_findings(Console(highlight=False), checked)
    if strict and any(finding.severity == "warning" for each in checked for finding in each.findings):
        ctx.exit(1)


def _check_all(path: Path, addresses: Addresses, sender: str, encoding: str | None) -> Iterator[Checked]:
    """Yield what is to be said of a mail, or of each mail in a folder or an mbox."""
    from urllib.parse import urlsplit

    from pixeltrack.cli import planning
    from pixeltrack.links import Policy

    policy = Policy(addresses.owns, urlsplit(addresses.base).hostname or "")
    wishes = planning.Wishes(text=True, resign_later=True, encoding=encoding)
    own: dict[planning.Kind, Format] = {"html": "html", "text": "text", "message": "eml"}
    mails, boxes = planning.gather(path, text=False)
    for mail in mails:
        plan = planning.plan_mail(mail, policy, own[mail.kind], wishes)
        yield _check(mail.name, plan, addresses, sender)
    for given in planning.addressed([], boxes):
        plan = planning.plan_given(given.data, given.name, policy, wishes)
        yield _check(given.name, plan, addresses, sender)


def _check(name: str, plan: Plan, addresses: Addresses, sender: str) -> Checked:
    from pixeltrack import lint
    from pixeltrack.show.lint import Checked

    size = lint.copy_bytes(plan, addresses)
    findings = lint.check(plan, lint.Context(addresses, sender, copy_bytes=size))
    return Checked(name, len(plan.links), lint.html_bytes(plan), size, findings)


def _domain(sender: str) -> str:
    from pixeltrack.lint.mail import domain

    found = domain(sender)
    if not found:
        raise InputError(
            f"--from {sender!r} has no address", hint="for instance --from 'Garden Shop <news@example.com>'"
        )
    return found
