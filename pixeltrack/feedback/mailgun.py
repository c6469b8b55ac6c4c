"""Mailgun: webhooks with their signature block, and exports of the events API.

After https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads and
https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure. An event's id is unique
within a day, so its time belongs to it. A failure with severity "temporary" is tried again; of permanent ones
those with a reason "suppress-…" were never sent. The signature cannot be checked in a file: whoever took the
webhook did, with the signing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixeltrack.feedback.event import (
    Bounce,
    Kind,
    Reason,
    Skipped,
    Told,
    at,
    campaign_of,
    event,
    listed,
    of_seconds,
    text,
)

NAME = "mailgun"

_KINDS: Mapping[str, Kind] = {
    "delivered": "delivered",
    "failed": "bounced",
    "rejected": "rejected",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
_SKIPPED: Mapping[str, Reason] = {"accepted": "queued", "opened": "opened", "clicked": "clicked"}
_BOUNCES: Mapping[str, Bounce] = {"hard": "hard", "soft": "soft"}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one of Mailgun's."""
    if isinstance(record.get("event-data"), Mapping) or isinstance(record.get("items"), list):
        return True
    return {"event", "id", "timestamp"} <= record.keys() and ("recipient" in record or "log-level" in record)


def events(record: Mapping[str, Any]) -> Told:
    """Yield what a webhook, a page of the events API or one of its events says."""
    if isinstance(record.get("items"), list):
        for item in record["items"]:
            yield from events(item) if isinstance(item, Mapping) else [Skipped("unknown")]
        return
    data = record.get("event-data", record)
    name = text(data, "event")
    kind = _KINDS.get(name)
    if kind is None:
        yield Skipped(_SKIPPED.get(name, "unknown"))
        return
    bounce: Bounce = ""
    if kind == "bounced":
        kind, bounce = _failure(data)
    yield event(
        *(NAME, kind, of_seconds(at(data, "timestamp"))),
        [at(data, "id"), at(data, "timestamp")],
        at(data, "recipient"),
        bounce=bounce,
        campaign=campaign_of(at(data, "user-variables"), listed(at(data, "tags"))),
    )


def _failure(data: object) -> tuple[Kind, Bounce]:
    if text(data, "severity") == "temporary":
        return "deferred", ""
    if text(data, "reason").startswith("suppress-"):
        return "rejected", ""
    told = _BOUNCES.get(text(data, "delivery-status", "bounce-type"))
    if told:
        return "bounced", told
    code = at(data, "delivery-status", "code")
    if not isinstance(code, int):
        return "bounced", "unknown"
    return "bounced", "hard" if 500 <= code < 600 else "soft"  # 4xx and 6xx: given up after many attempts
