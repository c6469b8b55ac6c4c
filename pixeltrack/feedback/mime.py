"""The parts of a report by mail (multipart/report, RFC 6522), read with Python's email package."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parsedate_to_datetime
from hashlib import sha256

from pixeltrack.feedback.event import of_moment

_HEADERS = ("text/rfc822-headers", "message/global-headers")
_WHOLE = ("message/rfc822", "message/global")


def parsed(raw: bytes) -> Message:
    """Return a message; Python's parser takes everything for one."""
    return message_from_bytes(raw)


def part_of(message: Message, types: Collection[str]) -> Message | None:
    """Return the first part of one of some types, outside the message that is returned."""
    return next((part for part in _own_parts(message) if part.get_content_type() in types), None)


def _own_parts(message: Message) -> Iterator[Message]:
    """Yield a message's parts in order, but none of a message in it."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in _inner(message):
            yield from _own_parts(part)
    else:
        yield message


def _inner(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def blocks(part: Message) -> list[Message]:
    """Return the blocks of fields in a part: those about the message first, then one for each recipient."""
    inner = _inner(part)
    if len(inner) > 1:
        return inner  # the email package has split message/delivery-status
    if inner:
        text = inner[0].as_string()
    else:
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    pieces = text.replace("\r\n", "\n").split("\n\n")
    return [message_from_string(piece.lstrip("\n")) for piece in pieces if piece.strip()]


def returned_headers(message: Message) -> Iterator[Message]:
    """Yield the message that is returned, or its headers."""
    for part in _own_parts(message):
        if part.get_content_type() in _WHOLE:
            yield from _inner(part)
        elif part.get_content_type() in _HEADERS:
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield message_from_bytes(payload)
            yield from _inner(part)


def returned_texts(message: Message) -> Iterator[str]:
    """Yield where URLs of ours may stand in what is returned: headers first, then texts, decoded."""
    for original in returned_headers(message):
        for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Help"):
            yield from (str(value) for value in original.get_all(name, []))
        for part in original.walk():
            if part.get_content_maintype() == "text":
                payload = part.get_payload(decode=True)
                if isinstance(payload, bytes):
                    yield payload.decode("latin-1")


def field(block: Message, name: str) -> str:
    """Return a field's value in one line; empty where there is none."""
    return " ".join(str(block.get(name, "")).split())


def date_of(block: Message, name: str) -> int | None:
    """Return the time in a field in ms UTC, None where there is none."""
    try:
        return of_moment(parsedate_to_datetime(field(block, name)))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def known_as(message: Message, raw: bytes) -> str:
    """Return by what a report is known: its Message-ID, else its content."""
    return field(message, "Message-ID") or sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
