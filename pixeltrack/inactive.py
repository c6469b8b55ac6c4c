"""Recipients who have not opened since a date: for mailing them less, or no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice

from pixeltrack import heard
from pixeltrack.heard import Told
from pixeltrack.store import Store

DAY = 86_400_000  # ms
_AT_ONCE = 5_000  # messages of which the recipients are asked for


@dataclass(frozen=True, slots=True)
class Idle:
    """A recipient without an open since the date. Days are counted from 1970-01-01, UTC."""

    address: str
    fields: dict[str, str]  # the other columns of the sender's list
    last: int | None  # the day of the last open or click that is known, None without any
    copies: int  # from before the date, of which opens are seen


@dataclass(frozen=True, slots=True)
class Inactive:
    """Who has not opened since a day, and how many others there are."""

    since: int
    people: tuple[Idle, ...]
    active: int  # opened, or clicked, on that day or later
    refusing: int  # want no more mail, or not to be measured: not listed
    unknown: int  # have no copy from before the day that tells: nobody knows


def build(store: Store, since: int, told: Told | None = None) -> Inactive:
    """Return the recipients whose last open is before a day, or who have none.

    Of copies in hygiene mode that is the one date that is kept; of individual ones people's opens and clicks
    are looked through, as far as they are judged. ``told`` is told of hits looked at.
    """
    last, refusing = _last_days(store, told), store.refusing()
    people: list[Idle] = []
    active = refused = known = 0
    for page in store.readers(since * DAY):
        known += len(page)
        for reader in page:
            days = [day for day in (reader.last_day, last.get(reader.recipient_id)) if day is not None]
            day = max(days, default=None)
            if reader.recipient_id in refusing:
                refused += 1
            elif day is not None and day >= since:
                active += 1
            else:
                people.append(Idle(reader.identity, json.loads(reader.fields), day, reader.copies))
    people.sort(key=lambda each: (each.last or 0, each.address))
    return Inactive(since, tuple(people), active, refused, store.recipient_count() - known)


def _last_days(store: Store, told: Told | None) -> dict[int, int]:
    """Return the day of each recipient's last open or click in campaigns that keep hits of persons."""
    last: dict[int, int] = {}
    for campaign in store.campaigns():
        number = campaign.campaign_id
        if campaign.kind != "recipients" or "individual" not in campaign.modes:
            continue
        found = (
            (message, max(moments))
            for message, hits in heard.messages(store, number, None, told)
            if (moments := [hit.at for hit in hits if hit.verdict.label == "human"])
        )
        while page := dict(islice(found, _AT_ONCE)):
            for message, recipient in store.recipients_of(number, json.dumps([*page])):
                last[recipient] = max(last.get(recipient, 0), page[message] // DAY)
    return last
