"""Recipients who are counted together, their hits by the hour, and the one date that hygiene keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pixeltrack.model import MODES, Crowd
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query

_PAGE = 5_000  # recipients
_FIRST = -(1 << 63)


class Reader(NamedTuple):
    """A recipient, and whether the pixels of some copies tell the dates of opens.

    ``last_day`` is the one date that hygiene keeps, in days since 1970-01-01 UTC; ``copies`` are such copies
    of campaigns from before the date that was asked for.
    """

    recipient_id: int
    identity: str
    fields: str  # JSON, as the list had them
    copies: int
    last_day: int | None


class Crowds(Database):
    """The part of the store that knows what is counted and belongs to nobody. Hours are ms UTC."""

    def crowds(self, campaign_id: int) -> list[Crowd]:
        """Return a campaign's recipients that have no row of their own."""
        return [
            Crowd(number, MODES[opens], MODES[clicks], *told)
            for number, opens, clicks, *told in self._plain(query("crowds"), {"campaign_id": campaign_id})
        ]

    def hits_by_class(self, campaign_id: int, since: int, until: int) -> list[tuple[int, int, int]]:
        """Return (kind, class of client, hits) of whole hours."""
        return self._counted("counters_by_class", campaign_id, since, until)

    def hits_by_hour(self, campaign_id: int, since: int, until: int) -> list[tuple[int, int, int]]:
        """Return (kind, hour, hits) of whole hours, machines left out."""
        return self._counted("counters_by_hour", campaign_id, since, until)

    def hits_by_link(self, campaign_id: int, since: int, until: int) -> list[tuple[int, int, int]]:
        """Return (link, 1 for machines, clicks) of whole hours."""
        return self._counted("counters_by_link", campaign_id, since, until)

    def hits_by_crowd(self, campaign_id: int, since: int, until: int) -> list[tuple[int, int, int, int]]:
        """Return (crowd, kind, 1 for machines, hits) of whole hours."""
        return self._counted("counters_by_crowd", campaign_id, since, until)

    def _counted(self, name: str, campaign_id: int, since: int, until: int) -> list[tuple[Any, ...]]:
        asked = {"campaign_id": campaign_id, "since": since, "until": until}
        return self._plain(query(name), asked)

    def readers(self, before: int) -> Iterator[list[Reader]]:
        """Yield recipients who have copies that tell when they were opened, some at a time.

        Of campaigns that were sent, or made, before a moment (ms UTC).
        """
        after: int | None = _FIRST
        while after is not None:
            asked = {"after": after, "most": _PAGE, "before": before}
            page = [Reader(*row) for row in self._plain(query("readers"), asked)]
            yield [each for each in page if each.copies]
            after = page[-1].recipient_id if len(page) == _PAGE else None

    def recipient_count(self) -> int:
        """Return how many recipients there are."""
        ((number,),) = self._plain("select count(*) from recipients")
        return int(number)

    def recipients_of(self, campaign_id: int, messages: str) -> list[tuple[int, int]]:
        """Return (message, recipient) of some messages of a campaign, given as a JSON array.

        Only of those of which opens or clicks may be told of a person, and that are not silenced.
        """
        asked = {"campaign_id": campaign_id, "messages": messages}
        return self._plain(query("recipients_of"), asked)

    def refusing(self) -> set[int]:
        """Return the recipients who have unsubscribed, or refused that their opens are seen."""
        return {number for (number,) in self._plain(query("refusing"))}
