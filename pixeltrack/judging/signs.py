"""The signs that a hit can show: one bit each, with its code and the question that is asked.

The numbers D1 to D9 are those of the research on judging: rules that decide alone, the first that fits.
All others are worth points, and their numbers stand in the rules file under the code's name.
"""

from __future__ import annotations

from typing import NamedTuple

from pixeltrack.judging.values import Label


class Sign(NamedTuple):
    """One rule. ``label`` is what it decides alone; None for one that is worth points.

    "link" stands for: prefetch on the pixel, scanner on a link.
    """

    bit: int
    code: str
    asks: str
    label: Label | None = None


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
    Sign(TEST, "test", "Is it a hit on a message made for looking at?", "test"),
    Sign(HONEYPOT, "honeypot", "D1: was a link followed that people cannot see?", "scanner"),
    Sign(HEAD, "head", "D2: was the method HEAD?", "scanner"),
    Sign(SPECULATIVE, "speculative-load", "D3: did a header say that it was loaded ahead?", "prefetch"),
    Sign(
        NEAR_HONEYPOT,
        "near-honeypot",
        "D4: did the same address or agent follow a hidden link of this message around then?",
        "scanner",
    ),
    Sign(EXACT_PIXEL, "exact", "D5: is it an agent that loads pixels ahead of the reader?", "prefetch"),
    Sign(EXACT_LINK, "exact", "D5: does an agent that only loads pixels follow a link?", "scanner"),
    Sign(BEFORE_SEND, "before-send", "D6: was it before the mail was sent?", "scanner"),
    Sign(FILTER_NETWORK, "filter-network", "D7: is the network certainly a mail filter's?", "scanner"),
    Sign(PROXY_LINK, "proxy-on-link", "D8: does an image proxy follow a link?", "scanner"),
    Sign(PROXY_INSTANT, "proxy-at-delivery", "D8: did an image proxy load it at delivery?", "prefetch"),
    Sign(PROXY_SOON, "proxy-soon", "D8: did an image proxy load it soon after sending?", "unknown"),
    Sign(PROXY_OPEN, "proxied-open", "D8: did an image proxy load it for a reader?", "human"),
    Sign(MACHINE, "machine", "D9: does the agent name a program without a reader?", "scanner"),
)

WEIGHED: tuple[Sign, ...] = (
    Sign(BURST, "burst", "Is it among many links of one message followed at once?"),
    Sign(ALL_LINKS, "all-links", "Were all links of the mail followed at once?"),
    Sign(PAIR, "pair", "Were two links followed in no time?"),
    Sign(SWEEPER_PIXEL, "sweeper-pixel", "Was the pixel loaded beside a burst, by the same agent?"),
    Sign(SPREAD, SPREAD_CODE, "Did one address touch several people's mail in no time?"),
    Sign(EMPTY_AGENT, "empty-agent", "Is there no agent?"),
    Sign(BARE_AGENT, "bare-agent", "Does the agent name no system and no known program?"),
    Sign(INSTANT, "instant", "Was it in no time after sending?"),
    Sign(SOON, "soon", "Was the click soon after sending?"),
    Sign(
        PROBABLE_NETWORK, "probable-network", "Soon after sending, is the network probably a mail filter's?"
    ),
    Sign(CLOUD_NETWORK, "cloud-network", "Is it a network of rented machines?"),
    Sign(NO_LANGUAGE, "no-language", "Did a browser that follows a link name no language?"),
    Sign(BARE_ACCEPT, "bare-accept", "Did a browser that follows a link take anything at all?"),
    Sign(NO_FETCH_MODE, "no-fetch-mode", "Did Chromium over TLS not say how it asked?"),
    Sign(NO_PIXEL, "no-pixel", "Was the message's pixel not loaded before the click?"),
    Sign(NAVIGATE, "navigate", "Are a person's navigation headers there?"),
    Sign(SINGLE_LATE, "single-late", "Is it one link alone, long after sending?"),
)
