"""BeautifulSoup as the auditor of a rewrite, never the rewriter.

It reads input and output with a parser that is not ours, and both must show the same elements,
attributes and text once link targets and pixel are masked.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING

from pixeltrack.errors import PixeltrackError, SelfCheckError
from pixeltrack.markup import scan
from pixeltrack.source import Source
from pixeltrack.urls import Owns

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_FOLLOWED = re.compile(r"a|area|v:.*", re.IGNORECASE)
_CONDITIONAL = re.compile(r"\[if\b[^\]]*\]>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_ENDING = re.compile(r"--!?>\Z")
_EARLY = re.compile(r"--\s+>")
_HINT = (
    "nothing was written: either parsers disagree on this mail's HTML (a validator may tell where),"
    " or this is a bug in pixeltrack"
)
_WHOLE = 300_000  # characters, and
_MOST_MARKUP = 4_000  # tags and references, that the parser reads in the time that a person waits
_SAMPLE = 30_000  # of a longer mail, at its beginning, middle and end

Spans = Sequence[tuple[int, int]]  # of the links, in both documents the same ones


def audit(
    before: Source, after: Source, links: tuple[Spans, Spans], owns: Owns, gone: Collection[str] = ()
) -> str:
    """Compare input and output as BeautifulSoup reads them; return what was read, in words.

    links are where the link values of both are. Of a long document three long pieces are read, from
    one link's end to another's beginning, so that they are the same piece of both. gone are
    attributes that output need not have. Raises SelfCheckError at a difference.
    """
    pieces = _pieces(before.view, after.view, links)
    if sum(map(_markup, (was for was, _now in pieces))) > _MOST_MARKUP:
        return f"not read by BeautifulSoup: more than {_MOST_MARKUP:,} tags"
    nodes = hrefs = 0
    for pair in pieces:
        try:
            outlines = [_Outline(text, owns, gone) for text in _closed(*pair)]
        except PixeltrackError as refused:
            return refused.message
        nodes += len(outlines[0].items)
        hrefs += _compare(outlines[0], outlines[1], before.name, owns)
    part = "" if len(pieces) == 1 else f"in {len(pieces)} of its longest pieces, "
    return f"{part}{nodes:,} nodes and {hrefs:,} links read alike by BeautifulSoup"


def _closed(before: str, after: str) -> tuple[str, str]:
    """Return two texts without what never closes in them.

    That is quadratic for html.parser, and the first proof has shown it unchanged.
    """
    page = scan(before)
    tail = len(before) - page.content_end if page.unclosed else 0
    return before[: len(before) - tail], after[: len(after) - tail]


def _pieces(before: str, after: str, links: tuple[Spans, Spans]) -> list[tuple[str, str]]:
    """Return what is compared: everything, or pieces between links that both documents have."""
    old, new = links
    if (len(before) <= _WHOLE and _markup(before) <= _MOST_MARKUP) or len(old) != len(new):
        return [(before, after)]
    begins = [(0, 0), *((was[1], now[1]) for was, now in zip(old, new, strict=True))]
    ends = [*((was[0], now[0]) for was, now in zip(old, new, strict=True)), (len(before), len(after))]
    found = []
    for start in (0, len(before) // 2, len(before) - _SAMPLE):
        begin = begins[bisect_right(begins, start, key=itemgetter(0)) - 1]
        end = ends[min(bisect_left(ends, start + _SAMPLE, key=itemgetter(0)), len(ends) - 1)]
        found.append((before[begin[0] : end[0]], after[begin[1] : end[1]]))
    return found if sum(len(was) for was, _now in found) < len(before) else [(before, after)]


def _markup(text: str) -> int:
    return text.count("<") + text.count("&")


def _compare(old: _Outline, new: _Outline, name: str, owns: Owns) -> int:
    """Raise SelfCheckError where two outlines differ; return the number of links."""
    for was, now in zip_longest(old.items, new.items):
        if was != now:
            raise SelfCheckError(
                f"{name}: BeautifulSoup sees a difference outside the links: {was!r} became {now!r}",
                hint=_HINT,
            )
    hrefs = list(zip_longest(old.hrefs, new.hrefs))
    for was, now in hrefs:
        if was != now and (was is None or now is None or not owns(now)):
            raise SelfCheckError(
                f"{name}: BeautifulSoup sees a link go astray: {was!r} became {now!r}", hint=_HINT
            )
    return len(hrefs)


class _Outline:
    """A document as a flat list of what a parser sees, hrefs apart, our own pixel left out."""

    def __init__(self, text: str, owns: Owns, gone: Collection[str]) -> None:
        self.items: list[tuple[object, ...]] = []
        self.hrefs: list[str] = []
        self._owns, self._gone = owns, gone
        words: list[str] = []
        for item in self._read(_soup(f"{text}<end>")):  # text ends alike in both
            if item[0] == "text":
                words.append(str(item[1]))
                continue
            if words:  # BeautifulSoup makes one space of white space alone: do so everywhere
                self.items.append(("text", _SPACES.sub(" ", "".join(words))))
                words = []
            self.items.append(item)

    def _read(self, soup: BeautifulSoup) -> Iterator[tuple[object, ...]]:
        from bs4 import Comment, Tag
        from bs4.element import NavigableString

        for node in soup.descendants:
            if isinstance(node, Tag):
                attributes = {name: value for name, value in node.attrs.items() if name not in self._gone}
                if attributes.get("tabindex") == "-1" and self._owns(str(attributes.get("href", ""))):
                    continue  # our own honeypot: a link without content that nobody reaches
                if node.name == "img" and self._owns(str(attributes.get("src", ""))) == "open":
                    continue
                if _FOLLOWED.fullmatch(node.name) and "href" in attributes:
                    self.hrefs.append(str(attributes.pop("href")))
                yield ("tag", node.name, tuple(sorted(map(str, attributes.items()))))
            elif isinstance(node, Comment):
                yield from self._comment(str(node))
            elif isinstance(node, NavigableString) and type(node) is NavigableString:
                yield ("text", str(node))
            else:
                yield (type(node).__name__, str(node))

    def _comment(self, text: str) -> Iterator[tuple[object, ...]]:
        condition = _CONDITIONAL.match(text)
        if condition is None:
            yield ("comment", text)
            return
        inner = text[condition.end() :]
        closing = scan(inner)
        yield ("conditional", condition[0], closing.unclosed)
        if closing.unclosed in (
            None,
            "comment",
        ):  # "<![endif]" itself never closes inside the comment
            yield from self._read(_soup(inner[: closing.content_end]))


def _soup(text: str) -> BeautifulSoup:
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    text = _by_the_book(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return BeautifulSoup(text, "html.parser")
        except (ParserRejectedMarkup, AssertionError, ValueError) as refused:
            raise PixeltrackError("not read: BeautifulSoup refuses this document") from refused


def _by_the_book(text: str) -> str:
    """Return a text whose comments end in ``-->``, and nowhere before.

    By the HTML standard (13.2.5.43 to 13.2.5.51) ``--!>`` ends a comment, ``<!-->`` and ``<!--->`` are
    whole ones, and ``-- >`` ends none. html.parser knows this since Python 3.13.6 only.
    """
    pieces, done = list[str](), 0
    for start, end in scan(text).comments:
        written = text[start:end]
        ending = _ENDING.search(written)
        inner = "" if len(written) < len("<!---->") or ending is None else written[4 : ending.start()]
        pieces += (text[done:start], "<!--", _EARLY.sub("--_>", inner), "-->")
        done = end
    return "".join((*pieces, text[done:]))
