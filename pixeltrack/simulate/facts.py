"""Hits as the store keeps them, without a request: the quick way, for many plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.simulate.hits import HOUR, Headers, Hit, Plan

_DATE = "2026-11-01"  # of the list that a network's label stands in


def events(
    plan: Plan,
    campaign_id: int,
    messages: Sequence[int],
    links: Sequence[int],
    reduce: Callable[[str], str],
) -> Iterator[Event]:
    """Yield the recorded opens and clicks of a plan, in order of time.

    ``messages`` are the pseudonyms of its copies; ``links`` the numbers of its links, the honeypot's
    last. ``reduce`` makes of an agent what the store keeps.
    """
    reduced = lru_cache(maxsize=1_000)(reduce)
    for hit in plan.hits:
        if hit.kind not in ("open", "click") or not hit.counts:
            continue
        click = hit.kind == "click"
        yield Event(
            *(hit.at, campaign_id, EventKind.CLICK if click else EventKind.OPEN),
            *(links[hit.link] if click else 0, messages[hit.copy]),
            *(reduced(hit.program.agent), flags(hit)),
            f"{hit.place.network}/{_DATE}" if hit.place.network else "",
            address(hit, plan.seed),
        )


def flags(hit: Hit) -> int:
    """The facts in a hit's method and headers, which came over HTTPS."""
    bits = _flags_of(hit.headers)
    if hit.method == "HEAD":
        bits |= Flag.HEAD
    return bits | Flag.SPECULATIVE if hit.purpose else bits


@lru_cache(maxsize=32)
def _flags_of(headers: Headers) -> int:
    given = dict(headers.fields)
    bits = Flag.HEADERS | Flag.TLS
    if "Accept-Language" not in given:
        bits |= Flag.NO_LANGUAGE
    if given.get("Accept", "*/*") == "*/*":
        bits |= Flag.BARE_ACCEPT
    if "Sec-Fetch-Mode" in given:
        bits |= Flag.FETCH
        if given["Sec-Fetch-Mode"] == "navigate":
            bits |= Flag.NAVIGATE
    return bits


def address(hit: Hit, seed: int) -> int:
    """What tells apart the clients of one day (UTC): 32 bits, keyed with a salt of that day; 0 is none."""
    if not hit.place.address:
        return 0
    salt = f"{seed} {hit.at // (24 * HOUR)}".encode()
    digest = blake2b(hit.place.address.encode(), key=salt, digest_size=4).digest()
    return int.from_bytes(digest) or 1
