"""Making tokens: keyed hashes, their spelling, and the keys of one campaign. ``tokens`` verifies them."""

from __future__ import annotations

import base64
import binascii
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, shake_128
from struct import Struct
from typing import Any, Literal

from pixeltrack.model import Mode

# What a token is of: a person's copy, a preview, a mail system's template, or a copy in one of the modes in
# which it does not name the person. "subject" is of personal links alone: a person by address.
TokenKind = Literal[
    "message", "preview", "merge", "pseudonymous", "hygiene", "company", "aggregate", "subject"
]
Personal = Literal["unsubscribe", "preferences"]

KIND_BYTES: dict[TokenKind, int] = {
    **{"message": 0x11, "preview": 0x12, "merge": 0x13, "pseudonymous": 0x14},
    **{"hygiene": 0x15, "company": 0x16, "aggregate": 0x17, "subject": 0x18},
}
MESSAGE = KIND_BYTES["message"]
KIND_OF_MODE: dict[Mode, TokenKind] = {
    **{"individual": "message", "pseudonymous": "pseudonymous", "hygiene": "hygiene"},
    **{"company": "company", "aggregate": "aggregate"},
}
EVERYBODY = bytes(8)  # the crowd of those who belong to no group
BOUND = 0x20  # set in the kind of a token that holds for one link alone
_SHAKE_RATE = 168  # bytes that SHAKE128 takes in at a time
_BLOCK = 64  # links whose tags come from one call of SHAKE128
TRACK_BODY, TRACK_TAG = 10, 11
PERSONAL_TAG, PSEUDONYM = 15, 8
SUBJECT, SUBJECT_TAG = 16, 13
TRACK_LENGTH, PERSONAL_LENGTH, SUBJECT_LENGTH = 28, 40, 48
_BOTH = TRACK_LENGTH + PERSONAL_LENGTH

LETTERED = bytes(byte & 0b11011111 for byte in range(256))  # the last six bits are then one of A to f
_LETTER = [bytes((byte,)) for byte in LETTERED]
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5
FROM_URL_SAFE = bytes.maketrans(b"-_+/=", b"+/\0\0\0")  # what is not of this alphabet becomes no base64

signed = Struct(">q").unpack_from  # half of what int.from_bytes costs


class Mint:
    """A keyed hash that is set up once: a copy of its state costs a third of a new one."""

    __slots__ = ("begin",)

    def __init__(self, key: bytes, size: int) -> None:
        self.begin = blake2b(key=key, digest_size=size).copy  # returns a hash that is still to be updated

    def hash(self, body: bytes) -> bytes:
        keyed = self.begin()
        keyed.update(body)
        return keyed.digest()

    def tag(self, body: bytes) -> bytes:
        """Return a hash that ends a token."""
        keyed = self.begin()
        keyed.update(body)
        return _lettered(keyed.digest())

    def seal(self, body: bytes) -> str:
        """Return a body and its tag as base64url: the sizes are such that there is no padding."""
        return _encode(body + self.tag(body))


@dataclass(frozen=True)
class CampaignKeys:
    """Mints the tokens of one campaign."""

    code: str
    key_id: int
    track: Mint
    pseudonyms: Mint
    unsubscribe: Mint
    preferences: Mint
    binding: bytes
    unlinked: Mint
    groups: Mint
    visit: Mint

    def pseudonym(self, address: str) -> bytes:
        """Return the 8 bytes by which this campaign knows a normalised address."""
        return self.pseudonyms.hash(address.encode())

    def unlinked_pseudonym(self, address: str) -> bytes:
        """Return the 8 bytes of a pseudonymous copy: no row says whose they are, only the address does."""
        return self.unlinked.hash(address.encode())

    def crowd(self, group: str) -> bytes:
        """Return the 8 bytes by which this campaign knows a group of people of one company."""
        return self.groups.hash(group.encode())

    def message_token(self, pseudonym: bytes, kind: TokenKind = "message") -> str:
        return self.track.seal(self._head(kind) + pseudonym)

    def bound_tokens(
        self, pseudonym: bytes, links: Iterable[int], kind: TokenKind = "message"
    ) -> dict[int, str]:
        """Return a token for each link (0 for the pixel) that holds for that link alone."""
        head = self._head(kind)
        body = bytes((head[0] | BOUND, head[1])) + pseudonym
        numbers = list(links)
        blocks = {block: self._tags(body, block) for block in {link // _BLOCK for link in numbers}}
        raw = b"".join([body + _bound_tag(blocks[link // _BLOCK], link) for link in numbers])
        written = _encode(raw)  # whole groups of three bytes: the tokens stand in it side by side
        return {
            link: written[at : at + TRACK_LENGTH]
            for link, at in zip(numbers, range(0, len(written), TRACK_LENGTH), strict=True)
        }

    def bound_tag(self, body: bytes, link: int) -> bytes:
        """Return the tag of a bound token."""
        return _bound_tag(self._tags(body, link // _BLOCK), link)

    def _tags(self, body: bytes, block: int) -> bytes:
        """Return the tags of a block of links, by one call (FIPS 202; the key fills the first block)."""
        sponge = self._sponge.copy()
        sponge.update(body + block.to_bytes(3, "big"))
        tags: bytes = sponge.digest(_BLOCK * TRACK_TAG)
        return tags

    @cached_property
    def _sponge(self) -> Any:
        return shake_128(self.binding.ljust(_SHAKE_RATE, b"\0"))

    def preview_token(self) -> str:
        return self.message_token(bytes(8), "preview")

    def merge_token(self, merge_tag: str) -> str:
        """Return the token whose recipient is filled in by the sender's own mail system.

        It proves the campaign, not the recipient: whoever has one such mail can make up others.
        """
        return f"{self.track.seal(self._head('merge') + bytes(8))}.{merge_tag}"

    def personal_token(self, purpose: Personal, pseudonym: bytes, kind: TokenKind = "message") -> str:
        mint = self.unsubscribe if purpose == "unsubscribe" else self.preferences
        return mint.seal(self._head(kind) + self._campaign + pseudonym)

    def subject_token(self, purpose: Personal, subject: bytes) -> str:
        """Return a personal token of whom no message is stored: it has the keyed hash of their address."""
        mint = self.unsubscribe if purpose == "unsubscribe" else self.preferences
        body = self._head("subject") + self._campaign + subject
        return _encode(body + mint.tag(body)[-SUBJECT_TAG:])

    def beginnings(self, pseudonym: bytes, unlinked: bytes, subject: bytes) -> list[bytes]:
        """Return how every token begins that may be one person's: what is behind it says nothing of whom.

        ``unlinked`` is the pseudonym that no row leads to, ``subject`` the keyed hash of the address.
        """
        bodies = [self._head("message") + self._campaign + pseudonym]
        bodies += [self._head("subject") + self._campaign + subject]
        tracked: list[tuple[TokenKind, bytes]] = [("message", pseudonym), ("hygiene", pseudonym)]
        for kind, its in (*tracked, ("pseudonymous", unlinked)):
            head = self._head(kind)
            bodies += [head + its, bytes((head[0] | BOUND, head[1])) + its]
        return [_encode(body).rstrip("=").encode()[: len(body) * 8 // 6] for body in bodies]

    def visit_token(self, kind: TokenKind, pseudonym: bytes) -> str:
        """Return what a site is told of somebody whom a link of ours leads there."""
        return self.visit.seal(self._head(kind) + self._campaign + pseudonym)

    def minter(self, kind: TokenKind = "message") -> Callable[[bytes], tuple[str, str, str]]:
        """Return the function pseudonym -> (message, unsubscribe, preferences) token.

        The same tokens as one by one, in less than half the time: they are written as base64 together.
        """
        head, campaign = self._head(kind), self._campaign
        track, unsubscribe, preferences = (
            mint.begin for mint in (self.track, self.unsubscribe, self.preferences)
        )

        def mint(pseudonym: bytes) -> tuple[str, str, str]:
            message, person = head + pseudonym, head + campaign + pseudonym
            tracking, leaving, choosing = track(), unsubscribe(), preferences()
            tracking.update(message)
            leaving.update(person)
            choosing.update(person)
            a, b, c = tracking.digest(), leaving.digest(), choosing.digest()
            letters = _LETTER
            written = _encode(
                b"".join(
                    (
                        *(message, a[:-1], letters[a[-1]]),
                        *(person, b[:-1], letters[b[-1]]),
                        *(person, c[:-1], letters[c[-1]]),
                    )
                )
            )
            return written[:TRACK_LENGTH], written[TRACK_LENGTH:_BOTH], written[_BOTH:]

        return mint

    def host_seal(self, link: int, host: str) -> str:
        """Return the 8 characters that bind the host in a readable link to the link."""
        return _encode(self.track.hash(f"host {link} {host}".encode())[:6])

    def _head(self, kind: TokenKind) -> bytes:
        return self._heads[kind]

    @cached_property
    def _heads(self) -> dict[TokenKind, bytes]:
        return {kind: bytes((byte, self.key_id)) for kind, byte in KIND_BYTES.items()}

    @cached_property
    def _campaign(self) -> bytes:
        return base64.b32decode(self.code.upper())

    @property
    def check(self) -> bytes:
        """Return what is the same for the same key and campaign, and reveals nothing of them."""
        return self.track.hash(b"check")


def _bound_tag(block: bytes, link: int) -> bytes:
    at = link % _BLOCK * TRACK_TAG
    return _lettered(block[at : at + TRACK_TAG])


def _lettered(tag: bytes) -> bytes:
    """Return a tag that is written with a letter at its end.

    A "-" or "_" there would look like punctuation to whatever makes links of a plain text. It costs one
    bit.
    """
    return tag[:-1] + _LETTER[tag[-1]]


def number(pseudonym: bytes) -> int:
    """Return a pseudonym as the signed 64-bit number that the store keeps."""
    return signed(pseudonym)[0]  # type: ignore[no-any-return]


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).decode()


def decode(token: str, length: int) -> bytes | None:
    """Decode strictly: a token has one spelling, so that nobody can make several URLs of one hit.

    ``a2b_base64`` passes over what is no base64, and then gives fewer bytes. Lengths that are multiples
    of four leave no bits over.
    """
    if len(token) != length:
        return None
    try:
        raw = a2b_base64(token.encode("ascii").translate(FROM_URL_SAFE))
    except (UnicodeEncodeError, binascii.Error):
        return None
    return raw if 4 * len(raw) == 3 * length else None
