"""What mail systems report about a message, as one value, whichever of them says it.

Its words are those of django-anymail's tracking events (event_type, timestamp, event_id, recipient,
metadata and tags; https://anymail.dev/en/stable/sending/tracking/), and so are the types of events. Of
bounces anymail does not tell hard from soft; that is added here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, Literal, NamedTuple, get_args

#: Types of events that are stored; the words are: only add.
Kind = Literal["sent", "delivered", "bounced", "rejected", "deferred", "complained", "unsubscribed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Of a bounce: the address is bad for good, the message did not get through this time, or it is not told.
Bounce = Literal["hard", "soft", "unknown", ""]
#: Why a record is left out. The first five are anymail's types of events that say nothing of delivery.
Reason = Literal[
    "opened",
    "clicked",
    "queued",
    "subscribed",
    "autoresponded",
    "unknown",
    "no_recipient",
    "no_time",
    "not_a_report",
]

METADATA = "pixeltrack_campaign"  # what a sender calls the campaign by, in metadata, custom arguments, tags

_TAG = re.compile(rf"{METADATA}\s*[:=]\s*(.+)", re.DOTALL)
_EARLIEST, _LATEST = 946_684_800_000, 4_102_444_800_000  # ms UTC: the years 2000 and 2100


class TrackingEvent(NamedTuple):
    """One thing that happened to one recipient's message. ``timestamp`` is ms UTC.

    ``event_id`` are the parts by which the same event is known when it is told again. ``campaign`` is what
    metadata or a tag names. ``returned`` are texts of the message itself, in which URLs of ours may stand.
    """

    event_type: Kind
    timestamp: int
    event_id: tuple[str, ...]
    recipient: str
    esp: str
    bounce: Bounce = ""
    campaign: str = ""
    returned: tuple[str, ...] = ()


class Skipped(NamedTuple):
    """A record of which nothing is stored, and why."""

    reason: Reason


Told = Iterator[TrackingEvent | Skipped]


def event(
    esp: str,
    event_type: Kind,
    timestamp: int | None,
    event_id: Iterable[object],
    recipient: object,
    *,
    bounce: Bounce = "",
    campaign: str = "",
    returned: Iterable[str] = (),
) -> TrackingEvent | Skipped:
    """Return an event, or why it is none: without its time or its recipient it says nothing."""
    address = address_of(recipient)
    texts = tuple(text for text in returned if text)
    if not address and not texts:
        return Skipped("no_recipient")
    if timestamp is None:
        return Skipped("no_time")
    known = tuple(str(part) for part in event_id if part not in (None, ""))
    return TrackingEvent(event_type, timestamp, known, address, esp, bounce, campaign, texts)


def address_of(value: object) -> str:
    """Return the bare address of what may have a name beside it; empty where there is none."""
    if not isinstance(value, str):
        return ""
    bare = value.strip()
    return parseaddr(bare)[1] if "<" in bare else bare


def text(record: object, *path: str) -> str:
    """Return the text at a path in JSON; empty where nothing is, or something else."""
    value = at(record, *path)
    return value if isinstance(value, str) else ""


def at(record: object, *path: str) -> Any:
    """Return what stands at a path in JSON, None where nothing does."""
    for name in path:
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def listed(value: object) -> list[Any]:
    """Return a list, or what stands alone where a list could: nothing for None."""
    return value if isinstance(value, list) else [] if value is None else [value]


def of_seconds(value: object) -> int | None:
    """Return ms UTC of seconds since 1970, a number or its text; None for what is none of our times."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return _in_reach(round(float(value) * 1000))
    except (ValueError, OverflowError):
        return None


def of_iso(value: object) -> int | None:
    """Return ms UTC of a time in ISO 8601, one without a zone being UTC; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return of_moment(moment)


def of_moment(moment: datetime) -> int | None:
    """Return ms UTC of a moment, one without a zone being UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return _in_reach(round(aware.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _in_reach(moment: int) -> int | None:
    return moment if _EARLIEST <= moment < _LATEST else None


def campaign_of(metadata: object = None, tags: object = None) -> str:
    """Return the campaign that metadata name, else the first tag "pixeltrack_campaign:NAME"; or nothing.

    A value may be a list of one, as Amazon SES has it.
    """
    for value in listed(at(metadata, METADATA)):
        if isinstance(value, str | int) and str(value).strip():
            return str(value).strip()
    for tag in listed(tags):
        found = _TAG.fullmatch(tag.strip()) if isinstance(tag, str) else None
        if found:
            return found[1].strip()
    return ""


def as_object(value: object) -> Mapping[str, Any]:
    """Return JSON that stands as a text within JSON as an object; an empty one where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}
