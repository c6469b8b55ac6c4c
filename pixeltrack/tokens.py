"""Tokens: what a URL of ours says of its recipient, and the proof that we said it.

A token is a keyed pseudonym of (campaign, recipient) and a MAC over it, made with keyed BLAKE2b
(RFC 7693) and written as base64url (RFC 4648, section 5). Keys are derived per purpose and, for
tracking, per campaign: a tracking token never authorises an unsubscribe or a preference. Nothing in
a token can be read without the key: no address, no row number. Verifying needs the key alone.

    tracking token   kind 1 · key 1 · pseudonym 8 · tag 11          = 21 bytes = 28 characters
    bound token      the same, with a tag that holds for one link alone
    visit token      as a personal token: what the redirect adds to a destination on a site of the sender's
    personal token   kind 1 · key 1 · campaign 5 · pseudonym 8 · tag 15 = 30 bytes = 40 characters
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Literal, NamedTuple

from pixeltrack.minting import (
    BOUND,
    KIND_BYTES,
    KIND_OF_MODE,
    PERSONAL_LENGTH,
    PERSONAL_TAG,
    PSEUDONYM,
    SUBJECT,
    SUBJECT_LENGTH,
    SUBJECT_TAG,
    TRACK_LENGTH,
    TRACK_TAG,
    CampaignKeys,
    Mint,
    Personal,
    TokenKind,
    decode,
    number,
    signed,
)
from pixeltrack.model import Mode

Purpose = Literal[
    "track",
    "bind",
    "unsubscribe",
    "preferences",
    "pseudonym",
    "campaign",
    "subject",
    "check",
    "log",
    "unlinked",
    "group",
    "visit",
    "site",
    "event",
    "hook",
    "told",
]

_SUBJECT = KIND_BYTES["subject"]
_KINDS: dict[int, TokenKind] = {  # of personal tokens
    byte: kind for kind, byte in KIND_BYTES.items() if kind in ("message", "preview", "merge")
}
_TRACKING_KINDS: dict[int, tuple[TokenKind, bool]] = {  # and whether it is bound
    **{byte: (kind, False) for kind, byte in KIND_BYTES.items() if kind != "subject"},
    **{byte | BOUND: (kind, True) for kind, byte in KIND_BYTES.items() if kind not in ("merge", "subject")},
}
_MODES: dict[TokenKind, Mode] = {kind: mode for mode, kind in KIND_OF_MODE.items()}
_FOREIGN_ID = re.compile(r"[A-Za-z0-9_~.-]{1,64}")
_PROVED = 1_024  # campaigns whose keys are kept at hand, about 2 kB each

_EVENT = 16  # bytes by which a reported event is known

KEY_BYTES = 32


class Tracked(NamedTuple):
    """A verified tracking token. ``pseudonym`` is a signed 64-bit number, of a crowd where hits are
    counted together; ``counts`` is False for a merge tag that the mail system did not fill in."""

    kind: TokenKind
    pseudonym: int
    counts: bool = True
    key_id: int = 1

    @property
    def mode(self) -> Mode:
        """How much may be measured by it at most: it was decided for good when the copy was made."""
        return _MODES.get(self.kind, "individual")


class Visit(NamedTuple):
    """A verified visit token: the campaign that led somebody to a site, and what its copy says of them."""

    code: str
    tracked: Tracked


@dataclass(frozen=True, slots=True)
class Person:
    """A verified unsubscribe or preferences token.

    Of kind "subject" it has no pseudonym but ``subject``, the keyed hash of the address: no message of
    that campaign is stored for them.
    """

    code: str
    kind: TokenKind
    pseudonym: int
    subject: bytes | None = None


class Keyring:
    """The keys of one key file: the active one signs, all of them verify."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(not 0 < key_id < 256 for key_id in keys):
            raise ValueError("a keyring needs keys numbered 1 to 255")
        self._keys = dict(keys)
        self.active = max(self._keys)
        self._first = min(self._keys)  # for what must outlive a rotation: the suppression list
        self._subjects = Mint(self._derive(self._first, "subject"), SUBJECT)
        self._events = Mint(self._derive(self._first, "event"), _EVENT)
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
        return self._subjects.hash(address.encode())

    def log_fingerprint(self, content: bytes) -> bytes:
        """Return by what a piece of a log is known again; nobody can guess addresses in it from that."""
        return blake2b(content, key=self._derive(self._first, "log"), digest_size=16).digest()

    def event_fingerprint(self, told: bytes) -> bytes:
        """Return by what a reported event is known again, of what its sender's service knows it by."""
        return self._events.hash(told)

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
            track=Mint(self._derive(signer, "track", code), TRACK_TAG),
            pseudonyms=Mint(self._derive(signer, "pseudonym", code), PSEUDONYM),
            unsubscribe=Mint(self._derive(signer, "unsubscribe"), PERSONAL_TAG),
            preferences=Mint(self._derive(signer, "preferences"), PERSONAL_TAG),
            binding=self._derive(signer, "bind", code),
            unlinked=Mint(self._derive(signer, "unlinked", code), PSEUDONYM),
            groups=Mint(self._derive(signer, "group", code), PSEUDONYM),
            visit=Mint(self._derive(signer, "visit"), PERSONAL_TAG),
        )

    def verify_tracking(self, code: str, token: str, link: int = 0) -> Tracked | None:
        """Return what a tracking token says, or None when it is not one of ours for this campaign.

        link is the one that it was seen with, 0 for the pixel; a bound token holds for no other.
        """
        raw = decode(token[:TRACK_LENGTH], TRACK_LENGTH)
        if raw is None or raw[1] not in self._keys:
            return None
        key_id, body = raw[1], raw[:-TRACK_TAG]
        kind, bound = _TRACKING_KINDS.get(raw[0], (None, False))
        if kind is None:
            return None
        proved = self._proved.get((code, key_id))
        keys = proved or self.campaign(code, key_id)
        tag = keys.bound_tag(body, link) if bound else keys.track.tag(body)
        if not compare_digest(raw[-TRACK_TAG:], tag):
            return None
        if proved is None:
            self._keep(keys)
        rest = token[TRACK_LENGTH:]
        if kind != "merge":
            return None if rest else Tracked(kind, signed(raw, 2)[0], True, key_id)
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

    def site_key(self, host: str, generation: int) -> bytes:
        """Return the 32 bytes with which a site signs its calls; another generation is another key."""
        return self._derive(self._first, "site", f"{host}\0{generation}")[:KEY_BYTES]

    def hook_key(self, nonce: bytes, generation: int) -> bytes:
        """Return the 32 bytes that sign what a webhook is told; another generation is another key."""
        return self._derive(self._first, "hook", f"{nonce.hex()}\0{generation}")[:KEY_BYTES]

    def told_id(self, what: str) -> str:
        """Return by which id webhooks are told of an event: the same for ever, and it reveals nothing."""
        return self._derive(self._first, "told", what)[:_EVENT].hex()

    def verify_visit(self, token: str) -> Visit | None:
        """Return whom a visit token names, or None when it is not ours."""
        raw = decode(token, PERSONAL_LENGTH)
        if raw is None or raw[1] not in self._keys:
            return None
        kind, bound = _TRACKING_KINDS.get(raw[0], (None, False))
        body = raw[:-PERSONAL_TAG]
        mint = Mint(self._derive(raw[1], "visit"), PERSONAL_TAG)
        if kind is None or bound or not compare_digest(raw[-PERSONAL_TAG:], mint.tag(body)):
            return None
        code = base64.b32encode(body[2:7]).decode().lower()
        return Visit(code, Tracked(kind, number(body[7:]), key_id=raw[1]))

    def verify_personal(self, purpose: Personal, token: str) -> Person | None:
        """Return whom an unsubscribe or preferences token names, or None when it is not ours."""
        if len(token) == SUBJECT_LENGTH:
            return self._verify_subject(purpose, token)
        raw = decode(token, PERSONAL_LENGTH)
        if raw is None or raw[0] not in _KINDS or raw[1] not in self._keys:
            return None
        body, tag = raw[:-PERSONAL_TAG], raw[-PERSONAL_TAG:]
        mint = Mint(self._derive(raw[1], purpose), PERSONAL_TAG)
        if not compare_digest(tag, mint.tag(body)):
            return None
        code = base64.b32encode(body[2:7]).decode().lower()
        return Person(code, _KINDS[raw[0]], number(body[7:]))

    def _verify_subject(self, purpose: Personal, token: str) -> Person | None:
        raw = decode(token, SUBJECT_LENGTH)
        if raw is None or raw[0] != _SUBJECT or raw[1] not in self._keys:
            return None
        body, tag = raw[:-SUBJECT_TAG], raw[-SUBJECT_TAG:]
        mint = Mint(self._derive(raw[1], purpose), PERSONAL_TAG)
        if not compare_digest(tag, mint.tag(body)[-SUBJECT_TAG:]):
            return None
        return Person(base64.b32encode(body[2:7]).decode().lower(), "subject", 0, body[7:])
