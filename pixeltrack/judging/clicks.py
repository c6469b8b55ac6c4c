"""The hits of one message beside each other: sweeps, pairs, hidden links, a pixel not loaded."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from pixeltrack.judging import signs
from pixeltrack.judging.hit import OTHER_AGENT
from pixeltrack.judging.stretches import crowded
from pixeltrack.judging.values import Context, Fact
from pixeltrack.model import EventKind
from pixeltrack.rulebook import Rules

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)  # an enum's members cost a look-up a hit


def beside(hits: Sequence[Fact], bits: list[int], context: Context, book: Rules) -> None:
    """Add to ``bits`` what the hits of one message, in order of time, show beside each other."""
    clicks = [place for place, hit in enumerate(hits) if hit.kind == _CLICK]
    if not clicks:
        return
    if len(clicks) > 1:
        _sweeps(hits, clicks, bits, context, book)
    else:
        bits[clicks[0]] |= _late(hits[clicks[0]], context, book)
    first_open = next((hit.at for hit in hits if hit.kind == _OPEN), None)
    for place in clicks:
        if first_open is None or hits[place].at < first_open:
            bits[place] |= signs.NO_PIXEL
    if context.honeypots:
        _honeypots(hits, bits, context, book)


def _late(hit: Fact, context: Context, book: Rules) -> int:
    if context.sent is not None and hit.at - context.sent > book.sending.late_ms:
        return signs.SINGLE_LATE
    return 0


def _sweeps(hits: Sequence[Fact], clicks: list[int], bits: list[int], context: Context, book: Rules) -> None:
    limits = book.sweep
    marks = [(hits[place].at, hits[place].link) for place in clicks]
    together = crowded(marks, limits.within_ms, 2)
    for place in set(range(len(clicks))).difference(together):
        bits[clicks[place]] |= _late(hits[clicks[place]], context, book)
    if not together:
        return
    burst = set(crowded(marks, limits.within_ms, limits.distinct_links))
    _pairs(hits, [clicks[place] for place in together if place not in burst], bits, limits.pair_ms)
    if not burst:
        return
    swept = [clicks[place] for place in sorted(burst)]
    for place in swept:
        bits[place] |= signs.BURST
    for links in context.mails or (context.links,):
        wanted = len(links)
        if wanted < limits.distinct_links:
            continue
        shown = [place for place in clicks if hits[place].link in links]
        for place in crowded([(hits[each].at, hits[each].link) for each in shown], limits.within_ms, wanted):
            bits[shown[place]] |= signs.ALL_LINKS
    _sweepers_pixel(hits, swept, bits, limits.pixel_ms)


def _pairs(hits: Sequence[Fact], clicks: list[int], bits: list[int], within: int) -> None:
    """Two links in no time. Whoever is a machine by itself says nothing about a click beside it."""
    open_still = [place for place in clicks if not bits[place] & signs.DECIDED]
    for place in crowded([(hits[each].at, hits[each].link) for each in open_still], within, 2):
        bits[open_still[place]] |= signs.PAIR


def _sweepers_pixel(hits: Sequence[Fact], swept: list[int], bits: list[int], limit: int) -> None:
    """A gateway loads the pixel as a browser does: some before their clicks, some after them."""
    times: defaultdict[str, list[int]] = defaultdict(list)
    for place in swept:
        times[hits[place].agent].append(hits[place].at)
    for place, hit in enumerate(hits):
        if hit.kind == _OPEN and hit.agent in times:
            seen = times[hit.agent]
            following = bisect_left(seen, hit.at - limit)
            if following < len(seen) and seen[following] <= hit.at + limit:
                bits[place] |= signs.SWEEPER_PIXEL


def _honeypots(hits: Sequence[Fact], bits: list[int], context: Context, book: Rules) -> None:
    """Hidden links (D1), and what the same client did around then on the same message (D4)."""
    by_client: defaultdict[str | int, list[int]] = defaultdict(list)
    caught = set()
    for place, hit in enumerate(hits):
        if hit.link in context.honeypots:
            caught.add(place)
            bits[place] |= signs.HONEYPOT
            if hit.agent != OTHER_AGENT:
                by_client[hit.agent].append(hit.at)
            if hit.address:
                by_client[hit.address].append(hit.at)
    if not caught:
        return
    for place, hit in enumerate(hits):
        if place not in caught:
            for client in (hit.agent, hit.address):
                if client in by_client and _is_near(hit.at, by_client[client], book):
                    bits[place] |= signs.NEAR_HONEYPOT


def _is_near(at: int, caught: list[int], book: Rules) -> bool:
    """Whether one of the times, which are in order, is close enough."""
    following = bisect_left(caught, at - book.honeypot.after_ms)
    return following < len(caught) and caught[following] <= at + book.honeypot.before_ms
