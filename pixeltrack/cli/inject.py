"""pixeltrack inject"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli import inject_options as _options
from pixeltrack.cli import versions as _versions
from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.sinks import Format

EPILOG = """\
Examples:

\b
  pixeltrack inject campaign.html
      one preview copy; its links work and are never counted
  pixeltrack inject campaign.html --recipients list.csv --base-url https://track.example.com
      one copy for each line of the list
  pixeltrack inject again.html --audience warm --base-url https://track.example.com
      one copy for everybody in an audience; with --recipients, who is in both
  pixeltrack inject campaign.html --recipients list.csv --format eml --from 'Shop <news@example.com>'
      whole messages, ready to send
  pixeltrack inject --version A=a.html B=b.html --split 50/50 --recipients list.csv --campaign spring
      two versions, each for half of the people, drawn at random; report --campaign spring --ab tells
  pixeltrack inject campaign.html --mode aggregate
      one mail, the same for everybody, whose opens and clicks are only counted
  pixeltrack inject campaign.html --merge-tag '*|UNIQID|*'
      one template; your mail system fills in who it goes to
  pixeltrack inject - < in.eml > out.eml
      a filter: the message as the person it is addressed to gets it
  pixeltrack inject campaign.html --dry-run
      what would be done to each link, and why; --diff shows every change
  pixeltrack inject out/campaign/html/000001-0a1b2c.html --undo
      the mail as it was, from a copy and the manifest beside it
"""


@click.command("inject", epilog=EPILOG)
@click.argument("source", type=GivenPath(path_type=Path), required=False)
@click.argument("surplus", nargs=-1, metavar="")
@click.option(
    "--recipients",
    "list_file",
    metavar="FILE",
    help="List as CSV or JSON lines with an email column; - reads standard input.",
)
@click.option(
    "--audience",
    metavar="NAME",
    help="To the people of an audience; with --recipients, of those on the list.",
)
@click.option("--campaign", metavar="NAME", help="Name of the campaign  [default: the file's name]")
@click.option("--base-url", metavar="URL", help="Public address of your collector  [env PIXELTRACK_BASE_URL]")
@click.option(
    "--out", type=GivenPath(path_type=Path), metavar="DIR", help="Output folder  [default: out/CAMPAIGN]"
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["html", "text", "eml", "mbox", "maildir", "jsonl", "recipe", "esp"]),
    help="What to write: HTML or message files, a mailbox, JSON lines, or one template and a table of"
    " tokens (recipe; esp for a mail system's merge tags)  [default: what the source is]",
)
@click.option(
    "--esp",
    type=click.Choice(
        ["mailchimp", "sendgrid", "ses", "postmark", "mailgun", "brevo", "customerio", "hubspot"]
    ),
    help="The mail system that --format esp is for.",
)
@click.option(
    "--version",
    "versions",
    multiple=True,
    metavar="NAME=FILE",
    help="Instead of SOURCE: a version of the mail. Each recipient gets one of them; report --ab compares"
    " them. More may follow it, or --version again.",
)
@click.option(
    "--split",
    metavar="SHARES",
    help="How many of a hundred recipients get each version, such as 50/50 or 20/20/60; 10/10/rest keeps"
    " the others for later  [default: the same share each]",
)
@click.option(
    "--only-new", is_flag=True, help="Leave out people who have a message of this campaign already."
)
@click.option(
    "--skip-bounced",
    is_flag=True,
    help="Leave out people whose last mail bounced for good, as events import was told.",
)
@_options.measures
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
    help="Write one template; your mail system puts its recipient id where TAG is. With --format esp: how"
    " it writes the tag of the column pt_token.",
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
@click.option("--diff", is_flag=True, help="Show every span that would be changed; write nothing.")
@click.option("--undo", is_flag=True, help="Take an injection back: SOURCE is a copy; print its original.")
@click.option(
    "--manifest",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="The manifest for --undo  [default: the one beside the copy]. As a filter: write one to FILE.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@global_options
def command(
    source: Path | None,
    surplus: tuple[str, ...],
    list_file: str | None,
    audience: str | None,
    campaign: str | None,
    base_url: str | None,
    out: Path | None,
    format_: Format | None,
    esp: str | None,
    versions: tuple[str, ...],
    split: str | None,
    only_new: bool,
    skip_bounced: bool,
    resume: bool,
    force: bool,
    personalize: bool,
    merge_tag: str | None,
    duplicates: str,
    encoding: str | None,
    test: bool,
    dry_run: bool,
    diff: bool,
    undo: bool,
    manifest: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Put a pixel and tracked links into a mail, for each recipient.

    SOURCE is your mail's HTML, a plain text (.txt), a whole message (.eml), an mbox, or a folder of
    these; - reads standard input. Only link targets and the pixel are written into it; every other
    byte stays. Links to unsubscribe, preferences, mailto: and the like are left alone. Where a link
    says pixeltrack:unsubscribe, pixeltrack:preferences or pixeltrack:privacy, the recipient's own page
    of your collector is filled in. Messages without a list are each for whom they are addressed to.
    """
    chosen = _options.taken(options)
    wished = {name: options.pop(name) for name in _options.MESSAGE_OPTIONS}
    measures = _options.taken_measures(options)
    call = Call(options, {"base_url": base_url})
    if audience is not None and list_file is None and not undo:
        list_file = f"audience {audience}"
    drawn = None
    if versions:
        given = (*versions, *(() if source is None else (str(source), *surplus)))
        if undo:
            raise InputError("--undo takes one copy, and no --version")
        drawn = _versions.read(given, split, list_file, merge_tag)
        source, surplus, campaign = drawn.first, (), campaign or drawn.campaign
    elif split is not None:
        raise InputError("--split needs --version", hint="for instance --version A=a.html B=b.html")
    if source is None:
        raise click.MissingParameter(param_hint="'SOURCE'", param_type="argument")
    if surplus:
        raise InputError(
            f"{surplus[0]} is one file too many", hint=f"is it the list? --recipients {surplus[0]}"
        )
    if undo:
        _undo(source, manifest, out)
        return
    _check_options(list_file, personalize, merge_tag, format_, esp, bind=chosen.bind_links)
    if str(source) == list_file == "-":
        raise InputError("the mail and the list cannot both come from standard input")
    if test and not list_file:
        raise InputError("--test needs --recipients", hint="without a list every copy is a preview already")
    if only_new and not list_file:
        raise InputError("--only-new needs --recipients")
    if skip_bounced and not list_file:
        raise InputError("--skip-bounced needs --recipients")
    from pixeltrack.cli.asked import Asked
    from pixeltrack.cli.planning import Wishes
    from pixeltrack.cli.running import Run

    asked = Asked(
        *(source, list_file, campaign, out, format_, esp, merge_tag, duplicates == "merge"),
        *(resume, force, test, as_json, manifest, measures, drawn, only_new),
        skip_bounced=skip_bounced,
        audience=audience,
    )
    wishes = Wishes(**wished, encoding=encoding, personalize=personalize)
    if diff and as_json:
        raise InputError("--diff and --json exclude each other", hint="--dry-run --json has every link")
    run = Run(call, asked, chosen, wishes)
    if dry_run:
        run.show_plans()
    elif diff:
        run.show_changes()
    else:
        run.do()


def _undo(copy: Path, manifest: Path | None, out: Path | None) -> None:
    """Print the original of a copy, or write it to a file."""
    from pixeltrack import undo
    from pixeltrack.cli import inputs

    if str(copy) == "-" and manifest is None:
        raise InputError("a copy on standard input needs --manifest")
    data = inputs.read_mail(copy)
    original = undo.restore(data, str(copy), manifest or undo.find_manifest(copy))
    if out is None:
        output = inputs.standard_output()
        output.write(original)
        output.flush()
        return
    inputs.write_new(out, original)


def _check_options(
    list_file: str | None,
    personalize: bool,
    merge_tag: str | None,
    format_: Format | None,
    esp: str | None,
    *,
    bind: bool,
) -> None:
    upload = format_ in ("recipe", "esp")
    if format_ in ("jsonl", "recipe", "esp") and not list_file:
        raise InputError(f"--format {format_} needs --recipients", hint="the copies are for the people on it")
    if esp and format_ != "esp":
        raise InputError("--esp needs --format esp")
    if format_ == "esp" and not esp and not merge_tag:
        raise InputError(
            "--format esp needs --esp",
            hint="for instance --esp mailchimp, or --merge-tag '%%pt_token%%' for another system",
        )
    if esp and merge_tag is not None:
        raise InputError("--esp and --merge-tag exclude each other", hint="--esp knows its system's tags")
    if personalize and upload:
        raise InputError(
            f"--personalize and --format {format_} exclude each other",
            hint="whoever fills in the template also fills in the fields",
        )
    if bind and (upload or merge_tag is not None):
        raise InputError(
            "--bind-links gives each link a token of its own, for which a template has no room",
            hint="leave it out, or write each copy here",
        )
    if merge_tag is not None and list_file and format_ != "esp":
        raise InputError(
            "--merge-tag and --recipients exclude each other",
            hint="with a list every copy is written here; --format esp makes a template and a table",
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
