"""A plan as JSON lines: one hit a line, with the truth about it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pixeltrack.simulate.hits import Plan
from pixeltrack.simulate.play import headers


def lines(plan: Plan) -> Iterator[str]:
    """Yield one line for each hit, in order of time. Messages and links are counted from 1."""
    for hit in plan.hits:
        record = {
            "at": hit.at,
            "message": hit.copy + 1,
            "kind": "honeypot" if hit.kind == "click" and hit.link == plan.links else hit.kind,
            "link": hit.link + 1 if hit.kind == "click" else 0,
            "method": hit.method,
            "headers": dict(headers(hit)),
            "network": hit.place.network,
            "address": hit.place.address,
            "recorded": hit.counts,
            "truth": hit.truth,
            "actor": hit.actor,
        }
        yield json.dumps(record, ensure_ascii=False) + "\n"
