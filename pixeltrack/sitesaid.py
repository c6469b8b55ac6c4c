"""What a site's own server says of an order, a refund or a correction, and of whom: signed, or told here."""

from __future__ import annotations

from pixeltrack import siteasks
from pixeltrack.errors import InputError
from pixeltrack.model import ClientClass
from pixeltrack.recipients import identity
from pixeltrack.siteasks import Asked
from pixeltrack.sitecalls import NOBODY, Call, Conversion, Signal, Visitor, drawn
from pixeltrack.store import Goal, Store
from pixeltrack.times import last_moment
from pixeltrack.tokens import Keyring
from pixeltrack.visits import Visits

_WHOLE = "whole"  # the id of a refund that takes all of an order back: there is one at most
_LONGEST = 11  # digits of Unix seconds
#: What may be said, as parameters of a call and as columns of a file.
NAMES = ("order", "value", "currency", "at", "email", "pt", "refund", "id", "gpc")


def calls_of(goal: Goal, said: Asked, visits: Visits, store: Store, keyring: Keyring) -> list[Call]:
    """Return what is recorded of a call; nothing where it is about a preview.

    ``refund`` is the order that is taken back, the whole of it unless there is a value, too. What takes a
    part of it back has an ``id``, so that saying it again counts once. Raises InputError for what is
    missing or wrong, and StoreError.
    """
    order = siteasks.name(said.get("refund") or said.get("order", ""))
    if not order:
        raise InputError("order is missing: it is what makes a call count once")
    value, currency = siteasks.worth(said)
    refund = bool(said.get("refund"))
    whole = refund and not said.get("value")
    entry = _WHOLE if whole else ""
    if (refund and not whole) or value < 0:
        value = -abs(value)
        entry = siteasks.name(said.get("id", ""), "id")
        if not entry:
            raise InputError("id is missing: it is what makes a refund of a part count once")
    visitor = visits.visitor(said["pt"]) if said.get("pt") else _by_address(said, store, keyring)
    if visitor is None:
        return []
    signal = said.get("gpc") == "1"  # what the browser of the site's visitor has said
    found: list[Call] = []
    if signal:
        if visitor.mode == "individual":
            found.append(Signal(drawn(), visitor))
        visitor = NOBODY
    call = Conversion(
        drawn(),
        goal.goal_id,
        order,
        entry,
        value,
        currency,
        whole=whole,
        visitor=visitor,
        source="server",
        verified=True,
        told=True,
        client=int(ClientClass.NOT_TOLD),
        signal=signal,
    )
    return [*found, call]


def moment_of(said: Asked, now: int) -> int:
    """Return when it was (ms UTC): ``at`` in Unix seconds or ISO 8601, now where that is not said.

    It is the last moment of the second, minute or day that it is said to: the click that led to it came
    before. Nothing is in the future. Raises InputError for what is no time.
    """
    written = said.get("at", "").strip()
    if not written:
        return now
    if written.isascii() and written.isdigit():
        if len(written) > _LONGEST:
            raise InputError("at is in Unix seconds, or as 2026-11-25T09:00:00Z")
        return min(int(written) * 1000 + 999, now)
    return max(0, min(last_moment(written, "at"), now))


def _by_address(said: Asked, store: Store, keyring: Keyring) -> Visitor:
    """Return the newest mail of somebody whom the site knows by address, if clicks of it are measured."""
    address = said.get("email", "").strip()
    if not address:
        return NOBODY
    found = store.latest_copy(keyring.subject(identity(address, "email")))
    return Visitor(*found, "individual") if found else NOBODY
