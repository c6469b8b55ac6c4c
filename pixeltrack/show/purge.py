"""What is too old, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from pixeltrack.purging import Purged
from pixeltrack.show.text import clean

_WORDS = {
    "addresses": "addresses of clients",
    "last_opens": "days of last opens, older than 24 months",
    "deliveries": "times of deliveries, bounces and complaints, of which the order stays",
    "consents": "entries of the consent ledger that later ones ended years ago",
    "recipients": "people whom no campaign went to",
    "views": "views of pages by people, which are only counted from now on",
    "conversions": "orders and the like that nobody is named in any more; they stay",
    "names": "agents and networks that no hit has any more",
    "salts": "salts of days that are over",
}


def purged_lines(purged: Purged, *, configured: bool) -> Iterator[str]:
    """Say it; ``configured`` is whether the settings say how long hits are kept."""
    rows = purged.rows
    verb = "deleted" if purged.done else "would be deleted"
    own = "" if configured else ", as the settings say nothing (retention.events_days)"
    if not any(rows.values()):
        yield f"nothing is too old; hits are kept for {purged.events_days} days{own}"
        return
    before = f"{datetime.fromtimestamp(purged.events_before / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    yield f"{verb}: {rows['hits']:,} hits from before {before}, {purged.events_days} days ago{own}"
    for each in purged.hits:
        yield f"  {clean(each.campaign)}: {each.hits:,}"
    for name, words in _WORDS.items():
        if rows[name]:
            yield f"{verb}: {rows[name]:,} {words}"
    if rows["hits"]:
        yield "totals of campaigns stay as they are; lists of people and breakdowns begin at that time"
    if not purged.done:
        yield "nothing was deleted; pixeltrack purge --yes does it"


def purged_json(purged: Purged) -> str:
    return json.dumps(
        {
            "deleted": purged.done,
            "events_days": purged.events_days,
            "events_before": datetime.fromtimestamp(purged.events_before / 1000, UTC).isoformat(),
            "campaigns": {each.campaign: each.hits for each in purged.hits},
            **purged.rows,
            "journal_empty": purged.clean,
        },
        ensure_ascii=False,
        indent=2,
    )
