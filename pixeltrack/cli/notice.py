"""pixeltrack notice"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.config import Settings
    from pixeltrack.noticetext import Format

EPILOG = """\
Examples:

\b
  pixeltrack notice --lang fr
      the notice as plain text, in French
  pixeltrack notice --format html --output privacy.html
      as a page that loads nothing; md is for a page of your own
  pixeltrack notice --footer --format html
      the line for a mail's footer
  pixeltrack notice --lang fr --id
      its consent_text_id, for a list whose people were shown that text
  pixeltrack notice --register
      keep the text in each language as the version in force from now on; serve does that when it starts
"""


@click.command("notice", epilog=EPILOG)
@click.option(
    "--lang",
    type=click.Choice(["en", "fr", "de", "it", "es"]),
    default="en",
    show_default=True,
    help="Language.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["txt", "md", "html"]),
    default="txt",
    show_default=True,
    help="Plain text, Markdown or a page.",
)
@click.option("--footer", is_flag=True, help="Print the line for a mail's footer instead.")
@click.option(
    "--id", "as_id", is_flag=True, help="Print the SHA-256 of the plain text, as the ledger has it."
)
@click.option("--register", is_flag=True, help="Keep the text in each language as the version in force.")
@click.option("--output", "-o", type=GivenPath(path_type=Path), metavar="FILE", help="Write it to a file.")
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with your own texts (notice/fr.toml) and pages, as for serve.",
)
@global_options
def command(
    lang: str,
    format_: Format,
    footer: bool,
    as_id: bool,
    register: bool,
    output: Path | None,
    templates: Path | None,
    **options: Any,
) -> None:
    """Print the privacy notice that your settings make.

    Who is responsible, what is recorded in each mode that a mailing may have, for what, on which basis,
    for how long, and how it is stopped. The collector shows the same at /privacy. The same settings give
    the same bytes. What the settings do not know, such as other programs of yours, it cannot say: read it
    before you use it.
    """
    call = Call(options, {})
    from pixeltrack import noticetext
    from pixeltrack.cli.inputs import standard_output
    from pixeltrack.notice import footer_of, notice_of
    from pixeltrack.pages import Pages

    if as_id and (footer or format_ != "txt"):
        raise InputError(
            "--id is that of the plain text, which people are asked to agree to",
            hint="leave --footer and --format out",
        )
    settings = call.settings
    pages = Pages(templates)
    texts, notice = pages.notice_texts[lang], notice_of(settings)
    text = noticetext.plain(notice, texts)
    if footer:
        made = noticetext.footer(footer_of(settings), texts, format_)
    elif format_ == "html":
        made = _page(settings, pages, lang)
    else:
        made = noticetext.markdown(notice, texts) if format_ == "md" else text
    content = noticetext.encoded(made)
    if output is not None:
        _write(output, content)
    elif not as_id:
        standard_output().write(content)
        standard_output().flush()
    if register:
        _register(call, settings, pages)
    if as_id:
        click.echo(noticetext.wording_id(text))
    _warn(call, settings)


def _page(settings: Settings, pages: Any, language: str) -> str:
    """Return the page that /privacy shows, without what only makes sense there."""
    from pixeltrack.noticepage import page_values

    made: bytes = pages.render("privacy.html", language, names={}, **page_values(settings, pages, language))
    return made.decode("utf-8")


def _write(path: Path, content: bytes) -> None:
    """Write a file; one that says the same already may stay."""
    from pixeltrack.cli.inputs import write_new

    if path.is_file() and path.read_bytes() == content:
        return
    write_new(path, content, option="--output")


def _register(call: Call, settings: Settings, pages: Any) -> None:
    from pixeltrack.clock import now_ms
    from pixeltrack.noticepage import register
    from pixeltrack.setup import open_workspace

    workspace = open_workspace(settings, create=True)
    call.created(workspace.created)
    with closing(workspace.store) as store:
        numbers = register(store, settings, pages, now_ms())
    if not numbers:
        raise InputError(
            "the folder of --templates has a privacy.html of its own, which may say something else",
            hint="pixeltrack consent import --wording keeps any text that people were shown",
        )
    said = ", ".join(f"{language} version {number}" for language, number in numbers.items())
    call.say(f"in force: {said}")


def _warn(call: Call, settings: Settings) -> None:
    """Say what a notice needs and the settings do not have."""
    lacking = [name for name in ("controller", "contact") if not (getattr(settings, name) or "").strip()]
    where = settings.config or "pixeltrack.toml"
    if lacking:
        call.warn(f"the notice does not name the {' and the '.join(lacking)}: see [sender] in {where}")
    if settings.preset is None:
        call.warn("the notice names no law: consent.preset says whose holds")
