"""Rules about the HTML beside its links: its size, its images, forms, drawings."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from pixeltrack import rewrite
from pixeltrack.lint import tags
from pixeltrack.lint.finding import Context, Finding, Place, Rule
from pixeltrack.markup import scan
from pixeltrack.rewrite import Plan
from pixeltrack.urls import Addresses

# Gmail shows about 102 kB of a mail's HTML and cuts off the rest; Google documents no figure. Measured at
# 102 kB in https://www.campaignmonitor.com/forums/post/30323/ and at 102 to 105, by transfer encoding, in
# https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html.
_CLIP = 102_400
_NEAR = 90_000  # what a mail system adds on the way, a footer or longer links, may be the rest

# SpamAssassin's rules HTML_IMAGE_ONLY_04 to _24 score HTML with an image and at most so many bytes of words
# in it. They ask for any image, and the pixel is one.
_SHORT = 2_400

_PIXEL = 60  # bytes of the pixel's markup beside its address
_TOKENS = {"wrap": 28, "fill": 40}  # characters; see pixeltrack.tokens

_FORM = Rule(  # case 53
    *("form", "warning"),
    one="a form is not tracked, and most mail programs block it",
    many="forms are not tracked, and most mail programs block them",
    hint="link to a page that has the form",
)
_DRAWN = Rule(  # case 55
    *("svg-link", "note"),
    one="a link inside a drawing is left alone and not counted",
    many="links inside drawings are left alone and not counted",
    hint="put the drawing into an ordinary link",
)


def check(plan: Plan, context: Context) -> Iterator[Finding]:
    """Yield what is to be said of a mail's HTML parts."""
    forms, drawn, hidden = list[Place](), list[Place](), list[Place]()
    images = letters = 0
    for document in plan.documents:
        view, page = document.view, scan(document.view)
        lines = [found.end() for found in re.finditer(r"\r\n|\r|\n", view)]
        for places, offsets in (
            (forms, page.forms),
            (drawn, [at for at, names in page.unlinked if "xlink:href" in names]),
            (hidden, tags.markup_tags(view, page)),
        ):
            for at in offsets:  # of all but the first only the line is told
                what = "" if places else _begins(document.text(view[at : at + 80]))
                places.append(Place(1 + bisect_right(lines, at), what))
        images += len(page.images)
        letters = max(letters, page.letters)
    yield from _FORM.at(forms)
    yield from _DRAWN.at(drawn)
    yield from tags.hidden(hidden)
    if not plan.links and not hidden:
        yield Finding(  # case 75
            "no-links", "note", None, "the mail has no links", "there will be no clicks to count, only opens"
        )
    if plan.pixel_at is not None and not images and letters <= _SHORT:
        yield Finding(
            "only-image",
            "warning",
            None,
            f"the pixel is the only image in a short mail of {letters:,} characters; spam filters score that",
            "add a picture or more text, or count clicks only: --pixel none",
        )
    yield from _clip(plan, context)


def _begins(text: str) -> str:
    """Return the tag that a piece of HTML begins with."""
    return re.split(r"(?<=.[>}])|[\r\n]", text, maxsplit=1)[0]


def _clip(plan: Plan, context: Context) -> Iterator[Finding]:
    size = copy_bytes(plan, context.addresses) if context.copy_bytes is None else context.copy_bytes
    if size < _NEAR:
        return
    grown = size - html_bytes(plan)
    clips = f"Gmail cuts off what is past about {_CLIP:,}"
    yield Finding(  # case 80
        "gmail-clip",
        "warning",
        None,
        f"a copy has {size:,} bytes of HTML, {grown:+,} by tracking; {clips}"
        + (", and the pixel with it" if size > _CLIP and plan.pixel_at is not None else ""),
        "shorten the mail; --pixel top keeps the pixel in what is shown",
    )


def html_bytes(plan: Plan) -> int:
    """Return how large the largest HTML part of a mail is."""
    return max((len(document.data) for document in plan.documents), default=0)


def copy_bytes(plan: Plan, addresses: Addresses) -> int:
    """Return about how large the largest HTML part of one copy will be."""
    parts = (
        [rewrite.plan(document, plan.policy) for document in plan.documents]
        if plan.kind == "message"
        else [plan]
    )
    return max(
        (len(part.source.data) + _growth(part, addresses) for part in parts if part.documents), default=0
    )


def _growth(plan: Plan, addresses: Addresses) -> int:
    code = 8 * "c"
    grown = 0 if plan.pixel_at is None else len(addresses.open_before(code)) + _TOKENS["wrap"] + _PIXEL
    for link in plan.links:
        if link.decision != "leave":
            wrapped = link.decision == "wrap"
            before = addresses.click_before(code, link.number) if wrapped else addresses.unsubscribe("")
            grown += len(before) + _TOKENS[link.decision] - (link.end - link.start)
    return grown
