"""A row of the audit trail as JSON."""

from __future__ import annotations

import json

from pixeltrack.show.text import iso
from pixeltrack.trail import Link


def row(link: Link) -> dict[str, object]:
    """Return a row's values; ``utc`` says ``at`` (ms UTC) for people, and is not hashed."""
    return {
        "seq": link.seq,
        "at": link.at,
        "utc": iso(link.at),
        "actor": link.actor,
        "action": link.action,
        "object": link.object,
        "subject": link.subject.hex() if link.subject is not None else None,
        "counts": json.loads(link.counts),
        "prev": link.prev.hex(),
        "hash": link.hash.hex(),
    }


def line(link: Link) -> str:
    """Return a row as one line of JSON."""
    return json.dumps(row(link), separators=(",", ":"))
