"""Rules about what a mail system fills in later: merge tags in links, and tags that write markup."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from pixeltrack.links import MERGE_TAG, has_tag, is_opt_out
from pixeltrack.lint.finding import Finding, Place, Rule
from pixeltrack.markup import Page
from pixeltrack.rewrite import Link

_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_ENDS = {"{{": "}}", "{%": "%}", "<%": "%>", "*|": "|*", "[[": "]]", "${": "}"}
_STARTS = (*_ENDS, "%%")
# Tags whose value is put in as markup: {{{ x }}}, {{> part }}, {{ x|safe }}, {% include x %}, <%- x %>,
# <%= render x %>, *|HTML:x|*.
_MARKUP_TAG = re.compile(
    r"\{\{[{>]|\{\{[^{}<>]{0,100}\|\s?(?:safe|raw)\b|\{%-?\s?(?:include|block|render)\b"
    r"|<%(?:-|==|=\s?(?:raw|render)\b)|\*\|HTML:"
)

_QUOTE = Rule(  # case 41
    *("quote-in-tag", "warning"),
    one="a quote inside a merge tag ends its link's address there",
    many="links have their address ended by a quote inside a merge tag",
    hint="use the other kind of quote inside the tag",
)
_HOST = Rule(  # case 40
    *("merge-tag-host", "warning"),
    one="a link has a merge tag as its host, so it is left alone and not counted",
    many="links have a merge tag as their host, so they are left alone and not counted",
    hint="write the host out",
)
_INSIDE = Rule(  # case 39
    *("merge-tag-in-link", "warning"),
    one="a link has a merge tag in it, so it is left alone and not counted",
    many="links have a merge tag in them, so they are left alone and not counted",
    hint="with --personalize, {{ columns }} of the list are filled in when the link is clicked",
)
_WHOLE = Rule(  # case 38
    *("merge-tag-link", "note"),
    one="a link is a merge tag, so it is left alone and not counted",
    many="links are merge tags, so they are left alone and not counted",
    hint="write the address out if its clicks are to be counted",
)
_HIDDEN = Rule(  # case 43
    *("hidden-links", "note"),
    one="a merge tag writes markup, and links in it cannot be seen",
    many="merge tags write markup, and links in it cannot be seen",
    hint="inject the mail as it is after your mail system has filled it in",
)


def check(links: Iterable[Link]) -> Iterator[Finding]:
    """Yield what is to be said of links with merge tags. Opt-out links are left alone in any case."""
    found: dict[Rule, list[Place]] = {_QUOTE: [], _HOST: [], _INSIDE: [], _WHOLE: []}
    for link in links:
        if link.reason == MERGE_TAG and (rule := _rule(link)):
            found[rule].append(Place(link.line, link.destination))
    for rule, places in found.items():
        yield from rule.at(places)


def _rule(link: Link) -> Rule | None:
    address = link.destination
    if any(start in address and end not in address[address.rfind(start) :] for start, end in _ENDS.items()):
        return _QUOTE
    if is_opt_out(address, link.text):
        return None
    web = _AUTHORITY.match(address)
    return _WHOLE if web is None else _HOST if has_tag(web[1]) else _INSIDE


def markup_tags(view: str, page: Page) -> list[int]:
    """Return where merge tags write attributes of a link, or markup; not those inside an href."""
    found = [at for at, names in page.unlinked if any(start in name for name in names for start in _STARTS)]
    hrefs = [anchor.href for anchor in page.anchors]
    starts = [href.start for href in hrefs]
    for tag in _MARKUP_TAG.finditer(view):
        before = bisect_right(starts, tag.start()) - 1
        if before < 0 or tag.start() >= hrefs[before].end:
            found.append(tag.start())
    return sorted(found)


def hidden(places: list[Place]) -> Iterator[Finding]:
    """Yield what is to be said of tags that write markup."""
    yield from _HIDDEN.at(places)
