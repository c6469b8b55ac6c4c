"""What a header says of a hit, on the way of requests and logs. Verdicts are made in ``judging``."""

from __future__ import annotations


def is_speculative(header: str) -> bool:
    """Whether a Sec-Purpose, Purpose, X-Purpose or X-Moz header says that a page was loaded ahead."""
    lowered = header.lower()
    return "prefetch" in lowered or "prerender" in lowered or "preview" in lowered
