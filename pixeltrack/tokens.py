"""Tokens: what a URL of ours says of its recipient, and the proof that we said it.

A token is a keyed pseudonym of (campaign, recipient) and a MAC over it, made with keyed BLAKE2b
(RFC 7693) and written as base64url (RFC 4648, section 5). Keys are derived per purpose and, for
tracking, per campaign: a tracking token never authorises an unsubscribe or a preference. Nothing in
a token can be read without the key: no address, no row number. Verifying needs the key alone.

    tracking token   kind 1 · key 1 · pseudonym 8 · tag 11          = 21 bytes = 28 characters
    bound token      the same, with a tag that holds for one link alone
    personal token   kind 1 · key 1 · campaign 5 · pseudonym 8 · tag 15 = 30 bytes = 40 characters
"""

from __future__ import annotations

import base64
import binascii
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, shake_128
from hmac import compare_digest
from struct import Struct
from typing import Any, Literal, NamedTuple

Purpose = Literal[
    "track", "bind", "unsubscribe", "preferences", "pseudonym", "campaign", "subject", "check", "log"
]
TokenKind = Literal["message", "preview", "merge"]
Personal = Literal["unsubscribe", "preferences"]

_KIND_BYTES: dict[TokenKind, int] = {"message": 0x11, "preview": 0x12, "merge": 0x13}
MESSAGE = _KIND_BYTES["message"]
_KINDS = {byte: kind for kind, byte in _KIND_BYTES.items()}
_BOUND = 0x20  # set in the kind of a token that holds for one link alone
_TRACKING_KINDS: dict[int, tuple[TokenKind, bool]] = {  # and whether it is bound
    **{byte: (kind, False) for kind, byte in _KIND_BYTES.items()},
    **{_KIND_BYTES[kind] | _BOUND: (kind, True) for kind in ("message", "preview")},
}
_SHAKE_RATE = 168  # bytes that SHAKE128 takes in at a time
_BLOCK = 64  # links whose tags come from one call of SHAKE128
TRACK_BODY, TRACK_TAG = 10, 11
_TRACK_TAG, _PERSONAL_TAG, _PSEUDONYM = TRACK_TAG, 15, 8
_TRACK_LENGTH, _PERSONAL_LENGTH = 28, 40
_BOTH = _TRACK_LENGTH + _PERSONAL_LENGTH
_FOREIGN_ID = re.compile(r"[A-Za-z0-9_~.-]{1,64}")

LETTERED = bytes(byte & 0b11011111 for byte in range(256))  # the last six bits are then one of A to f
_LETTER = [bytes((byte,)) for byte in LETTERED]
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5
FROM_URL_SAFE = bytes.maketrans(b"-_+/=", b"+/\0\0\0")  # what is not of this alphabet becomes no base64
_PROVED = 1_024  # campaigns whose keys are kept at hand, about 2 kB each

_signed = Struct(">q").unpack_from  # half of what int.from_bytes costs

KEY_BYTES = 32


class Tracked(NamedTuple):
    """A verified tracking token. ``pseudonym`` is a signed 64-bit number; ``counts`` is False for a
    merge tag that the mail system did not fill in."""

    kind: TokenKind
    pseudonym: int
    counts: bool = True
    key_id: int = 1


@dataclass(frozen=True, slots=True)
class Person:
    """A verified unsubscribe or preferences token."""

    code: str
    kind: TokenKind
    pseudonym: int


class Keyring:
    """The keys of one key file: the active one signs, all of them verify."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(not 0 < key_id < 256 for key_id in keys):
            raise ValueError("a keyring needs keys numbered 1 to 255")
        self._keys = dict(keys)
        self.active = max(self._keys)
        self._first = min(self._keys)  # for what must outlive a rotation: the suppression list
        self._proved: dict[tuple[str, int], CampaignKeys] = {}

    def _derive(self, key_id: int, purpose: Purpose, context: str = "") -> bytes:
        person = purpose.encode().ljust(16, b"\0")
        return blake2b(context.encode(), key=self._keys[key_id], person=person).digest()

    def campaign_code(self, name: str, attempt: int = 0) -> str:
        """Return the 8 characters by which a campaign goes in URLs; attempt tells twins apart."""
        key = self._derive(self.active, "campaign")
        digest = blake2b(f"{attempt}\0{name}".encode(), key=key, digest_size=5).digest()
        return base64.b32encode(digest).decode().lower()

    def subject(self, address: str) -> bytes:
        """Return the 16-byte keyed hash of a normalised address, for the suppression list."""
        return blake2b(address.encode(), key=self._derive(self._first, "subject"), digest_size=16).digest()

    def log_fingerprint(self, content: bytes) -> bytes:
        """Return by what a piece of a log is known again; nobody can guess addresses in it from that."""
        return blake2b(content, key=self._derive(self._first, "log"), digest_size=16).digest()

    def check_value(self) -> str:
        """Return what a database keeps to know its own key again; it reveals nothing of the key."""
        return blake2b(key=self._derive(self._first, "check"), digest_size=8).hexdigest()

    def holds(self, other: Keyring) -> bool:
        """Return whether every key of another keyring is in this one too."""
        return other._keys.items() <= self._keys.items()

    def has_key(self, key_id: int) -> bool:
        return key_id in self._keys

    def campaign(self, code: str, key_id: int | None = None) -> CampaignKeys:
        """Return the keys that mint the tokens of one campaign."""
        signer = key_id or self.active
        return CampaignKeys(
            code=code,
            key_id=signer,
            track=_Mint(self._derive(signer, "track", code), _TRACK_TAG),
            pseudonyms=_Mint(self._derive(signer, "pseudonym", code), _PSEUDONYM),
            unsubscribe=_Mint(self._derive(signer, "unsubscribe"), _PERSONAL_TAG),
            preferences=_Mint(self._derive(signer, "preferences"), _PERSONAL_TAG),
            binding=self._derive(signer, "bind", code),
        )

    def verify_tracking(self, code: str, token: str, link: int = 0) -> Tracked | None:
        """Return what a tracking token says, or None when it is not one of ours for this campaign.

        link is the one that it was seen with, 0 for the pixel; a bound token holds for no other.
        """
        raw = _decode(token[:_TRACK_LENGTH], _TRACK_LENGTH)
        if raw is None or raw[1] not in self._keys:
            return None
        key_id, body = raw[1], raw[:-_TRACK_TAG]
        kind, bound = _TRACKING_KINDS.get(raw[0], (None, False))
        if kind is None:
            return None
        proved = self._proved.get((code, key_id))
        keys = proved or self.campaign(code, key_id)
        tag = keys.bound_tag(body, link) if bound else keys.track.tag(body)
        if not compare_digest(raw[-_TRACK_TAG:], tag):
            return None
        if proved is None:
            self._keep(keys)
        rest = token[_TRACK_LENGTH:]
        if kind != "merge":
            return None if rest else Tracked(kind, _signed(raw, 2)[0], True, key_id)
        if rest and rest[0] != ".":
            return None
        if not _FOREIGN_ID.fullmatch(rest, 1):
            return Tracked(kind, 0, counts=False, key_id=key_id)
        return Tracked(kind, number(keys.pseudonym(rest[1:])), key_id=key_id)

    def _keep(self, keys: CampaignKeys) -> None:
        """Keep the keys of a campaign that a token has proved: made-up ones push nothing out."""
        if len(self._proved) >= _PROVED:
            del self._proved[next(iter(self._proved))]
        self._proved[keys.code, keys.key_id] = keys

    def verify_host(self, code: str, link: int, host: str, seal: str, key_id: int) -> bool:
        """Return whether a readable link's host is the one that we wrote there."""
        keys = self._proved.get((code, key_id)) or self.campaign(code, key_id)
        return compare_digest(keys.host_seal(link, host).encode(), seal.encode())

    def verify_personal(self, purpose: Personal, token: str) -> Person | None:
        """Return whom an unsubscribe or preferences token names, or None when it is not ours."""
        raw = _decode(token, _PERSONAL_LENGTH)
        if raw is None or raw[0] not in _KINDS or raw[1] not in self._keys:
            return None
        body, tag = raw[:-_PERSONAL_TAG], raw[-_PERSONAL_TAG:]
        mint = _Mint(self._derive(raw[1], purpose), _PERSONAL_TAG)
        if not compare_digest(tag, mint.tag(body)):
            return None
        code = base64.b32encode(body[2:7]).decode().lower()
        return Person(code, _KINDS[raw[0]], number(body[7:]))


class _Mint:
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
    track: _Mint
    pseudonyms: _Mint
    unsubscribe: _Mint
    preferences: _Mint
    binding: bytes

    def pseudonym(self, address: str) -> bytes:
        """Return the 8 bytes by which this campaign knows a normalised address."""
        return self.pseudonyms.hash(address.encode())

    def message_token(self, pseudonym: bytes, kind: TokenKind = "message") -> str:
        return self.track.seal(self._head(kind) + pseudonym)

    def bound_tokens(
        self, pseudonym: bytes, links: Iterable[int], kind: TokenKind = "message"
    ) -> dict[int, str]:
        """Return a token for each link (0 for the pixel) that holds for that link alone."""
        head = self._head(kind)
        body = bytes((head[0] | _BOUND, head[1])) + pseudonym
        numbers = list(links)
        blocks = {block: self._tags(body, block) for block in {link // _BLOCK for link in numbers}}
        raw = b"".join([body + _bound_tag(blocks[link // _BLOCK], link) for link in numbers])
        written = _encode(raw)  # whole groups of three bytes: the tokens stand in it side by side
        return {
            link: written[at : at + _TRACK_LENGTH]
            for link, at in zip(numbers, range(0, len(written), _TRACK_LENGTH), strict=True)
        }

    def bound_tag(self, body: bytes, link: int) -> bytes:
        """Return the tag of a bound token."""
        return _bound_tag(self._tags(body, link // _BLOCK), link)

    def _tags(self, body: bytes, block: int) -> bytes:
        """Return the tags of a block of links, by one call (FIPS 202; the key fills the first block)."""
        sponge = self._sponge.copy()
        sponge.update(body + block.to_bytes(3, "big"))
        tags: bytes = sponge.digest(_BLOCK * _TRACK_TAG)
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
            return written[:_TRACK_LENGTH], written[_TRACK_LENGTH:_BOTH], written[_BOTH:]

        return mint

    def host_seal(self, link: int, host: str) -> str:
        """Return the 8 characters that bind the host in a readable link to the link."""
        return _encode(self.track.hash(f"host {link} {host}".encode())[:6])

    def _head(self, kind: TokenKind) -> bytes:
        return self._heads[kind]

    @cached_property
    def _heads(self) -> dict[TokenKind, bytes]:
        return {kind: bytes((byte, self.key_id)) for kind, byte in _KIND_BYTES.items()}

    @cached_property
    def _campaign(self) -> bytes:
        return base64.b32decode(self.code.upper())

    @property
    def check(self) -> bytes:
        """Return what is the same for the same key and campaign, and reveals nothing of them."""
        return self.track.hash(b"check")


def _bound_tag(block: bytes, link: int) -> bytes:
    at = link % _BLOCK * _TRACK_TAG
    return _lettered(block[at : at + _TRACK_TAG])


def _lettered(tag: bytes) -> bytes:
    """Return a tag that is written with a letter at its end.

    A "-" or "_" there would look like punctuation to whatever makes links of a plain text. It costs one
    bit.
    """
    return tag[:-1] + _LETTER[tag[-1]]


def number(pseudonym: bytes) -> int:
    """Return a pseudonym as the signed 64-bit number that the store keeps."""
    return _signed(pseudonym)[0]  # type: ignore[no-any-return]


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).decode()


def _decode(token: str, length: int) -> bytes | None:
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
