"""Where the links of a mail are: exact spans, found as a browser (and Outlook) would find them.

The states are those of the WHATWG HTML standard, section 13.2.5 (tokenization): tags, attributes,
raw text, comments. Nothing is parsed into a tree and nothing is changed. Outlook's conditional
comments are entered to depth 1, because Outlook follows the links in them. Every scan is linear in
the length of its input: whatever never closes ends the scan, it is not tried again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

WS = "\t\n\f\r "  # what HTML calls ASCII whitespace

_START_TAG = re.compile(r"<([A-Za-z][^\t\n\f\r />]*+)")
_END_TAG = re.compile(r"</([A-Za-z][^\t\n\f\r />]*+)(>?+)")
# One attribute. A value whose quote never closes leaves its "=" unread, which is how it is noticed.
_ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)[\t\n\f\r ]*+"""
    r"""(?:=[\t\n\f\r ]*+(?:"([^"]*+)"|'([^']*+)'|([^\t\n\f\r >"'][^\t\n\f\r >]*+)|(?=>)))?+"""
)
_AFTER_ATTRIBUTES = re.compile(r"[\t\n\f\r /]*+")
# The rest of a tag that is written by the book: found in one step. Anything else takes the long way.
_PLAIN_REST = re.compile(
    r"""(?:[\t\n\f\r ]++(?:[^\t\n\f\r />="'<]++(?:=(?:"[^"]*+"|'[^']*+')(?=[\t\n\f\r />]))?+)?+)*+/?+>"""
)
_COMMENT_END = re.compile(r"--!?>")
_NO_CASE = re.ASCII | re.IGNORECASE  # case is ASCII's alone: "ſ" is no "s" in a tag's name
_CONDITIONAL = re.compile(r"<!--\[if\b[^\]]*+\]>", _NO_CASE)
_SCRIPT_STEP = re.compile(r"<!--(?!-*+>)|-->|<(/?)script(?=[\t\n\f\r />])", _NO_CASE)

# Elements whose content is text, not markup. noscript and template are ordinary in mail.
_RAW_TEXT = frozenset({"style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "script"})
_RAW_END = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", _NO_CASE) for name in _RAW_TEXT - {"script"}}


@dataclass(frozen=True, slots=True)
class Attribute:
    """The raw value of one attribute: ``start:end`` is its span without the quotes.

    ``whole`` is the span of the attribute, with the space before it.
    """

    start: int
    end: int
    quote: str  # '"', "'" or '' (unquoted)
    value: str
    whole: tuple[int, int]


@dataclass(slots=True)
class Anchor:
    """One element with an ``href`` that a reader can follow: ``a``, ``area`` or VML ``v:*``."""

    tag: str
    at: int  # offset of its "<"
    end: int  # offset behind the ">" of its start tag
    href: Attribute
    attributes: dict[str, Attribute]  # lower-case names; of duplicates the first counts
    conditional: bool  # inside an Outlook conditional comment
    text: str = ""  # raw text (or alt text) between its tags, as written


@dataclass(slots=True)
class Page:
    """What a scan found in one document. Offsets are into the scanned string."""

    anchors: list[Anchor] = field(default_factory=list)
    images: list[str] = field(default_factory=list)  # raw src of each img outside comments
    comments: list[tuple[int, int]] = field(default_factory=list)  # their spans, at top level
    base: str | None = None  # raw href of the first <base> that has one
    forms: list[int] = field(default_factory=list)  # offset of each form
    unlinked: list[tuple[int, frozenset[str]]] = field(default_factory=list)  # a or area without href: names
    letters: int = 0  # characters of text outside comments, without the space around them
    body_start: int | None = None  # after the first <body …> at top level
    body_end: int | None = None  # the last </body> that is a tag at top level
    html_end: int | None = None
    content_end: int = 0  # where something can be appended and still be markup
    unclosed: str | None = None  # what was left open at the end: "comment", "tag", "style" …
    names: set[str] = field(default_factory=set)  # lower-case names of all start tags
    amp: bool = False  # an AMP part: <html amp4email> or <html ⚡4email>


def scan(text: str) -> Page:
    """Return the links, images and end tags of an HTML document or fragment.

    Give it one character per byte (latin-1) where the charset is a superset of ASCII, and the
    offsets are byte offsets. Never fails: HTML has no syntax errors.
    """
    scanner = _Scanner(text)
    scanner.run(0, len(text), conditional=False)
    return scanner.page


@dataclass(slots=True)
class Element:
    """A start tag outside comments: ``at`` is its "<"; ``end`` is behind its ">".

    Of raw text (a style, a script) it is behind the end tag. ``attributes`` are an image's.
    """

    name: str
    at: int
    end: int
    attributes: dict[str, Attribute]


def elements(text: str) -> list[Element]:
    """Return all start tags of a document in their order; what never closes ends at the end."""
    lister = _Lister(text)
    lister.run(0, len(text), conditional=False)
    return lister.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.page = Page()
        self._open: Anchor | None = None  # the anchor whose text is being read
        self._label: list[str] = []

    def run(self, start: int, end: int, *, conditional: bool) -> None:
        text, page = self.text, self.page
        position = start
        unclosed = None
        while True:
            less = text.find("<", position, end)
            stop = less if less >= 0 else end
            self._hear(position, stop)
            if not conditional:
                page.letters += len(text[position:stop].strip(WS))
            if less < 0:
                position = end
                break
            following = text[less + 1 : less + 2] if less + 1 < end else ""
            if following.isascii() and following.isalpha():
                after, unclosed = self._start_tag(less, end, conditional)
            elif following == "/":
                after, unclosed = self._end_tag(less, end, conditional)
            elif text.startswith("<!--", less) and less + 4 <= end:
                after, unclosed = self._comment(less, end, conditional)
            elif following and following in "!?":
                after, unclosed = self._bogus(less, end)
            else:
                self._hear(less, less + 1)
                after = less + 1
            if unclosed:
                position = less
                break
            position = after
        self._close()
        if not conditional:
            page.content_end = position
            page.unclosed = unclosed

    # -- the four kinds of "<"; each returns where reading goes on, and what never closed ----------

    def _start_tag(self, less: int, end: int, conditional: bool) -> tuple[int, str | None]:
        matched = _START_TAG.match(self.text, less, end)
        assert matched is not None
        name = matched[1].lower()
        vml = name.startswith("v:")
        attributes: dict[str, Attribute] = {}
        if vml or name in ("a", "area", "img", "html", "base"):
            after = self._attributes(matched.end(), end, attributes)
        else:
            plain = _PLAIN_REST.match(self.text, matched.end(), end)
            after = plain.end() if plain else self._attributes(matched.end(), end, attributes)
        if after < 0:
            return end, "tag"
        if not conditional:
            self.page.names.add(name)
            if name == "img" and "src" in attributes:
                self.page.images.append(attributes["src"].value)
            elif name == "base" and self.page.base is None and "href" in attributes:
                self.page.base = attributes["href"].value
            elif name == "body" and self.page.body_start is None:
                self.page.body_start = after
            elif name == "html" and not {"amp4email", "⚡4email", "â\x9a¡4email"}.isdisjoint(attributes):
                self.page.amp = True
        if name == "form":
            self.page.forms.append(less)
        if vml or name in ("a", "area"):
            self._anchor(name, (less, after), attributes, conditional)
        elif name == "img" and self._open is not None and "alt" in attributes:
            alt = attributes["alt"].value
            self._label.append(f" {alt} " if alt else "")  # a picture without words parts none: our pixel
        if name in _RAW_TEXT:
            closing = self._raw_text(name, after, end)
            after = self._attributes(closing + len(f"</{name}"), end, {}) if closing >= 0 else -1
            return (end, name) if after < 0 else (after, None)
        if name == "plaintext":
            return end, name
        return after, None

    def _end_tag(self, less: int, end: int, conditional: bool) -> tuple[int, str | None]:
        matched = _END_TAG.match(self.text, less, end)
        if matched is None:
            if self.text.startswith("</>", less) and less + 3 <= end:
                return less + 3, None
            if less + 2 >= end:
                return end, "tag"
            return self._bogus(less, end)
        name = matched[1].lower()
        after = matched.end() if matched[2] else self._attributes(matched.end(), end, {})
        if after < 0:
            return end, "tag"
        if self._open is not None and name == self._open.tag:
            self._close()
        if not conditional:
            if name == "body":
                self.page.body_end = less
            elif name == "html":
                self.page.html_end = less
        return after, None

    def _comment(self, less: int, end: int, conditional: bool) -> tuple[int, str | None]:
        for short in ("<!-->", "<!--->"):
            if self.text.startswith(short, less) and less + len(short) <= end:
                if not conditional:
                    self.page.comments.append((less, less + len(short)))
                return less + len(short), None
        closing = _COMMENT_END.search(self.text, less + 4, end)
        if closing is None:
            return end, "comment"
        if not conditional:
            self.page.comments.append((less, closing.end()))
        opening = None if conditional else _CONDITIONAL.match(self.text, less, closing.start())
        if opening is not None:
            self._close()
            self.run(opening.end(), closing.start(), conditional=True)
        return closing.end(), None

    def _bogus(self, less: int, end: int) -> tuple[int, str | None]:
        """A doctype, ``<![if !mso]>``, ``<?xml … ?>`` and the like: up to the first ``>``."""
        closing = self.text.find(">", less, end)
        return (end, "comment") if closing < 0 else (closing + 1, None)

    # -- inside a tag -------------------------------------------------------------------------------

    def _attributes(self, position: int, end: int, into: dict[str, Attribute]) -> int:
        """Read attributes up to the tag's ``>``; return the offset after it, or -1 if it never ends."""
        text = self.text
        while True:
            matched = _ATTRIBUTE.match(text, position, end)
            if matched is None:
                rest = _AFTER_ATTRIBUTES.match(text, position, end)
                assert rest is not None
                return rest.end() + 1 if text.startswith(">", rest.end()) and rest.end() < end else -1
            position = matched.end()
            if matched.lastindex == 1 and text.startswith("=", position) and position < end:
                return -1  # a quote that never closes swallows the rest of the document
            name = matched[1].lower()
            if name not in into:
                into[name] = _value(matched)

    def _raw_text(self, name: str, position: int, end: int) -> int:
        """Return the offset of the end tag of a raw-text element, or -1 if it never ends."""
        if name != "script":
            closing = _RAW_END[name].search(self.text, position, end)
            return closing.start() if closing else -1
        escaped = inner = False  # the "script data (double) escaped" states
        for step in _SCRIPT_STEP.finditer(self.text, position, end):
            token = step[0]
            if token == "<!--":
                escaped = True
            elif token == "-->":
                escaped = inner = False
            elif not step[1]:
                inner = escaped
            elif inner:
                inner = False
            else:
                return step.start()
        return -1

    # -- link texts ---------------------------------------------------------------------------------

    def _anchor(
        self, name: str, tag: tuple[int, int], attributes: dict[str, Attribute], conditional: bool
    ) -> None:
        self._close()
        href = attributes.get("href")
        if href is None:
            if name in ("a", "area"):
                self.page.unlinked.append((tag[0], frozenset(attributes)))
            return
        anchor = Anchor(name, *tag, href, attributes, conditional)
        self.page.anchors.append(anchor)
        if name == "area":
            anchor.text = attributes["alt"].value if "alt" in attributes else ""
        else:
            self._open = anchor

    def _hear(self, start: int, end: int) -> None:
        if self._open is not None and start < end:
            self._label.append(self.text[start:end])

    def _close(self) -> None:
        if self._open is not None:
            self._open.text = "".join(self._label)
            self._open = None
            self._label = []


class _Lister(_Scanner):
    """Notes every start tag that a browser sees."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.found: list[Element] = []

    def _start_tag(self, less: int, end: int, conditional: bool) -> tuple[int, str | None]:
        after, unclosed = super()._start_tag(less, end, conditional)
        matched = _START_TAG.match(self.text, less, end)
        if matched is not None and not conditional:
            element = Element(matched[1].lower(), less, after, {})
            if element.name == "img":
                self._attributes(matched.end(), end, element.attributes)
            self.found.append(element)
        return after, unclosed


def _value(matched: re.Match[str]) -> Attribute:
    for group, quote in ((2, '"'), (3, "'"), (4, "")):
        if matched.start(group) >= 0:
            return Attribute(*matched.span(group), quote, matched[group], matched.span())
    # what follows a name without a value may be the space before the next one
    return Attribute(matched.end(), matched.end(), "", "", (matched.start(), matched.end(1)))
