"""What every rewrite must prove before anything is written: undo, second run, independent audit.

BeautifulSoup is the auditor, never the rewriter: it reads input and output with a parser that is not
ours, and both must show the same elements, attributes and text once link targets and pixel are
masked.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from pixeltrack.edits import Edit, changes, cut, take_back
from pixeltrack.errors import PixeltrackError, SelfCheckError
from pixeltrack.markup import scan
from pixeltrack.rewrite import Plan
from pixeltrack.source import Source
from pixeltrack.template import Slot
from pixeltrack.urls import Owns

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_FOLLOWED = re.compile(r"a|area|v:.*", re.IGNORECASE)
_CONDITIONAL = re.compile(r"\[if\b[^\]]*\]>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_AUDIT_HINT = (
    "nothing was written: either parsers disagree on this mail's HTML (a validator may tell where),"
    " or this is a bug in pixeltrack"
)
_HINT = "this is a bug in pixeltrack; nothing was written. Please report the mail that shows it"


@dataclass(frozen=True, slots=True)
class Proof:
    """The checks that a rewrite passed. ``audit`` says in words what the auditor read."""

    undo: bool
    second_run: bool
    audit: str


def prove(
    plan: Plan,
    edits: Sequence[Edit],
    values: Mapping[Slot, str],
    output: bytes,
) -> Proof:
    """Check one rendered copy against its source; raise SelfCheckError when a proof fails.

    values are the tokens by slot that output was rendered with.
    """
    source = plan.source
    # parts that are encoded anew are undone as they are before that
    written = cut(source, edits).renderer()(values) if plan.regions else output
    if undo(source, edits, values, written) != source.data:
        raise SelfCheckError(f"{source.name}: undoing the edits does not give the mail back", hint=_HINT)
    again = plan.replan(output)
    if not again.changes_nothing:
        raise SelfCheckError(f"{source.name}: a second run would change the mail again", hint=_HINT)
    audits = [
        _audit(before, after, plan.policy.owns)
        for before, after in zip(plan.documents, again.documents, strict=True)
    ]
    return Proof(undo=True, second_run=True, audit="; ".join(audits) or "no HTML to read")


def undo(source: Source, edits: Sequence[Edit], values: Mapping[Slot, str], output: bytes) -> bytes:
    """Return output with every edit taken back; raise SelfCheckError where an edit is not in place."""
    known = {str(slot): value for slot, value in values.items()}
    try:
        return take_back(output.decode(source.codec), changes(source, edits), known).encode(source.codec)
    except (PixeltrackError, UnicodeError) as error:
        raise SelfCheckError(f"{source.name}: {error}", hint=_HINT) from None


def _audit(before: Source, after: Source, owns: Owns) -> str:
    """Compare input and output as BeautifulSoup reads them; return what was read, in words."""
    page = scan(before.view)
    tail = len(before.view) - page.content_end  # what never closes is quadratic for html.parser, and
    heads = [  # the first proof has shown it unchanged: audit what comes before it
        each.view[: len(each.view) - tail] if page.unclosed else each.view for each in (before, after)
    ]
    try:
        outlines = [_Outline(head, owns) for head in heads]
    except PixeltrackError as refused:
        return refused.message
    for old, new in zip_longest(outlines[0].items, outlines[1].items):
        if old != new:
            raise SelfCheckError(
                f"{before.name}: BeautifulSoup sees a difference outside the links: {old!r} became {new!r}",
                hint=_AUDIT_HINT,
            )
    hrefs = list(zip_longest(outlines[0].hrefs, outlines[1].hrefs))
    for old, new in hrefs:
        if old != new and (old is None or new is None or not owns(new)):
            raise SelfCheckError(
                f"{before.name}: BeautifulSoup sees a link go astray: {old!r} became {new!r}",
                hint=_AUDIT_HINT,
            )
    return f"{len(outlines[0].items):,} nodes and {len(hrefs):,} links read alike by BeautifulSoup"


class _Outline:
    """A document as a flat list of what a parser sees, hrefs apart, our own pixel left out."""

    def __init__(self, text: str, owns: Owns) -> None:
        self.items: list[tuple[object, ...]] = []
        self.hrefs: list[str] = []
        self._owns = owns
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
                attributes = dict(node.attrs)
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

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return BeautifulSoup(text, "html.parser")
        except (ParserRejectedMarkup, AssertionError, ValueError) as refused:
            raise PixeltrackError("not read: BeautifulSoup refuses this document") from refused
