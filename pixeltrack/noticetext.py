"""The privacy notice in a language: as plain text, as Markdown and as HTML, which all say the same.

The plain text is what people are asked to agree to: the SHA-256 of its bytes is the id of the wording, as
the consent ledger has it (``consent_text_id``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Literal

from pixeltrack import languages
from pixeltrack.languages import Texts
from pixeltrack.notice import Block, Given, Notice, Sentence
from pixeltrack.resources import templates_dir

if TYPE_CHECKING:
    from markupsafe import Markup

Format = Literal["txt", "md", "html"]

_WIDTH = 76
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
_LINKED = ("contact", "dpo", "policy")  # values that may be an address
_PLACES = ("preferences", "unsubscribe", "privacy")


def texts_of(user_templates: Path | None = None) -> dict[str, Texts]:
    """Return the notice's texts in each language: a user's own (``notice/fr.toml``) first, then ours.

    Raises InputError for a text that cannot work.
    """
    if user_templates is None:
        return _ours()
    return languages.read(templates_dir() / "notice", user_templates / "notice")


@cache
def _ours() -> dict[str, Texts]:
    return languages.read(templates_dir() / "notice", None)


def wording_id(text: str) -> str:
    """Return the id of a wording: the SHA-256 of its bytes, in hexadecimal digits."""
    return sha256(encoded(text)).hexdigest()


def wordings(notice: Notice, texts: Mapping[str, Texts]) -> dict[str, bytes]:
    """Return the notice as plain text in each language, as it is kept."""
    return {language: encoded(plain(notice, each)) for language, each in texts.items()}


def encoded(text: str) -> bytes:
    """Return a text's bytes; a value from the settings may hold lone surrogates."""
    return text.encode("utf-8", "replace")


# -- plain text ----------------------------------------------------------------------------------------


def plain(notice: Notice, texts: Texts) -> str:
    """Return the notice as plain text, in lines of at most 76 characters but for long words."""

    def wrapped(text: str, first: str = "", then: str = "") -> str:
        return fill(
            text,
            _WIDTH,
            initial_indent=first,
            subsequent_indent=then,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def lines() -> Iterator[str]:
        title = filled(notice.title, texts)
        yield f"{title}\n{'=' * len(title)}"
        yield wrapped(filled(notice.intro, texts))
        for section in notice.sections:
            title = filled(section.title, texts)
            yield f"{title}\n{'-' * len(title)}"
            for block in section.blocks:
                said = [filled(sentence, texts) for sentence in block.sentences]
                if block.kind in ("list", "never"):
                    yield "\n".join(wrapped(each, "- ", "  ") for each in said)
                else:
                    yield wrapped(said[0])

    return "\n\n".join(lines()) + "\n"


def footer(sentence: Sentence, texts: Texts, format_: Format) -> str:
    """Return the line for a mail of a format, with links that ``inject`` fills in."""
    return {"txt": _plain_footer, "md": _markdown_footer, "html": _html_footer}[format_](sentence, texts)


def _plain_footer(footer: Sentence, texts: Texts) -> str:
    """Return the line for a plain text mail, with links that ``inject`` fills in."""
    links = "\n".join(f"{texts[f'footer_{place}']}: pixeltrack:{place}" for place in _PLACES)
    return f"{filled(footer, texts)}\n{links}\n"


# -- Markdown ------------------------------------------------------------------------------------------


def markdown(notice: Notice, texts: Texts) -> str:
    """Return the notice as Markdown (CommonMark)."""

    def written(sentence: Sentence) -> str:
        return escaped(filled(sentence, texts))

    def lines() -> Iterator[str]:
        yield f"# {written(notice.title)}"
        yield written(notice.intro)
        for section in notice.sections:
            yield f"## {written(section.title)}"
            for block in section.blocks:
                said = [written(sentence) for sentence in block.sentences]
                if block.kind in ("list", "never"):
                    yield "\n".join(f"- {each}" for each in said)
                else:
                    yield f"### {said[0]}" if block.kind == "heading" else said[0]

    return "\n\n".join(lines()) + "\n"


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it."""
    return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;"))


def _markdown_footer(footer: Sentence, texts: Texts) -> str:
    """Return the line for a mail that is written in Markdown."""
    links = " · ".join(f"[{texts[f'footer_{place}']}](pixeltrack:{place})" for place in _PLACES)
    return f"{filled(footer, texts)} {links}\n"


# -- HTML ----------------------------------------------------------------------------------------------


def html(notice: Notice, texts: Texts) -> Markup:
    """Return the notice as the content of a page: headings, paragraphs and lists."""
    from markupsafe import Markup

    def parts() -> Iterator[Markup]:
        yield _element("h1", _marked(notice.title, texts))
        yield _element("p", _marked(notice.intro, texts))
        for section in notice.sections:
            yield _element("h2", _marked(section.title, texts))
            for block in section.blocks:
                yield _block(block, texts)

    return Markup("\n").join(parts())


def _html_footer(footer: Sentence, texts: Texts) -> str:
    """Return the line for an HTML mail, with links that ``inject`` fills in."""
    from markupsafe import Markup

    links = Markup(" · ").join(
        Markup('<a href="pixeltrack:{}">{}</a>').format(place, texts[f"footer_{place}"]) for place in _PLACES
    )
    return f"{Markup('<p>{} {}</p>').format(_marked(footer, texts), links)}\n"


def _block(block: Block, texts: Texts) -> Markup:
    from markupsafe import Markup

    said = [_marked(sentence, texts) for sentence in block.sentences]
    if block.kind in ("list", "never"):
        items = Markup("\n").join(_element("li", each) for each in said)
        never = Markup(' class="never"') if block.kind == "never" else ""
        return Markup("<ul{}>\n{}\n</ul>").format(never, items)
    return _element("h3" if block.kind == "heading" else "p", said[0])


def _element(name: str, content: Markup) -> Markup:
    from markupsafe import Markup

    return Markup(f"<{name}>{{}}</{name}>").format(content)  # noqa: S704 - a name of ours


def _marked(sentence: Sentence, texts: Texts) -> Markup:
    """Return a sentence as markup: what is given stands apart, and an address can be followed."""
    from markupsafe import Markup, escape

    def value(name: str, given: Given) -> Markup:
        shown = Markup("<bdi>{}</bdi>").format(given)
        if name in _LINKED and re.match(r"https?://\S+$", given):
            return Markup('<a href="{}">{}</a>').format(given, shown)
        if name in _LINKED and "@" in given and " " not in given:
            return Markup('<a href="mailto:{}">{}</a>').format(given, shown)
        return shown

    values = _values(sentence, value, lambda inner: _marked(inner, texts), Markup(", "))
    return escape(texts[sentence.key]).format(**values)


def filled(sentence: Sentence, texts: Texts) -> str:
    """Return a sentence as plain text."""
    values = _values(sentence, lambda _name, given: str(given), lambda inner: filled(inner, texts), ", ")
    return texts[sentence.key].format(**values)


def _values(
    sentence: Sentence,
    of_given: Callable[[str, Given], str],
    of_sentence: Callable[[Sentence], str],
    comma: str,
) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in sentence.values:
        if isinstance(value, Given):
            values[name] = of_given(name, value)
        elif isinstance(value, Sentence):
            values[name] = of_sentence(value)
        elif isinstance(value, int):
            values[name] = str(value)
        else:
            values[name] = comma.join(map(of_sentence, value))
    return values
