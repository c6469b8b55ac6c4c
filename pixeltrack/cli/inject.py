"""pixeltrack inject"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli import inject_options as _options
from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.compile import Task
    from pixeltrack.formats import Format
    from pixeltrack.inject import Progress
    from pixeltrack.listing import RecipientList
    from pixeltrack.rewrite import Plan

_PROGRESS_FROM = 2_000  # recipients; fewer are done before a bar could be read

EPILOG = """\
Examples:

\b
  pixeltrack inject campaign.html
      one preview copy; its links work and are never counted
  pixeltrack inject campaign.html --recipients list.csv --base-url https://track.example.com
      one copy for each line of the list
  pixeltrack inject campaign.html --merge-tag '*|UNIQID|*'
      one template; your mail system fills in who it goes to
  pixeltrack inject - < in.eml > out.eml
      a filter: the message as its one recipient gets it
  pixeltrack inject campaign.html --dry-run
      what would be done to each link, and why
"""


@click.command("inject", epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("surplus", nargs=-1, metavar="")
@click.option(
    "--recipients",
    "list_file",
    metavar="FILE",
    help="List as CSV or JSON lines with an email column; - reads standard input.",
)
@click.option("--campaign", metavar="NAME", help="Name of the campaign  [default: the file's name]")
@click.option("--base-url", metavar="URL", help="Public address of your collector  [env PIXELTRACK_BASE_URL]")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Output folder  [default: out/CAMPAIGN]"
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["html", "eml", "mbox", "maildir", "jsonl", "recipe", "esp"]),
    help="What to write: HTML or message files, a mailbox, JSON lines, or one template and a table of"
    " tokens (recipe; esp for a mail system's merge tags)  [default: html; eml for a message]",
)
@click.option(
    "--esp",
    type=click.Choice(
        ["mailchimp", "sendgrid", "ses", "postmark", "mailgun", "brevo", "customerio", "hubspot"]
    ),
    help="The mail system that --format esp is for.",
)
@_options.messages
@_options.links
@click.option(
    "--test", is_flag=True, help="Make copies for trying out: their links work, and no hit is ever counted."
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted run of the same command stopped.")
@click.option("--force", is_flag=True, help="Replace what pixeltrack wrote into the output folder before.")
@click.option(
    "--personalize",
    is_flag=True,
    help="Fill in {{ fields }} of the list, as Jinja2. Without it the mail's own merge tags are left alone.",
)
@click.option(
    "--merge-tag",
    metavar="TAG",
    help="Write one template; your mail system puts its recipient id where TAG is.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["refuse", "merge"]),
    default="refuse",
    show_default=True,
    help="What to do with a person who is on the list twice: merge keeps the first row, and the stricter"
    " consent.",
)
@click.option(
    "--encoding", metavar="NAME", help="Encoding of the mail  [default: what it says of itself, else UTF-8]"
)
@click.option("--dry-run", is_flag=True, help="Show each link and what would be done; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@global_options
def command(
    source: Path,
    surplus: tuple[str, ...],
    list_file: str | None,
    campaign: str | None,
    base_url: str | None,
    out: Path | None,
    format_: Format | None,
    esp: str | None,
    resume: bool,
    force: bool,
    personalize: bool,
    merge_tag: str | None,
    duplicates: str,
    encoding: str | None,
    test: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Put a pixel and tracked links into a mail, for each recipient.

    SOURCE is the HTML of your mail, or a whole message. Only link targets and the pixel are written
    into it; every other byte stays. Links to unsubscribe, preferences, mailto: and the like are left
    alone. Where a link says pixeltrack:unsubscribe, pixeltrack:preferences or pixeltrack:privacy, the
    recipient's own page of your collector is filled in.
    """
    chosen = _options.taken(options)
    message_options = {name: options.pop(name) for name in _options.MESSAGE_OPTIONS}
    call = Call(options, {"base_url": base_url})
    if surplus:
        raise InputError(
            f"{surplus[0]} is one file too many", hint=f"is it the list? --recipients {surplus[0]}"
        )
    from pixeltrack.cli import planning

    mail = planning.read(source)
    format_ = format_ or ("eml" if mail.message else "html")
    _check_options(list_file, personalize, merge_tag, format_, esp)
    if test and not list_file:
        raise InputError("--test needs --recipients", hint="without a list every copy is a preview already")
    from pixeltrack import output, urls
    from pixeltrack.compile import Task
    from pixeltrack.delivery import Delivery, rehearse
    from pixeltrack.errors import Interrupted
    from pixeltrack.formats import RECIPE, SYSTEMS
    from pixeltrack.inject import check_merge, inject_list, inject_merge, inject_preview
    from pixeltrack.serve import now_ms
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.injection import plan_json, summary_json, summary_lines

    addresses = urls.addresses(call.settings.base_url)
    name = _campaign_name(campaign, source)
    folder = out or Path("out") / _folder_name(f"{name}-test" if test else name)
    people = _people(list_file, merge=duplicates == "merge") if list_file else None
    policy = chosen.policy(addresses, people.columns if people and personalize else ())
    plan = planning.plan_mail(
        mail, policy, format_, personalize=personalize, options={**message_options, "encoding": encoding}
    )
    if dry_run:
        if as_json:
            click.echo(plan_json(plan))
        else:
            from rich.console import Console

            from pixeltrack.show.links import show_plan

            show_plan(Console(), plan)
        return
    filters = people is None and merge_tag is None and (plan.is_message or str(source) == "-")
    if not filters:
        output.check(folder, force=force, campaign=name)
    if plan.changes_nothing and not any(link.decision == "fill" for link in plan.links):
        call.warn(f"{source} is injected already, or has nothing to inject: copies will be the same as it")
    if addresses.is_loopback:
        call.warn(
            f"links go to {addresses.base}, which only this machine can reach;"
            " for mail to others give --base-url https://track.example.com"
        )
    if merge_tag is not None:
        check_merge(plan)
    if people and personalize and not call.settings.db.exists():
        rehearse(plan, people)
    task = Task(
        *(plan, name, addresses, folder, now_ms()),
        readable=chosen.readable,
        honeypot=chosen.honeypot,
        envelope=plan.is_message and people is not None,
        test=test,
    )
    if filters:
        _filter(task, call)
        return
    workspace = open_workspace(call.settings, create=True)
    try:
        if merge_tag is not None:
            summary = inject_merge(task, merge_tag, workspace.store, workspace.keyring)
        elif people:
            delivery = Delivery(format_, SYSTEMS[esp] if esp else RECIPE, personalize, resume)
            with _progress(len(people), call) as progress:
                summary = inject_list(
                    *(task, people, workspace.store, workspace.keyring),
                    *(call.settings.consent, delivery, progress),
                )
        else:
            summary = inject_preview(task, workspace.store, workspace.keyring)
    except Interrupted:
        raise  # what is kept for --resume needs the key
    except BaseException:
        workspace.discard()
        raise
    workspace.store.close()
    call.created(workspace.created)
    if as_json:
        click.echo(summary_json(summary, plan))
    elif not call.quiet:
        for line in summary_lines(summary, plan, merge_tag, verbose=call.verbose):
            click.echo(line)
    if list_file and not summary.messages:
        call.warn("no message was written: everybody on the list has unsubscribed")
    elif list_file and not _can_be_stopped(plan, personalize):
        call.warn(
            "the mail gives its readers no way to stop tracking;"
            ' put <a href="pixeltrack:preferences"> into it'
        )
    if list_file and call.settings.consent == "assumed" and call.settings.config is None:
        call.say(
            "assumed: everybody may be tracked who has not refused; pixeltrack init --preset eu changes that"
        )


def _filter(task: Task, call: Call) -> None:
    """Write one mail to standard output: a message for whom it is addressed to, HTML as a preview."""
    from email.utils import getaddresses

    from pixeltrack import mime, recipients
    from pixeltrack.inject import inject_one
    from pixeltrack.model import Recipient
    from pixeltrack.setup import open_workspace

    recipient = None
    if task.plan.is_message:
        headers, _body = mime.split_headers(task.plan.source.data)
        fields = [str(value) for name in ("To", "Cc", "Bcc") for value in headers.get_all(name, [])]
        given = [address for _name, address in getaddresses(fields) if address]
        if not given:
            raise InputError(f"{task.plan.source.name} has no To address", hint="or give --recipients")
        if len(given) == 1:
            identity = recipients.identity(given[0], f"{task.plan.source.name}: To")
            recipient = Recipient(given[0], identity, "unknown", {}, 1)
    workspace = open_workspace(call.settings, create=True)
    try:
        policy = call.settings.consent
        content, mode = inject_one(task, recipient, workspace.store, workspace.keyring, policy)
    except BaseException:
        workspace.discard()
        raise
    workspace.store.close()
    call.created(workspace.created)
    sys.stdout.buffer.write(content)
    call.say(f"{task.campaign}: {len(task.plan.wrapped)} links, {mode.outcome}: {mode.reason}")


def _people(list_file: str, *, merge: bool) -> RecipientList:
    from pixeltrack import recipients
    from pixeltrack.cli import inputs
    from pixeltrack.listing import RecipientList

    name = "standard input" if list_file == "-" else list_file
    with inputs.open_list(list_file, name) as stream:
        return RecipientList(recipients.read(stream, name), name, merge=merge)


def _check_options(
    list_file: str | None, personalize: bool, merge_tag: str | None, format_: Format, esp: str | None
) -> None:
    if format_ not in ("html", "eml") and not list_file:
        raise InputError(f"--format {format_} needs --recipients", hint="the copies are for the people on it")
    if esp and format_ != "esp":
        raise InputError("--esp needs --format esp")
    if format_ == "esp" and not esp:
        raise InputError("--format esp needs --esp", hint="for instance --esp mailchimp")
    if personalize and format_ in ("recipe", "esp"):
        raise InputError(
            f"--personalize and --format {format_} exclude each other",
            hint="whoever fills in the template also fills in the fields",
        )
    if merge_tag is not None and list_file:
        raise InputError(
            "--merge-tag and --recipients exclude each other",
            hint="with a list every copy is written here; with a merge tag your mail system writes them",
        )
    if personalize and not list_file:
        raise InputError("--personalize needs --recipients", hint="the fields come from the list")
    if merge_tag is not None and not re.fullmatch(
        r"(?! )[^\"'<>`\x00-\x1f\x7f-\U0010ffff]{1,80}(?<! )", merge_tag
    ):
        raise InputError(
            f"merge tag {merge_tag!r} cannot stand in a link",
            hint="give it as your mail system writes it, for instance --merge-tag '*|UNIQID|*'",
        )


def _campaign_name(given: str | None, source: Path) -> str:
    name = (given if given is not None else "stdin" if str(source) == "-" else source.stem).strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InputError(
            f"campaign name {name!r} is not usable", hint="give 1 to 100 printable characters with --campaign"
        )
    return name


def _can_be_stopped(plan: Plan, personalize: bool) -> bool:
    """Whether a mail leads to the page on which its reader stops tracking; unsubscribe leads on to it."""
    if any(link.decision == "fill" and link.reason != "privacy" for link in plan.links):
        return True
    return personalize and any(name in plan.source.view for name in ("preferences_url", "unsubscribe_url"))


def _folder_name(campaign: str) -> str:
    name = re.sub(r"[^\w.-]+", "-", campaign).strip(".-") or "campaign"
    return name.encode()[:200].decode(errors="ignore")  # what a file system takes, with room for ".partial"


@contextmanager
def _progress(total: int, call: Call) -> Iterator[Progress | None]:
    if total < _PROGRESS_FROM or call.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(
        "writing",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("writing", total=total)
        yield lambda done: bar.update(task, completed=done) if not done % 100 else None
