"""Complaints that mailbox providers send in the Abuse Reporting Format (RFC 5965).

A report's second part has its fields, the third the message that is complained about, or its headers.
Providers may blank out addresses (RFC 6590): then only the message itself says whose it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message

from pixeltrack.feedback.event import Kind, Reason, Skipped, Told, address_of, event
from pixeltrack.feedback.mime import (
    blocks,
    date_of,
    field,
    known_as,
    part_of,
    returned_headers,
    returned_texts,
)

NAME = "arf"

_TYPES = ("message/feedback-report",)
_KINDS: Mapping[str, Kind] = {
    "abuse": "complained",
    "fraud": "complained",
    "virus": "complained",
    "other": "complained",
    "opt-out": "unsubscribed",  # of earlier drafts, and still sent
}
_SKIPPED: Mapping[str, Reason] = {"not-spam": "subscribed"}


def fits(message: Message) -> bool:
    """Whether a message is a complaint in this format."""
    return part_of(message, _TYPES) is not None


def events(message: Message, raw: bytes) -> Told:
    """Yield what a report says, for each recipient that it names."""
    part = part_of(message, _TYPES)
    found = blocks(part) if part is not None else []
    if not found:
        yield Skipped("unknown")
        return
    name = field(found[0], "Feedback-Type").lower()
    kind = _KINDS.get(name)
    if kind is None:  # auth-failure (RFC 6591) is about signatures, and nobody's wish
        yield Skipped(_SKIPPED.get(name, "unknown"))
        return
    named = [str(value) for value in found[0].get_all("Original-Rcpt-To", [])]
    addresses = [address for value in named if "@" in (address := address_of(value.strip().strip("<>")))]
    if not addresses:
        addresses = [address_of(field(headers, "To")) for headers in returned_headers(message)][:1] or [""]
    moments = [date_of(message, "Date")]
    moments += [date_of(found[0], name) for name in ("Arrival-Date", "Received-Date")]
    at = next((moment for moment in moments if moment is not None), None)
    texts = list(returned_texts(message)) if len(addresses) == 1 else []
    for address in addresses:
        yield event(*(NAME, kind, at), [known_as(message, raw), name], address, returned=texts)
