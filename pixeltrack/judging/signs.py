"""The signs that a hit can show: one bit each, with its code and the question that is asked.

The numbers D1 to D9 are those of the research on judging: rules that decide alone, the first that fits.
All others are worth points, and their numbers stand in the rules file under the code's name.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pixeltrack.judging.values import Label


class Sign(NamedTuple):
    """One rule. ``label`` is what it decides alone; None for one that is worth points.

    ``on`` are the hits it is asked of, empty for all. ``needs`` is what must be known for it.
    """

    bit: int
    code: str
    asks: str
    label: Label | None = None
    on: Literal["", "open", "click"] = ""
    needs: Literal["", "sent", "headers", "address"] = ""


HONEYPOT = 1 << 0
HEAD = 1 << 1
SPECULATIVE = 1 << 2
NEAR_HONEYPOT = 1 << 3
EXACT_PIXEL = 1 << 4
EXACT_LINK = 1 << 5
BEFORE_SEND = 1 << 6
FILTER_NETWORK = 1 << 7
PROXY_LINK = 1 << 8
PROXY_INSTANT = 1 << 9
PROXY_SOON = 1 << 10
PROXY_OPEN = 1 << 11
MACHINE = 1 << 12

BURST = 1 << 13
ALL_LINKS = 1 << 14
PAIR = 1 << 15
SWEEPER_PIXEL = 1 << 16
SPREAD = 1 << 17
EMPTY_AGENT = 1 << 18
BARE_AGENT = 1 << 19
INSTANT = 1 << 20
SOON = 1 << 21
PROBABLE_NETWORK = 1 << 22
CLOUD_NETWORK = 1 << 23
NO_LANGUAGE = 1 << 24
BARE_ACCEPT = 1 << 25
NO_FETCH_MODE = 1 << 26
NO_PIXEL = 1 << 27
NAVIGATE = 1 << 28
SINGLE_LATE = 1 << 29

NO_SEND_TIME = 1 << 30  # not a sign: that some could not be looked for
TEST = 1 << 31

NONE_AGAINST = "none-against"  # a person's hit with no sign against it
LITTLE_AGAINST = "little-against"  # some, and not enough
NO_TIME = "no_send_time"
# Kept among the reasons also where a rule decided alone: it shows in other people's hits, which need not
# be read again then.
SPREAD_CODE = "spread"

DECISIVE: tuple[Sign, ...] = (
    Sign(TEST, "test", "is it a message made for looking at?", "test"),
    Sign(HONEYPOT, "honeypot", "D1: is it a link that people cannot see?", "scanner", "click"),
    Sign(HEAD, "head", "D2: was the method HEAD?", "scanner"),
    Sign(SPECULATIVE, "speculative-load", "D3: did a header say that it was loaded ahead?", "prefetch"),
    Sign(
        NEAR_HONEYPOT,
        "near-honeypot",
        "D4: did its address or agent follow a hidden link of the message around then?",
        "scanner",
    ),
    Sign(EXACT_PIXEL, "exact", "D5: is it an agent that loads pixels ahead?", "prefetch", "open"),
    Sign(EXACT_LINK, "exact", "D5: is it an agent that only loads pixels?", "scanner", "click"),
    Sign(BEFORE_SEND, "before-send", "D6: was it before sending?", "scanner", needs="sent"),
    Sign(FILTER_NETWORK, "filter-network", "D7: is the network certainly a mail filter's?", "scanner"),
    Sign(PROXY_LINK, "proxy-on-link", "D8: is it an image proxy?", "scanner", "click"),
    Sign(PROXY_INSTANT, "proxy-at-delivery", "D8: an image proxy, at delivery?", "prefetch", "open", "sent"),
    Sign(PROXY_SOON, "proxy-soon", "D8: an image proxy, soon after sending?", "unknown", "open", "sent"),
    Sign(PROXY_OPEN, "proxied-open", "D8: an image proxy?", "human", "open"),
    Sign(MACHINE, "machine", "D9: does the agent name a program without a reader?", "scanner"),
)

WEIGHED: tuple[Sign, ...] = (
    Sign(BURST, "burst", "one of many links of the message followed at once?", on="click"),
    Sign(ALL_LINKS, "all-links", "were all links of the mail followed at once?", on="click"),
    Sign(PAIR, "pair", "one of two links followed in no time?", on="click"),
    Sign(SWEEPER_PIXEL, "sweeper-pixel", "was it loaded beside a burst, by the same agent?", on="open"),
    Sign(SPREAD, SPREAD_CODE, "did its address touch several people's mail in no time?", needs="address"),
    Sign(EMPTY_AGENT, "empty-agent", "is there no agent?"),
    Sign(BARE_AGENT, "bare-agent", "does the agent name neither a system nor a known program?"),
    Sign(INSTANT, "instant", "in no time after sending?", needs="sent"),
    Sign(SOON, "soon", "soon after sending?", on="click", needs="sent"),
    Sign(
        PROBABLE_NETWORK,
        "probable-network",
        "soon after sending, from what is probably a mail filter's network?",
        needs="sent",
    ),
    Sign(CLOUD_NETWORK, "cloud-network", "a network of rented machines?"),
    Sign(NO_LANGUAGE, "no-language", "a browser that names no language?", on="click", needs="headers"),
    Sign(BARE_ACCEPT, "bare-accept", "a browser that takes anything at all?", on="click", needs="headers"),
    Sign(
        NO_FETCH_MODE,
        "no-fetch-mode",
        "Chromium over TLS that does not say how it asks?",
        on="click",
        needs="headers",
    ),
    Sign(NO_PIXEL, "no-pixel", "was the message's pixel not loaded before?", on="click"),
    Sign(NAVIGATE, "navigate", "are a person's navigation headers there?", on="click", needs="headers"),
    Sign(SINGLE_LATE, "single-late", "one link alone, long after sending?", on="click", needs="sent"),
)

DECIDED = sum(sign.bit for sign in DECISIVE)
