"""pixeltrack inject"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.inject import Progress, Summary
    from pixeltrack.model import Recipient
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
  pixeltrack inject campaign.html --dry-run
      what would be done to each link, and why
"""


@click.command("inject", epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
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
    list_file: str | None,
    campaign: str | None,
    base_url: str | None,
    out: Path | None,
    force: bool,
    personalize: bool,
    merge_tag: str | None,
    duplicates: str,
    encoding: str | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Put a pixel and tracked links into a mail, for each recipient.

    SOURCE is the HTML of your mail. Only link targets and the pixel are written into it; every other
    byte stays. Links to unsubscribe, preferences, mailto: and the like are left alone. Where a link
    says pixeltrack:unsubscribe, pixeltrack:preferences or pixeltrack:privacy, the recipient's own
    page of your collector is filled in.
    """
    call = Call(options, {"base_url": base_url})
    _check_options(list_file, personalize, merge_tag)
    from pixeltrack import output, recipients, urls
    from pixeltrack.compile import Task
    from pixeltrack.inject import inject_list, inject_merge, inject_preview
    from pixeltrack.rewrite import plan as plan_mail
    from pixeltrack.serve import now_ms
    from pixeltrack.setup import open_workspace

    addresses = urls.addresses(call.settings.base_url)
    plan = plan_mail(_read_source(source, encoding), addresses.own_prefixes)
    name = _campaign_name(campaign, source)
    folder = out or Path("out") / (re.sub(r"[^\w.-]+", "-", name).strip(".-") or "campaign")
    people: list[Recipient] = []
    list_name = "standard input" if list_file == "-" else list_file or ""
    if list_file:
        with _open_list(list_file, list_name) as stream:
            people = recipients.unique(
                recipients.read(stream, list_name), list_name, merge=duplicates == "merge"
            )
    if dry_run:
        _show_plan(plan, as_json)
        return
    output.check(folder, force=force or _holds_preview(folder))
    if plan.changes_nothing and not any(link.decision == "fill" for link in plan.links):
        call.warn(f"{source} is injected already, or has nothing to inject: copies will be the same as it")
    if addresses.is_loopback:
        call.warn(
            f"links go to {addresses.base}, which only this machine can reach;"
            " for mail to others give --base-url https://track.example.com"
        )
    workspace = open_workspace(call.settings, create=True)
    call.created(workspace.created)
    task = Task(plan, name, addresses, folder, now_ms())
    if merge_tag is not None:
        summary = inject_merge(task, merge_tag, workspace.store, workspace.keyring)
    elif list_file:
        with _progress(len(people), call) as progress:
            summary = inject_list(
                task,
                people,
                workspace.store,
                workspace.keyring,
                call.settings.consent,
                personalize=personalize,
                list_name=list_name,
                progress=progress,
            )
    else:
        summary = inject_preview(task, workspace.store, workspace.keyring)
    workspace.store.close()
    if as_json:
        click.echo(json.dumps(_summary_values(summary, plan), indent=2, ensure_ascii=False))
    elif not call.quiet:
        _show_summary(summary, plan, call, merge_tag, bool(list_file))


def _check_options(list_file: str | None, personalize: bool, merge_tag: str | None) -> None:
    if merge_tag is not None and list_file:
        raise InputError(
            "--merge-tag and --recipients exclude each other",
            hint="with a list every copy is written here; with a merge tag your mail system writes them",
        )
    if personalize and not list_file:
        raise InputError("--personalize needs --recipients", hint="the fields come from the list")
    if merge_tag is not None and not re.fullmatch(
        r"[^\s\"'<>`\x00-\x20\x7f](?:[^\"'<>`\x00-\x1f\x7f]{0,78}[^\s\"'<>`])?", merge_tag
    ):
        raise InputError(
            f"merge tag {merge_tag!r} cannot stand in a link",
            hint="give it as your mail system writes it, for instance --merge-tag '*|UNIQID|*'",
        )


def _read_source(path: Path, encoding: str | None) -> Any:
    from pixeltrack import source as sources

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", hint="give the HTML file of your mail") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    read = sources.read(data, str(path), encoding)
    sources.require_html(read)
    return read


def _campaign_name(given: str | None, source: Path) -> str:
    name = (given if given is not None else source.stem).strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InputError(
            f"campaign name {name!r} is not usable", hint="give 1 to 100 printable characters with --campaign"
        )
    return name


@contextmanager
def _open_list(path: str, name: str) -> Iterator[IO[str]]:
    """Open a list as UTF-8 with its line ends as they are; standard input too, whatever the locale."""
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            yield TextIOWrapper(file, encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        raise InputError(
            f"no such file: {name}", hint="give the recipient list as CSV or JSON lines"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start})", hint="save the list as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None


def _holds_preview(folder: Path) -> bool:
    """A preview is replaced by the next run without asking: one makes several while editing."""
    try:
        kind = json.loads((folder / "manifest.json").read_text("utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(kind == "preview")


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


# -- what is printed --------------------------------------------------------------------------------


def _show_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "number": link.number,
                "line": link.line,
                "column": link.column,
                "tag": link.tag,
                "text": link.text,
                "destination": link.destination,
                "decision": link.decision,
                "reason": link.reason,
            }
            for link in plan.links
        ]
        click.echo(json.dumps({"links": rows, "pixel": plan.pixel_reason}, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from pixeltrack.show.links import show_plan

    show_plan(Console(), plan)


def _summary_values(summary: Summary, plan: Plan) -> dict[str, Any]:
    return {
        "campaign": summary.campaign,
        "code": summary.code,
        "out": str(summary.out),
        "messages": summary.files,
        "bytes": summary.bytes,
        "wrapped": len(plan.wrapped),
        "recipients": [
            {"outcome": outcome, "reason": reason, "people": people}
            for (outcome, reason), people in summary.modes.items()
        ],
    }


def _show_summary(summary: Summary, plan: Plan, call: Call, merge_tag: str | None, has_list: bool) -> None:
    decisions = [link.decision for link in plan.links]
    copies = "message" if summary.files == 1 else "messages"
    click.echo(f"{summary.campaign}: {summary.files:,} {copies} in {summary.out / 'html'}")
    parts = [f"{decisions.count('wrap')} wrapped", f"{decisions.count('leave')} left alone"]
    if "fill" in decisions:
        parts.append(f"{decisions.count('fill')} filled in with pages of your collector")
    click.echo(f"  links   {', '.join(parts)}  (--dry-run lists them)")
    click.echo(f"  pixel   {plan.pixel_reason}")
    for (outcome, reason), people in sorted(summary.modes.items()):
        what = {"suppressed": "left out", "untracked": "untracked", "tracked": "tracked"}[outcome]
        click.echo(f"  people  {people:,} {what}: {reason}")
    click.echo(f"  checks  undo is identical, a second run changes nothing, {summary.proof.audit}")
    if has_list:
        click.echo(
            f"Send them with your own mail program; {summary.out / 'messages.csv'} says which file goes"
            " to whom."
        )
        if call.settings.consent == "assumed" and call.settings.config is None:
            call.say(
                "assumed: everybody may be tracked who has not refused; pixeltrack init --preset eu changes"
                " that"
            )
    elif merge_tag:
        click.echo(f"Upload it to your mail system, which puts each recipient's id where {merge_tag} stands.")
    else:
        click.echo(
            "This is a preview: its links work, and are never counted. For real ones give"
            " --recipients list.csv, or --merge-tag '*|UNIQID|*' for your mail system's own tag."
        )
