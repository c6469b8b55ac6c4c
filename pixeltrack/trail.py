"""The audit trail's chain: pure rules by which each row vouches for all before it.

A row's hash is SHA-256 over the UTF-8 of a JSON array: seq, at, actor, action, object, subject, counts,
prev. JSON is written without blanks, with keys in order and everything beyond ASCII escaped; hashes and
the subject in hexadecimal, null for no subject. The first row's prev is 64 zeros. Nothing but this and a
SHA-256 is needed to check an export.

The hash is not keyed: who may write to the file can make up a whole new chain. Against that, and against
rows cut off at the end, the last hash is noted down elsewhere (``audit head``) and given to ``audit verify``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

ZEROS = bytes(32)


class Link(NamedTuple):
    """One row of the trail. ``at`` is ms UTC; ``counts`` is JSON as ``written`` makes it."""

    seq: int
    at: int
    actor: str
    action: str
    object: str
    subject: bytes | None
    counts: str
    prev: bytes
    hash: bytes


class Head(NamedTuple):
    """The trail's last row, to be noted down somewhere else; seq 0 while there is none."""

    seq: int = 0
    hash: bytes = ZEROS

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking found: how many rows hold, the last of them, and what is wrong with the next if it is."""

    rows: int
    head: Head
    broken: int | None = None  # the first row, by its number, that does not follow from those before
    why: str = ""


def written(counts: Mapping[str, object]) -> str:
    """Return counts as they are stored: one spelling for one meaning."""
    return json.dumps(counts, sort_keys=True, separators=(",", ":"))


def linked(head: Head, at: int, actor: str, action: str, of: str, subject: bytes | None, counts: str) -> Link:
    """Return the row that follows a head."""
    seq = head.seq + 1
    digest = digest_of(seq, at, actor, action, of, subject, counts, head.hash)
    return Link(seq, at, actor, action, of, subject, counts, head.hash, digest)


def digest_of(
    seq: int, at: int, actor: str, action: str, of: str, subject: bytes | None, counts: str, prev: bytes
) -> bytes:
    """Return the hash of a row; ValueError where its counts are not JSON."""
    about = subject.hex() if subject is not None else None
    row = [seq, at, actor, action, of, about, json.loads(counts), prev.hex()]
    return sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).digest()


def check(links: Iterable[Link], noted: Head | None = None) -> Checked:
    """Check rows in the order of their numbers, and that the noted head is one of them.

    A row that was changed, removed, added or moved breaks the chain there. Rows that are missing at the
    end break nothing: ``noted`` tells.
    """
    head = Head()
    seen = noted is None or noted == head
    for link in links:
        why = _fault(link, head)
        if why:
            return Checked(head.seq, head, link.seq, why)
        head = Head(link.seq, link.hash)
        if noted is not None and noted.seq == head.seq:
            if noted != head:
                return Checked(head.seq - 1, head, head.seq, "its hash is not the one that was noted")
            seen = True
    if not seen and noted is not None:
        return Checked(head.seq, head, head.seq + 1, f"missing: the trail was noted to reach row {noted.seq}")
    return Checked(head.seq, head)


def _fault(link: Link, head: Head) -> str:
    if link.seq != head.seq + 1:
        return f"row {head.seq + 1} is missing before it"
    if link.prev != head.hash:
        return "it does not follow the row before it"
    try:
        if link.hash != digest_of(*link[:8]):
            return "its content is not what its hash is of"
        if link.counts != written(json.loads(link.counts)):
            return "its counts are not written as they were"
    except (ValueError, TypeError, AttributeError):
        return "it cannot be read"
    return ""


def read_head(text: str) -> Head | None:
    """Return a head as it was noted ("17:ab…"), None for what is none."""
    seq, _, digest = text.strip().partition(":")
    try:
        raw = bytes.fromhex(digest)
        return Head(int(seq), raw) if len(raw) == len(ZEROS) and int(seq) >= 0 else None
    except ValueError:
        return None
