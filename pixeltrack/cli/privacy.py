"""pixeltrack privacy"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.screening import Answer

EPILOG = """\
Examples:

\b
  pixeltrack privacy record --format md -o register.md
      the entry for the register of processing (GDPR article 30)
  pixeltrack privacy dpia-screen
      whether an impact assessment (article 35) is called for, as far as the settings tell
"""


@click.group("privacy", epilog=EPILOG)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Write what data protection law asks a sender to have on paper.

    Made of the settings, like pixeltrack notice. It is a beginning, and no legal advice.
    """
    pass_on(ctx, options)


@command.command("record", epilog="Example:\n\n\b\n  pixeltrack privacy record --format json\n")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["txt", "md", "json"]),
    default="txt",
    show_default=True,
    help="Plain text, Markdown or JSON.",
)
@click.option("--output", "-o", type=GivenPath(path_type=Path), metavar="FILE", help="Write it to a file.")
@global_options
def record_command(format_: str, output: Path | None, **options: Any) -> None:
    """Print the entry for the register of processing (GDPR article 30(1)).

    Controller, purposes, people, data, recipients, transfers, time limits and security measures, as far as
    they are pixeltrack's. What the settings do not say is listed at its end.
    """
    call = Call(options, {})
    import json

    from pixeltrack import register
    from pixeltrack.cli.inputs import write_new

    entry = register.entry_of(call.settings)
    if format_ == "json":
        made = json.dumps(register.as_json(entry), indent=2, ensure_ascii=False) + "\n"
    else:
        made = register.written(entry, marked=format_ == "md")
    if output is not None:
        write_new(output, made.encode("utf-8", "replace"), option="--output")
        return
    click.echo(made, nl=False)


@command.command(
    "dpia-screen",
    epilog="Example:\n\n\b\n  pixeltrack privacy dpia-screen --answer sensitive=no --answer scale=no\n",
)
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NAME=yes|no",
    help="Answer a question, or overrule an answer; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@global_options
def screen_command(answers: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Ask the nine questions that tell whether an impact assessment is needed (GDPR article 35).

    They are those of the guidelines WP248 rev.01: with two that are met it is, as a rule. What settings and
    database tell is answered, the rest is asked. Your authority's own list (article 35(4)) counts as well.
    """
    call = Call(options, {})
    import json

    from pixeltrack import screening

    given = dict(_answer(text) for text in answers)
    screened = screening.screen(call.settings, given, *_sizes(call))
    if as_json:
        value = {
            "source": "WP248 rev.01",
            "criteria": [each._asdict() for each in screened.criteria],
            "met": screened.met,
            "open": screened.open,
            "assessment": screened.verdict,
        }
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    from pixeltrack.show.text import clean

    for each in screened.criteria:
        click.echo(
            f"{each.number}  {each.answer if each.answer != 'open' else '?':<4} {each.name:<11} {each.says}"
        )
        click.echo(f"        {clean(each.why, 400)}")
    said = {
        "needed": f"{screened.met} are met: as a rule an impact assessment is needed (WP248 rev.01, III.B.a)",
        "open": f"{screened.met} met, {screened.open} open: two that are met call for an impact assessment",
        "not needed": f"{screened.met} met: as a rule no impact assessment is needed; write down why",
    }
    click.echo(said[screened.verdict])


def _answer(text: str) -> tuple[str, Answer]:
    from pixeltrack.screening import NAMES

    name, _, answer = text.partition("=")
    if name not in NAMES:
        raise InputError(f"--answer {text!r} names no question", hint=f"they are {', '.join(NAMES)}")
    if answer == "yes":
        return name, "yes"
    if answer == "no":
        return name, "no"
    raise InputError(f"--answer {text!r} is neither yes nor no", hint=f"for instance --answer {name}=no")


def _sizes(call: Call) -> tuple[int | None, int | None]:
    """Return how many recipients and mailings the database has; None where there is none yet."""
    from contextlib import closing

    from pixeltrack.setup import open_workspace

    if not call.settings.db.exists():
        return None, None
    with closing(open_workspace(call.settings, create=False).store) as store:
        mailings = [each for each in store.campaigns() if each.kind != "preview"]
        return store.recipient_count(), len(mailings)
