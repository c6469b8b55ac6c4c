"""What was imported of mail systems' reports, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pixeltrack.feedback import KINDS
from pixeltrack.feedimport import Imported
from pixeltrack.show.text import clean, count

_SKIPPED = {
    "opened": "opens, of which pixeltrack counts its own",
    "clicked": "clicks, of which pixeltrack counts its own",
    "queued": "only accepted for sending, which says nothing of delivery",
    "subscribed": "subscribed, or took a report back: nothing that is refused is undone by that",
    "autoresponded": "automatic answers",
    "unknown": "of a kind that says nothing of delivery",
    "no_recipient": "without a recipient",
    "no_time": "without a time that can be",
    "not_a_report": "mails that are neither a delivery report nor a complaint",
}
_UNMATCHED = {
    "no_campaign": "name no campaign: --campaign NAME says whose they are",
    "unknown_campaign": "of a campaign that is not here",
    "unknown_recipient": "to somebody whom the campaign did not go to",
    "preview": "of a preview, or of a campaign that has only previews",
}
_REFUSED = {"complained": "complained", "unsubscribed": "unsubscribed"}


def imported_json(done: Imported, *, dry: bool) -> str:
    """Return the numbers as an object; the sums of its parts are ``events``."""
    return json.dumps(
        {
            "dry_run": dry,
            "events": done.events,
            "imported": done.imported.total(),
            "kinds": {kind: done.imported[kind] for kind in KINDS},
            "bounces": {name: done.bounces[name] for name in ("hard", "soft", "unknown")},
            "duplicates": done.duplicates,
            "unmatched": done.unmatched.total(),
            "unmatched_reasons": dict(done.unmatched),
            "skipped": done.skipped.total(),
            "skipped_reasons": dict(done.skipped),
            "first_left_out": done.first,
            "refused": {name: done.refused[name] for name in _REFUSED},
            "campaigns": dict(done.campaigns),
            "sources": dict(done.sources),
        },
        indent=2,
        ensure_ascii=False,
    )


def imported_lines(done: Imported, *, dry: bool) -> Iterator[str]:
    """Yield what was imported, and of the rest why it was not, with the place of the first of each."""
    said = [
        f"{count(done.imported[kind])} {kind}{_classes(done, kind)}" for kind in KINDS if done.imported[kind]
    ]
    verb = "would import" if dry else "imported"
    kinds = f": {', '.join(said)}" if said else ""
    yield f"{verb} {count(done.imported.total())} of {count(done.events)} events{kinds}"
    for name, number in sorted(done.campaigns.items()):
        yield f"  {count(number):>9}  {clean(name)}"
    if done.duplicates:
        yield f"  {count(done.duplicates):>9}  known already"
    for reasons, words, verb in (
        (done.unmatched, _UNMATCHED, "not matched"),
        (done.skipped, _SKIPPED, "left out"),
    ):
        for reason, number in reasons.most_common():
            yield f"  {count(number):>9}  {verb}: {words[reason]} (first: {clean(done.first[reason], 120)})"
    if done.refused:
        people = ", ".join(f"{count(done.refused[name])} {name}" for name in _REFUSED if done.refused[name])
        will = "would get" if dry else "get"
        yield f"  {count(done.refused.total()):>9}  people {will} no more mail: {people}"


def _classes(done: Imported, kind: str) -> str:
    if kind != "bounced":
        return ""
    return f" ({', '.join(f'{count(number)} {name}' for name, number in sorted(done.bounces.items()))})"
