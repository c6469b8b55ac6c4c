"""The mail itself with each link's share drawn on it, as the text of a frame that can do nothing.

Badges are cut into the mail's text at the offsets that our own tokenizer reports; nothing is parsed
and written again. What could reach out of the frame is taken away as well, though the report's
policy forbids it anyhow: scripts, link targets, pictures of elsewhere, and elements that load,
redirect or rebase.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pixeltrack.errors import PixeltrackError
from pixeltrack.figures import LinkFigures
from pixeltrack.markup import Element, elements, scan
from pixeltrack.model import Mail
from pixeltrack.show.placeholder import placeholder
from pixeltrack.show.text import DASH, percent
from pixeltrack.source import Source, read
from pixeltrack.texts import spans

MOST_BYTES = 300_000  # of a mail that is drawn; mail programs clip far smaller ones

# Taken out: raw text with all that is in it, of others the tag.
_REACHING = frozenset(
    {
        *("script", "iframe", "noembed", "noframes", "link", "meta", "base", "form"),
        *("object", "embed", "audio", "video", "source", "track", "frame", "frameset", "portal"),
        *("image", "use", "feimage", "animate", "set"),  # of SVG
    }
)
_LOADED = re.compile(r"(url\(\s*+[\"']?+\s*+)(?:https?:)?//", re.IGNORECASE)  # in styles
_IMPORTED = re.compile(r"@import\b", re.IGNORECASE)
_LEVELS = (0.0, 0.05, 0.15, 0.35)  # shares above which a badge is one step darker
Cut = tuple[int, int, str]  # from, to, and what stands there instead


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mail as it is shown. ``frame`` is its document; ``why_not`` says why there is none.

    ``numbers`` are those of the campaign's links that are drawn on it.
    """

    frame: str
    numbers: frozenset[int]
    why_not: str = ""


def draw(mail: Mail | None, links: Sequence[LinkFigures], style: str) -> Drawn:
    """Return a mail with the shares of a campaign's links on it.

    ``style`` has the rules for the badges. It stands where the mail ends: before its doctype it would change
    how the mail is laid out.
    """
    if mail is None:
        return _nothing(
            "It was not kept: the campaign was made before mails were, or is one message for each person."
        )
    if len(mail.content) > MOST_BYTES:
        return _nothing(f"It has {len(mail.content):,} bytes, which is too large to draw.")
    try:
        source = read(mail.content, "the mail", mail.charset)
    except PixeltrackError as error:
        return _nothing(f"It cannot be read: {error.message}.")
    figures = {link.number: link for link in links}
    shown = {place: figures[number] for place, number in mail.numbers.items() if number in figures}
    end = f"\n<style>{style}</style>"
    if mail.kind == "text":
        text = f"<pre style='font:15px/1.7 monospace;white-space:pre-wrap'>{_text(source, shown)}</pre>"
        return Drawn(f"<!doctype html>{text}{end}", frozenset(link.number for link in shown.values()))
    return _html(source, shown, end)


def _nothing(why: str) -> Drawn:
    return Drawn("", frozenset(), why)


def badge(link: LinkFigures, *, hangs: bool = True) -> str:
    """Return the mark of one link; ASCII only, as it is cut into bytes of any charset.

    It hangs over the corner of its link, or else (for the parts of an image map) stands in the text.
    """
    share = percent(link.share).replace(DASH, "&ndash;")
    place = "" if hangs else " m"
    return f'<x-share s="{level(link.share)}"{place}><i>{link.number}</i>{share}</x-share>'


def level(share: float | None) -> int:
    """Return how dark a share is drawn, from 0 (nobody) to 4."""
    return sum((share or 0.0) > step for step in _LEVELS)


def _html(source: Source, shown: Mapping[int, LinkFigures], ending: str) -> Drawn:
    view = source.view
    page = scan(view)
    cuts: list[Cut] = [(*span, "") for span in page.comments]
    for element in elements(view):
        cuts += _harmless(source, element)
    drawn = set[int]()
    for place, anchor in enumerate(page.anchors, start=1):
        if anchor.conditional:
            continue  # goes with its comment
        cuts.append((anchor.href.start, anchor.href.end, "#" if anchor.href.value else ""))
        link = shown.get(place)
        if link:
            cuts.append((anchor.end, anchor.end, badge(link, hangs=anchor.tag == "a")))
            drawn.add(link.number)
    if page.unclosed:  # what never closes would swallow what follows, and no browser shows it
        view = view[: page.content_end]
    text = _IMPORTED.sub("@x-import", _LOADED.sub(r"\1data:,", _readable(source, _cut(view, cuts))))
    return Drawn(text + ending, frozenset(drawn))


def _harmless(source: Source, element: Element) -> Iterable[Cut]:
    """Yield what takes away an element's power to load anything."""
    if element.name in _REACHING:
        yield element.at, element.end, ""
    elif element.name == "img":
        attributes = element.attributes
        decoded = {name: source.text(attribute.value) for name, attribute in attributes.items()}
        src = attributes.get("src")
        if src is not None and src.value and not src.value.lstrip().lower().startswith("data:image/"):
            quotes = len(src.quote)
            yield src.start - quotes, src.end + quotes, f'"{placeholder(attributes, decoded)}"'
        if "srcset" in attributes:
            yield *attributes["srcset"].whole, ""


def _cut(view: str, cuts: Iterable[Cut]) -> str:
    """Return a text with pieces replaced; one that lies within another that is taken out goes with it."""
    pieces, done = list[str](), 0
    for start, end, instead in sorted(cuts):
        if start < done or start > len(view):
            continue
        pieces += [view[done:start], instead]
        done = end
    pieces.append(view[done:])
    return "".join(pieces)


def _text(source: Source, shown: Mapping[int, LinkFigures]) -> str:
    pieces, done = list[str](), 0
    charset = source.charset if source.codec == "latin-1" else None
    for place, (start, _end) in enumerate(spans(source.view, charset), start=1):
        if place in shown:
            pieces += [html.escape(_readable(source, source.view[done:start])), badge(shown[place])]
            done = start
    pieces.append(html.escape(_readable(source, source.view[done:])))
    return "".join(pieces)


def _readable(source: Source, piece: str) -> str:
    """Return a piece of the view as text; what is no text in its charset becomes a mark, and no error."""
    if source.codec == "latin-1":
        piece = piece.encode("latin-1").decode(source.charset, "replace")
    return piece.removeprefix("\ufeff").replace("\0", "")
