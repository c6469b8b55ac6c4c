"""SendGrid's Event Webhook: what it posts, an array of events, and files of the same.

After https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (delivery and engagement
events). A bounce of type "blocked" is a refusal for now ("bounce" is one for good). Custom arguments
(unique_args) stand beside the event's own fields, categories are tags.
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
    campaign_of,
    event,
    of_seconds,
    text,
)

NAME = "sendgrid"

_KINDS: Mapping[str, Kind] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "blocked": "bounced",
    "dropped": "rejected",
    "deferred": "deferred",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
_SKIPPED: Mapping[str, Reason] = {
    "processed": "queued",
    "open": "opened",
    "click": "clicked",
    "group_resubscribe": "subscribed",
}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one of SendGrid's."""
    return "event" in record and (
        "sg_event_id" in record
        or ("timestamp" in record and ("sg_message_id" in record or "smtp-id" in record))
    )


def events(record: Mapping[str, Any]) -> Told:
    """Yield what one event says."""
    name = text(record, "event")
    kind = _KINDS.get(name)
    if kind is None:
        yield Skipped(_SKIPPED.get(name, "unknown"))
        return
    bounce: Bounce = ""
    if kind == "bounced":
        blocked = name == "blocked" or text(record, "type") == "blocked"
        bounce = "soft" if blocked else "hard"
    at = of_seconds(record.get("timestamp"))
    known = record.get("sg_event_id")
    yield event(
        *(NAME, kind, at),
        [known] if known else [record.get("sg_message_id") or record.get("smtp-id"), at],
        record.get("email"),
        bounce=bounce,
        campaign=campaign_of(record, record.get("category")),
    )
