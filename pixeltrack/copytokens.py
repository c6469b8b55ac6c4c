"""The tokens of one copy: whose they are depends on how its opens and its clicks are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pixeltrack.minting import EVERYBODY, KIND_OF_MODE, CampaignKeys, TokenKind
from pixeltrack.model import TOGETHER, Mode
from pixeltrack.template import Slot

Values = dict[Slot, str]
_BY_PSEUDONYM: frozenset[Mode] = frozenset({"off", "individual"})  # whose one token serves for both


class Whose(NamedTuple):
    """Whom a copy is for. ``crowd`` is their group's, ``subject`` the keyed hash of their address."""

    pseudonym: bytes
    identity: str = ""
    crowd: bytes = EVERYBODY
    subject: bytes = b""


def minter(
    keys: CampaignKeys, kind: TokenKind = "message", bound: Sequence[int] = ()
) -> Callable[[bytes], Values]:
    """Return the function pseudonym -> one copy's tokens by slot, where all are of one kind.

    "message" is the token of the pixel, and of the links where none are bound.
    """
    mint = keys.minter(kind)

    def shared(pseudonym: bytes) -> Values:
        message, unsubscribe, preferences = mint(pseudonym)
        return {
            "message": message,
            "unsubscribe": unsubscribe,
            "preferences": preferences,
            "id": pseudonym.hex(),
        }

    def each_its_own(pseudonym: bytes) -> Values:
        values = shared(pseudonym)
        values.update(keys.bound_tokens(pseudonym, bound, kind).items())
        values["message"] = values[0]
        return values

    return each_its_own if bound else shared


def mode_minter(
    keys: CampaignKeys,
    opens: Mode,
    clicks: Mode,
    bound: Sequence[int] = (),
    *,
    test: bool = False,
    rowless: bool = False,
) -> Callable[[Whose], Values]:
    """Return the function whose -> one copy's tokens by slot, where it is measured in these modes.

    test is of copies whose hits are never counted. rowless says that no row is kept of the recipient, so
    that links to their own pages must say who they are.
    """
    if test:
        mint = minter(keys, "preview", bound)
        nobody = opens in TOGETHER and clicks in TOGETHER
        return lambda whose: with_pixel(mint(EVERYBODY if nobody else whose.pseudonym))
    if {opens, clicks} <= _BY_PSEUDONYM and not rowless:
        mint = minter(keys, "message", bound)
        return lambda whose: mint(whose.pseudonym)
    base = keys.minter()

    def values(whose: Whose) -> Values:
        ids = _ids(keys, whose, opens, clicks)
        _message, unsubscribe, preferences = base(whose.pseudonym)
        if rowless:
            unsubscribe = keys.subject_token("unsubscribe", whose.subject)
            preferences = keys.subject_token("preferences", whose.subject)
        pixel, link = (keys.message_token(*ids[mode]) for mode in (opens, clicks))
        made: Values = {
            "message": pixel if clicks == "off" else link,
            "pixel": pixel,
            "unsubscribe": unsubscribe,
            "preferences": preferences,
            "id": whose.pseudonym.hex(),
        }
        if bound:
            numbers = [number for number in bound if number]
            made.update(keys.bound_tokens(ids[clicks][0], numbers, ids[clicks][1]).items())
            made.update(keys.bound_tokens(ids[opens][0], [0], ids[opens][1]).items())
            made["message"] = made[0]
        return made

    return values


def _ids(keys: CampaignKeys, whose: Whose, *modes: Mode) -> Mapping[Mode, tuple[bytes, TokenKind]]:
    """Return what a token says, and of what kind it is, in each of these modes."""
    found: dict[Mode, tuple[bytes, TokenKind]] = {"off": (EVERYBODY, "aggregate")}  # is written nowhere
    for mode in modes:
        if mode == "pseudonymous":
            found[mode] = keys.unlinked_pseudonym(whose.identity), KIND_OF_MODE[mode]
        elif mode in ("individual", "hygiene"):
            found[mode] = whose.pseudonym, KIND_OF_MODE[mode]
        elif mode == "company":
            found[mode] = whose.crowd, KIND_OF_MODE[mode]
        elif mode == "aggregate":
            found[mode] = EVERYBODY, KIND_OF_MODE[mode]
    return found


def with_pixel(values: Values) -> Values:
    """Return one copy's tokens with the pixel's, which is the same as that of the links."""
    return {**values, "pixel": values["message"]}
