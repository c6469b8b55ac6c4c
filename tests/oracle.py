"""What a browser, and Outlook, find in a mail: an oracle that shares no code with pixeltrack.

html5lib's tokenizer reads the mail and no tree is built, so repair neither moves nor doubles a
link. What the tree construction stage tells the tokenizer (WHATWG HTML, 13.2.6.4.4 and 13.2.6.4.7,
scripting off) is `_CONTENT`. Section numbers are of that standard.

Not modelled, as it needs the tree: inside svg and math the elements of `_CONTENT` are ordinary
and `<![CDATA[` opens a section; a frameset document ignores most start tags, and so does a select
in parsers that still have the "in select" insertion mode.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from html5lib._tokenizer import HTMLTokenizer  # type: ignore[import-untyped]
from html5lib.constants import tokenTypes  # type: ignore[import-untyped]

_START, _END, _COMMENT = (tokenTypes[name] for name in ("StartTag", "EndTag", "Comment"))
_TEXT = (tokenTypes["Characters"], tokenTypes["SpaceCharacters"])

_CONTENT = {
    "script": "scriptDataState",
    "plaintext": "plaintextState",
    **dict.fromkeys(("title", "textarea"), "rcdataState"),
    **dict.fromkeys(("style", "xmp", "iframe", "noembed", "noframes"), "rawtextState"),
}

# A downlevel-hidden conditional comment, told by its start alone: Outlook does not wait for a
# well-formed end, and real mail has `<!\n[endif]-->`. A bogus comment such as `<![if mso]>` never
# matches, as its text cannot hold the ">".
_CONDITIONAL = re.compile(r"\[if\b[^\]]*\]>", re.IGNORECASE)

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_WEB = re.compile(r"(?:https?:)?//([^/?#\\]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One href, as a browser decodes it: references resolved, newlines LF, NUL U+FFFD."""

    tag: str  # lower case
    href: str
    conditional: bool  # inside a conditional comment: Outlook sees it, a browser does not


def find_links(text: str) -> list[Found]:
    """Return every href of `a`, `area` and `v:*` in document order, also empty ones.

    Conditional comments are entered once: a comment inside one is opaque, whatever it says.
    """
    return list(_links(text, conditional=False))


def followable(href: str) -> str | None:
    """Return the http(s) URL that a click on href opens, or None.

    As in the URL standard, C0 controls and spaces around it and any tab or newline in it are
    dropped; the rest is as written, but `//host` gets https. Stricter than browsers on purpose:
    `https:host` and `https:///host` are None. That the host is a valid one is not checked.
    """
    url = re.sub(r"[\t\n\r]", "", href.strip(_C0_AND_SPACE))
    web = _WEB.match(url)
    if web is None:
        return None
    host = re.sub(r":[0-9]*\Z", "", web[1].rpartition("@")[2])
    if not host:
        return None
    return f"https:{url}" if url.startswith("//") else url


def count_pixels(text: str, prefix: str) -> int:
    """Return how many `img` start tags outside comments have a src that begins with prefix."""
    return sum(
        token["type"] == _START and token["name"] == "img" and token["data"].get("src", "").startswith(prefix)
        for token in _tokens(text)
    )


def text_and_tags(text: str) -> tuple[str, list[str]]:
    """Return the text, raw text included, and the tag names in order, `/name` for an end tag."""
    words: list[str] = []
    tags: list[str] = []
    for token in _tokens(text):
        if token["type"] in _TEXT:
            words.append(token["data"])
        elif token["type"] == _START:
            tags.append(token["name"])
        elif token["type"] == _END:
            tags.append(f"/{token['name']}")
    return "".join(words), tags


def _links(text: str, *, conditional: bool) -> Iterator[Found]:
    for token in _tokens(text):
        if token["type"] == _START:
            name = token["name"]
            if "href" in token["data"] and (name in ("a", "area") or name.startswith("v:")):
                yield Found(name, token["data"]["href"], conditional)
        elif token["type"] == _COMMENT and not conditional:
            opening = _CONDITIONAL.match(token["data"])
            if opening:
                yield from _links(token["data"][opening.end() :], conditional=True)


def _tokens(text: str) -> Iterator[dict[str, Any]]:
    # html5lib keeps waiting for the comment's first character after a NUL, so `<!--\0>` would end
    # there. Every state but data writes U+FFFD for a NUL (13.2.5), so this changes only text.
    text = text.replace("\0", "\ufffd")
    # html5lib calls int() on a reference's digits; Python refuses more than 4300 of them.
    text = re.sub(r"(?<=&#)[0-9]{1000,}", lambda digits: digits[0].lstrip("0")[:8] or "0", text)
    tokenizer = HTMLTokenizer(text)
    for token in tokenizer:
        yield token
        if token["type"] == _START and token["name"] in _CONTENT:
            tokenizer.state = getattr(tokenizer, _CONTENT[token["name"]])
