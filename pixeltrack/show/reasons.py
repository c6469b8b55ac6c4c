"""Why a hit was taken for what it is, in words: one line for each code."""

from __future__ import annotations

_WORDS = {
    "none-against": "nothing speaks against a person",
    "little-against": "too little speaks against a person",
    "proxied-open": "a reader behind an image proxy",
    "apple-privacy": "Apple Mail fetched it ahead (Mail Privacy Protection)",
    "gmail-prefetch": "Gmail fetched it ahead",
    "speculative-load": "a browser loaded it ahead",
    "proxy-at-delivery": "an image proxy loaded it at delivery",
    "proxy-soon": "an image proxy loaded it soon after sending: perhaps a reader",
    "proxy-on-link": "an image proxy that follows links",
    "head": "HEAD request: a program looked",
    "honeypot": "a hidden link was followed",
    "near-honeypot": "the same client followed a hidden link of the message",
    "before-send": "before the mail was sent",
    "filter-network": "from the network of a mail filter",
    "gateway": "a security gateway by its name",
    "library": "a program library, no mail client",
    "headless": "a browser without a screen",
    "preview": "a chat or social preview: the mail was shared",
    "crawler": "a crawler",
    "burst": "3 or more links of one mail within 10 s: a security gateway",
    "all-links": "all links of the mail at once",
    "pair": "two links at once",
    "sweeper-pixel": "the pixel beside such a burst, by the same agent",
    "spread": "one address on several people's mail at once: a security gateway",
    "empty-agent": "no user agent at all",
    "bare-agent": "an agent that names no system",
    "instant": "no time after sending",
    "soon": "within a minute of sending, with other signs of a program",
    "probable-network": "soon after sending, from what may be a mail filter's network",
    "cloud-network": "from rented machines, with other signs of a program",
    "no-language": "a browser without a language, with other signs of a program",
    "bare-accept": "a browser without a choice of types, with other signs of a program",
    "no-fetch-mode": "Chromium without its headers, with other signs of a program",
    "no-pixel": "a click without a pixel, with other signs of a program",
    "test": "a test message",
}


def reason(code: str) -> str:
    """Return what a code means; a code of somebody's own rules file stays as it is."""
    return _WORDS.get(code, code)
