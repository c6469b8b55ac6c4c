"""What attribution reads: what sites have said, who that was, and the hits of these people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from pixeltrack.orders import Said
from pixeltrack.store.hits import CHUNK, Hits, Place, bucket_of, numbers_in
from pixeltrack.store.schema import query

_AT_ONCE = 20_000  # numbers in one JSON array


class Copy(NamedTuple):
    """A copy of mail; ``kinds`` are what may be told of its person: bits, 1 opens, 2 clicks."""

    recipient_id: int
    campaign_id: int
    message: int
    kinds: int


class Earners(Hits):
    """The part of the store that knows who earned what. Times are ms UTC."""

    def has_goals(self) -> bool:
        """Return whether any site may tell of anything."""
        return bool(self._plain("select 1 from goals limit 1"))

    def said(self, goal: str | None = None) -> list[Said]:
        """Return all that sites have said of conversions, or of one goal."""
        new = tuple.__new__
        return [
            new(Said, (*row[:6], bool(row[6]), *row[7:9], bool(row[9]), *row[10:]))
            for row in self._plain(query("said"), {"goal": goal})
        ]

    def converted(self, campaign_id: int | None = None) -> dict[Place, int | None]:
        """Return who has converted, by the copy that led there: the recipient, None where that is not told.

        Of one campaign only people who got its mail.
        """
        rows = self._plain(query("converted"), {"campaign_id": campaign_id})
        return {(campaign, message): person for campaign, message, person in rows}

    def linked_copies(self, people: Iterable[int]) -> Iterator[Copy]:
        """Yield the copies of some people of which something may be told of them."""
        ordered = sorted(people)
        for start in range(0, len(ordered), _AT_ONCE):
            asked = {"people": json.dumps(ordered[start : start + _AT_ONCE])}
            for row in self._plain(query("copies_of_people"), asked):
                yield Copy._make(row)

    def human_hits(
        self, places: Collection[Place], first: int, last: int
    ) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield (at, campaign, message, link, kind) of people's hits on some copies, from first to last.

        As far as they are judged, and kept one by one.
        """
        human = {number for number, label in self._labels() if label == "human"}
        within = self._chunks(first, last)
        wanted = set(places)
        buckets = sorted({bucket_of(*place) for place in wanted})
        numbers: list[int] = []
        for start in range(0, len(buckets), _AT_ONCE):
            asked = {"buckets": json.dumps(buckets[start : start + _AT_ONCE]), "last": b"\xff\xff\xff\xff"}
            for (events,) in self._plain(query("buckets_by_number"), asked):
                numbers += numbers_in(events)
        numbers = sorted(number for number in numbers if number // CHUNK in within)
        judged = self._numbers(numbers, {})
        numbers = [number for number, verdict in zip(numbers, judged, strict=True) if verdict in human]
        for start in range(0, len(numbers), _AT_ONCE):
            some = json.dumps(numbers[start : start + _AT_ONCE])
            stretch = {"numbers": some, "first": first, "last": last}
            for row in self._plain(query("touches_by_number"), stretch):
                if (row[1], row[2]) in wanted:
                    yield row

    def repeating(self) -> set[int]:
        """Return the campaigns with hits that were counted and not kept one by one."""
        return {number for (number,) in self._plain("select distinct campaign_id from repeats")}

    def _labels(self) -> list[tuple[int, str]]:
        return self._plain("select judgement_id, label from judgements")

    def _chunks(self, first: int, last: int) -> set[int]:
        """Return the chunks of hits of which some may lie within a stretch of time."""
        rows = self._plain("select chunk from verdicts where first_at <= ? and last_at >= ?", [last, first])
        return {chunk for (chunk,) in rows}

    def set_cost(self, campaign_id: int, cost: int | None, currency: str) -> None:
        """Note what a campaign cost, in ten-thousandths of the currency's unit; None forgets it."""
        with self._transaction() as connection:
            connection.execute(
                "update campaigns set cost = ?, cost_currency = ? where campaign_id = ?",
                [cost, currency if cost is not None else "", campaign_id],
            )
