"""Recipient fields in the mail, as Jinja2: ``{{ first_name }}``. The one door to Jinja2 for mails.

Only with ``--personalize``; without it a mail's merge tags are left for the sender's mail program.
Values are HTML-escaped. The template is sandboxed: a mail cannot reach into the program. Jinja2's own
comments are off, because ``{#`` is how a style sheet says "inside braces, an id".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pixeltrack.copies import Copy
from pixeltrack.errors import InputError
from pixeltrack.source import Source
from pixeltrack.template import Slot, Template
from pixeltrack.urls import Addresses

#: Names that a mail may use besides the recipient's fields.
URL_FIELDS = ("unsubscribe_url", "preferences_url", "privacy_url")

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_ADDRESS_BEFORE = re.compile(r"https?://[^\s\"'<>]*\Z")

# What a template's own expressions raise: 1 / 0, "%(x)s" % {}, a macro that calls itself, …
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

Personalized = Callable[[Copy], bytes]


def compile_personalized(
    template: Template, source: Source, places: Addresses, *, html: bool = True
) -> Personalized:
    """Return the function that fills in one recipient's copy; in html, values are escaped.

    Raises InputError for a mail that is not valid Jinja2, or whose bytes are not valid in its own
    encoding; the function raises it for a recipient for whom the mail cannot be filled in.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    environment = ImmutableSandboxedEnvironment(
        autoescape=html,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        comment_start_string="{#pixeltrack",
        comment_end_string="pixeltrack#}",
    )
    texts = [source.decode(chunk) for chunk in template.chunks]
    mark = _unused("".join(texts))
    links = _links(template.slots, texts)
    name = "pixeltrack_slot"
    while any(name in text for text in texts):
        name += "_"
    written = texts[0]
    for slot, text in zip(template.slots, texts[1:], strict=True):
        written += f"{{{{ {name}.s_{slot} }}}}{text}"
    try:
        compiled = environment.from_string(_hide_returns(written, mark))
    except jinja2.TemplateSyntaxError as error:
        raise InputError(
            f"{source.name} line {error.lineno}: not valid Jinja2: {error.message}",
            hint="without --personalize the mail's own tags are left as they are",
        ) from None

    def render(copy: Copy) -> bytes:
        fields, values, where = copy.recipient.fields, copy.values, copy.where
        slots = {f"s_{slot}": Markup(value) for slot, value in values.items()}  # noqa: S704 - our own tokens
        pages = (places.unsubscribe(values["unsubscribe"]), places.preferences(values["preferences"]))
        urls = dict(zip(URL_FIELDS, (*pages, places.privacy), strict=True))
        try:
            text = compiled.render({"email": copy.recipient.address, **fields, **urls, name: slots})
        except jinja2.UndefinedError as error:
            raise InputError(
                f"{where}: the mail uses a field that the list does not have: {error.message}",
                hint="add the column, or write {{ name | default('') }} in the mail",
            ) from None
        except (jinja2.TemplateError, *_FAULTS) as error:
            raise InputError(f"{where}: the mail cannot be personalised: {error}") from None
        left = name in text and not any(name in value for value in fields.values())
        if left or (links and not _intact(text, links, values)):
            raise InputError(
                f"{source.name}: a link stands inside {{% raw %}}, a filter or a quoted text of Jinja2",
                hint="write the link outside it: there it cannot be tracked, and would not work",
            )
        if values["message"]:
            links.clear()  # a filter does in every copy what it does in the first
        try:
            return text.replace(mark, "\r").encode(source.charset, "xmlcharrefreplace" if html else "strict")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where}: {error.object[error.start]!r} cannot be written in {source.charset},"
                " which the mail's text part is in",
                hint="save the message as UTF-8",
            ) from None

    return render


def _links(slots: Sequence[Slot], texts: Sequence[str]) -> dict[Slot, set[str]]:
    """Return what stands before each token in an address."""
    found: dict[Slot, set[str]] = {}
    for slot, text in zip(slots, texts, strict=False):
        address = _ADDRESS_BEFORE.search(text, max(len(text) - 400, 0))
        if address:
            found.setdefault(slot, set()).add(address[0])
    return found


def _intact(text: str, links: Mapping[Slot, set[str]], values: Mapping[Slot, str]) -> bool:
    """Whether every token in a filled-in mail ends an address as it was written: no filter changed it."""
    folded = text.lower()
    return all(
        not values[slot]
        or folded.count(values[slot].lower()) == sum(text.count(before + values[slot]) for before in befores)
        for slot, befores in links.items()
    )


def _hide_returns(text: str, mark: str) -> str:
    """Hide carriage returns outside tags: Jinja2 would turn CRLF and lone CR into line feeds."""
    pieces = _TAG.split(text)
    pieces[::2] = [piece.replace("\r", mark) for piece in pieces[::2]]
    return "".join(pieces)


def _unused(text: str) -> str:
    marks = (*range(0xFDD0, 0xFDF0), *range(0xE000, 0xF8FF))  # noncharacters first: no field has them
    return next(mark for mark in map(chr, marks) if mark not in text)
