"""What attribution reads: what sites have said, who that was, and the hits of these people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from pixeltrack.model import ClientClass
from pixeltrack.orders import Said
from pixeltrack.store.hits import CHUNK, Hits, Place, bucket_of, numbers_in
from pixeltrack.store.schema import query

_AT_ONCE = 20_000  # numbers in one JSON array
_HITS_A_COPY = 4  # as many, or more: below that all hits are looked at rather than those of each copy


#: A hit's moment (ms UTC), campaign, message, link and kind, as a Touch has them; the recipient, None of a
#: copy that nobody knows; and whether what the copy tells is told of the recipient, and not of itself alone.
PersonsHit = tuple[int, int, int, int, int, int | None, int | None]


class Earners(Hits):
    """The part of the store that knows who earned what. Times are ms UTC."""

    def has_goals(self) -> bool:
        """Return whether any site may tell of anything."""
        return bool(self._plain("select 1 from goals limit 1"))

    def said(self, goal: str | None = None, *, machines: bool = True) -> list[Said]:
        """Return all that sites have said of conversions, or of one goal, and what machines said of it."""
        asked = {"goal": goal, "machines": machines}
        return [Said._make(row) for row in self._plain(query("said"), asked)]

    def converted(self, campaign_id: int | None = None) -> dict[Place, int | None]:
        """Return who has converted, by the copy that led there: the recipient, None where that is not told.

        Of one campaign only people who got its mail.
        """
        rows = self._plain(query("converted"), {"campaign_id": campaign_id})
        return {(campaign, message): person for campaign, message, person in rows}

    def hits_of_people(
        self, kind: int, people: Collection[int], places: Collection[Place], first: int, last: int
    ) -> Iterator[list[PersonsHit]]:
        """Yield people's hits of a kind from first to last, some at a time.

        Those on all copies of some people and on some copies, and maybe on others; as far as they are judged,
        and kept one by one.
        """
        labels = self._plain("select judgement_id, label from judgements")
        human = {number for number, label in labels if label == "human"}
        chunks = self._plain("select chunk from verdicts where first_at <= ? and last_at >= ?", [last, first])
        numbers = self._numbers_of(sorted(people), places, {chunk for (chunk,) in chunks})
        judged = self._numbers(numbers, {})
        numbers = [number for number, verdict in zip(numbers, judged, strict=True) if verdict in human]
        asked = {"kind": kind, "first": first, "last": last}
        for start in range(0, len(numbers), _AT_ONCE):
            some = json.dumps(numbers[start : start + _AT_ONCE])
            yield self._plain(query("touches_by_number"), asked | {"numbers": some})

    def _numbers_of(self, people: list[int], places: Collection[Place], chunks: set[int]) -> list[int]:
        """Return the numbers of the hits, in order, of some chunks."""
        parts = [json.dumps(people[start : start + _AT_ONCE]) for start in range(0, len(people), _AT_ONCE)]
        copies = sum(self._plain(query("copy_count"), {"people": part})[0][0] for part in parts)
        if copies * _HITS_A_COPY > self.last_event():
            return [
                number for chunk in sorted(chunks) for number in range(chunk * CHUNK, (chunk + 1) * CHUNK)
            ]
        buckets = {bucket_of(*place) for place in places}
        for part in parts:
            buckets.update(bucket for (bucket,) in self._plain(query("buckets_of_people"), {"people": part}))
        ordered = sorted(buckets)
        found: list[int] = []
        for start in range(0, len(ordered), _AT_ONCE):
            some = json.dumps(ordered[start : start + _AT_ONCE])
            for (events,) in self._plain(query("buckets_by_number"), {"buckets": some, "last": b"\xff" * 4}):
                found += numbers_in(events)
        return sorted(number for number in found if number // CHUNK in chunks)

    def people_of(self, campaign_id: int, messages: Collection[int]) -> dict[int, tuple[int, int]]:
        """Return the recipients of some copies, each with the kinds that tell of them (1 opens, 2 clicks)."""
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        rows = self._plain(query("people_of"), asked)
        return {message: (recipient, kinds) for message, recipient, kinds in rows}

    def people_who_viewed(self, campaign_id: int, since: int, until: int) -> set[int]:
        """Return the messages of a campaign whose people saw a page, machines left out."""
        rows = self._plain(
            "select distinct message from views where campaign_id = ? and class <> ? and at >= ? and at < ?",
            [campaign_id, int(ClientClass.MACHINE), since, until],
        )
        return {message for (message,) in rows}

    def views_together(self, campaign_id: int, since: int, until: int) -> int:
        """Return how many pages people of a campaign saw who are counted together, in whole hours."""
        ((views,),) = self._plain(
            "select coalesce(sum(views), 0) from page_counters"
            " where campaign_id = ? and class <> ? and hour >= ? and hour < ?",
            [campaign_id, int(ClientClass.MACHINE), since, until],
        )
        return int(views)

    def repeating(self) -> set[int]:
        """Return the campaigns with hits that were counted and not kept one by one."""
        return {number for (number,) in self._plain("select distinct campaign_id from repeats")}

    def set_cost(self, campaign_id: int, cost: int | None, currency: str) -> None:
        """Note what a campaign cost, in ten-thousandths of the currency's unit; None forgets it."""
        with self._transaction() as connection:
            connection.execute(
                "update campaigns set cost = ?, cost_currency = ? where campaign_id = ?",
                [cost, currency if cost is not None else "", campaign_id],
            )
