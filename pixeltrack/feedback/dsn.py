"""Delivery status notifications: what a mail server sends back about a message (RFC 3464).

A report's second part has a block of fields about the message and one for each recipient. Status codes are
those of RFC 3463: 5 is for good, 4 is not; a full mailbox (5.2.2), a message that is too large (5.2.3,
5.3.4), its content (5.6) and the receiver's policy (5.7) say nothing against the address, so they are soft
bounces, as Amazon SES takes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.message import Message

from pixeltrack.feedback.event import Bounce, Kind, Skipped, Told, event
from pixeltrack.feedback.mime import blocks, date_of, field, known_as, part_of, returned_texts

NAME = "dsn"

_TYPES = ("message/delivery-status", "message/global-delivery-status")
_KINDS: Mapping[str, Kind] = {
    "failed": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "delivered",  # to a system that reports no further (2.3.3)
    "expanded": "delivered",
}
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"\b([45])\d\d\b")
_SOFT = re.compile(r"5\.(?:2\.[23]|3\.4|6\.\d+|7\.\d+)")


def fits(message: Message) -> bool:
    """Whether a message is a delivery report."""
    return part_of(message, _TYPES) is not None


def events(message: Message, raw: bytes) -> Told:
    """Yield what a report says of each recipient."""
    part = part_of(message, _TYPES)
    found = blocks(part) if part is not None else []
    recipients = [block for block in found if _address(block)]
    if not recipients:
        yield Skipped("no_recipient")
    texts = list(returned_texts(message)) if len(recipients) == 1 else []
    for block in recipients:
        action = field(block, "Action").partition(" ")[0].lower()
        kind = _KINDS.get(action)
        if kind is None:
            yield Skipped("unknown")
            continue
        address = _address(block)
        moments = [date_of(block, "Last-Attempt-Date"), date_of(message, "Date")]
        moments += [date_of(found[0], "Arrival-Date")]
        at = next((moment for moment in moments if moment is not None), None)
        bounce: Bounce = _bounce(block) if kind == "bounced" else ""
        yield event(
            *(NAME, kind, at), [known_as(message, raw), action], address, bounce=bounce, returned=texts
        )


def _address(block: Message) -> str:
    """Return whom the message was sent to: as its sender wrote it, where that is told."""
    for name in ("Original-Recipient", "Final-Recipient"):
        kind, _, address = field(block, name).partition(";")
        if kind.strip().lower() in ("rfc822", "utf-8") and "@" in address:
            return address.strip().strip("<>")
    return ""


def _bounce(block: Message) -> Bounce:
    for status in _statuses(block):
        if status.startswith("5"):
            return "soft" if _SOFT.match(status) else "hard"
        return "soft"
    reply = _REPLY.search(field(block, "Diagnostic-Code"))
    if reply is None:
        return "unknown"
    return "hard" if reply[1] == "5" else "soft"


def _statuses(block: Message) -> Iterable[str]:
    """Yield the enhanced status codes of a failure, a telling one first: x.0.0 says that nothing is known."""
    found = [
        match[0]
        for name in ("Status", "Diagnostic-Code")
        for match in _STATUS.finditer(field(block, name))
        if match[1] != "2"
    ]
    return sorted(found, key=lambda status: status.endswith(".0.0"))
