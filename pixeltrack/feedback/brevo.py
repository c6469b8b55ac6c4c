"""Brevo (once Sendinblue): its webhooks, and exports of the API of events.

After https://developers.brevo.com/docs/transactional-webhooks,
https://developers.brevo.com/docs/marketing-webhooks and
https://developers.brevo.com/reference/get-email-event-report. Events have no id of their own. Of their times
ts_epoch (ms) and ts_event (seconds) are UTC; "date" is in the zone of the account, but for the API, which
writes its zone. Custom data is the header X-Mailin-custom: JSON, or "name:value|name:value".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pixeltrack.feedback.event import (
    METADATA,
    Bounce,
    Kind,
    Reason,
    Skipped,
    Told,
    as_object,
    campaign_of,
    event,
    listed,
    of_iso,
    of_seconds,
    text,
)

NAME = "brevo"

_KINDS: Mapping[str, tuple[Kind, Bounce]] = {
    "delivered": ("delivered", ""),
    "hardbounce": ("bounced", "hard"),
    "hardbounces": ("bounced", "hard"),
    "invalidemail": ("bounced", "hard"),
    "invalid": ("bounced", "hard"),
    "softbounce": ("bounced", "soft"),
    "softbounces": ("bounced", "soft"),
    "bounces": ("bounced", "unknown"),
    "blocked": ("rejected", ""),
    "error": ("rejected", ""),
    "deferred": ("deferred", ""),
    "spam": ("complained", ""),
    "complaint": ("complained", ""),
    "unsubscribe": ("unsubscribed", ""),
    "unsubscribed": ("unsubscribed", ""),
}
_SKIPPED: Mapping[str, Reason] = {
    **dict.fromkeys(("request", "requests", "sent"), "queued"),
    **dict.fromkeys(("opened", "uniqueopened", "proxyopen", "uniqueproxyopen", "loadedbyproxy"), "opened"),
    **dict.fromkeys(("click", "clicks", "clicked"), "clicked"),
    "listaddition": "subscribed",
}
_ZONED = re.compile(r".*(?:Z|[+-]\d\d:?\d\d)\Z")


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one of Brevo's."""
    if isinstance(record.get("events"), list):
        return True
    marks = ("message-id", "messageId", "ts_event", "ts_epoch", "camp_id")
    return "event" in record and "email" in record and any(mark in record for mark in marks)


def events(record: Mapping[str, Any]) -> Told:
    """Yield what a webhook, or a page of the API, says."""
    if isinstance(record.get("events"), list):
        for each in record["events"]:
            yield from events(each) if isinstance(each, Mapping) else [Skipped("unknown")]
        return
    name = text(record, "event").replace("_", "").lower()
    if name not in _KINDS:
        yield Skipped(_SKIPPED.get(name, "unknown"))
        return
    kind, bounce = _KINDS[name]
    at = _at(record)
    message = record.get("message-id") or record.get("messageId") or record.get("camp_id")
    yield event(
        *(NAME, kind, at),
        [message, at],
        record.get("email"),
        bounce=bounce,
        campaign=campaign_of(_metadata(record.get("X-Mailin-custom")), _tags(record)),
    )


def _at(record: Mapping[str, Any]) -> int | None:
    epoch = record.get("ts_epoch")
    if isinstance(epoch, int | float) and not isinstance(epoch, bool):
        return of_seconds(epoch / 1000)
    moment = of_seconds(record.get("ts_event"))
    if moment is None and _ZONED.fullmatch(text(record, "date")):
        moment = of_iso(record["date"])
    return moment if moment is not None else of_seconds(record.get("ts"))


def _metadata(custom: object) -> Mapping[str, Any]:
    """Return the custom data of a message."""
    found = as_object(custom)
    if found or not isinstance(custom, str):
        return found
    pairs = (pair.partition(":") for pair in custom.split("|"))
    return {name.strip(): value for name, _, value in pairs if name.strip() == METADATA}


def _tags(record: Mapping[str, Any]) -> list[Any]:
    """Return the tags, which are a list, one text, or a list written as a text."""
    tag = record.get("tag")
    if isinstance(tag, str) and tag.startswith("["):
        tag = re.findall(r'"([^"\\]*)"', tag)
    return [*listed(record.get("tags")), *listed(tag)]
