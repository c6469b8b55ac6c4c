"""Hits as judging and reports read them: by number, by message, by campaign."""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from struct import unpack
from typing import Any, NamedTuple

from pixeltrack.judging import Fact
from pixeltrack.store.database import Database, Reconnect
from pixeltrack.store.schema import query

CHUNK = 1_000  # hits of which the verdicts stand in one row
_BITS = 20  # of a message's pseudonym that name its bucket
_PAGE = 2_000  # buckets that are read at a time
_AT_ONCE = 5_000  # numbers in one JSON array

Place = tuple[int, int]  # campaign and message
Placed = tuple[int, Fact]  # a hit and its campaign


Seen = tuple[int, int, int, str, int, str]  # at (ms UTC), kind, link, agent, flags, network


class Neighbour(NamedTuple):
    """A hit with an address, as far as it bears on others in other people's mail."""

    address: int
    at: int
    message: int
    event_id: int
    campaign_id: int


def bucket_of(campaign_id: int, message: int) -> int:
    """Return the number of the bucket that holds a message's hits."""
    return campaign_id << _BITS | message & (1 << _BITS) - 1


def numbers_in(events: bytes) -> tuple[int, ...]:
    """Return the numbers of the hits in a bucket."""
    return unpack(f">{len(events) // 4}I", events)


class Hits(Database):
    """The part of the store that reads hits back."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, busy_ms: int, reconnect: Reconnect | None = None
    ) -> None:
        super().__init__(path, connection, busy_ms, reconnect)
        self._known: dict[str, dict[int, str]] = {}  # agents and networks by their numbers

    def _forget(self) -> None:
        super()._forget()
        self._known.clear()

    def last_event(self) -> int:
        """Return the number of the newest hit, 0 when there is none."""
        return int(self._plain("select coalesce(max(event_id), 0) from events")[0][0])

    def first_event_since(self, at: int) -> int:
        """Return the lowest number of the hits at or after a time (ms UTC); one behind the last if none."""
        (found,) = self._plain("select min(event_id) from events where at >= ?", [at])[0]
        return self.last_event() + 1 if found is None else int(found)

    def facts_between(self, after: int, upto: int) -> list[Placed]:
        """Return the hits behind one number up to another."""
        return self._facts(self._plain(query("facts_between"), {"after": after, "upto": upto}))

    def facts_by_number(self, numbers: Sequence[int]) -> list[Placed]:
        """Return hits by their numbers; a number without a hit is left out."""
        return self._facts(self._by_number("facts_by_number", numbers))

    def facts_of(self, places: Iterable[Place], upto: int) -> list[Placed]:
        """Return all hits of some messages, as far as they are indexed, up to a number."""
        wanted = set(places)
        buckets = sorted({bucket_of(*place) for place in wanted})
        numbers: list[int] = []
        last = upto.to_bytes(4, "big")
        for start in range(0, len(buckets), _AT_ONCE):
            asked = {"buckets": json.dumps(buckets[start : start + _AT_ONCE]), "last": last}
            for (events,) in self._plain(query("buckets_by_number"), asked):
                numbers += [number for number in numbers_in(events) if number <= upto]
        facts = self.facts_by_number(numbers)
        return [placed for placed in facts if (placed[0], placed[1].message) in wanted]

    def campaign_facts(self, campaign_id: int, first: int, upto: int) -> tuple[list[Fact], int | None]:
        """Return the hits of a campaign's next buckets, and the bucket to go on from; None at the end."""
        numbers, following = self._page(campaign_id, first)
        facts = self.facts_by_number([number for number in numbers if number <= upto])
        return [fact for campaign, fact in facts if campaign == campaign_id], following

    def neighbours(self, through: int, stretches: Sequence[tuple[int, int]]) -> Iterator[Neighbour]:
        """Yield hits with an address up to a number, in stretches of time that stand in order, apart.

        Whole chunks are passed over by their first and last moments.
        """
        starts, ends = [start for start, _end in stretches], [end for _start, end in stretches]
        for chunk, first_at, last_at in self._plain("select chunk, first_at, last_at from verdicts"):
            place = bisect_left(ends, first_at)
            if place == len(ends) or starts[place] > last_at or chunk * CHUNK > through:
                continue
            asked = {
                "after": chunk * CHUNK - 1,
                "upto": min(chunk * CHUNK + CHUNK - 1, through),
                "first": starts[place],
                "last": last_at,
            }
            for row in self._plain(query("neighbours"), asked):
                following = bisect_left(ends, row[1])
                if following < len(ends) and starts[following] <= row[1]:
                    yield Neighbour._make(row)

    def judgements_of(self, events: Iterable[int]) -> list[int]:
        """Return the number of the verdict on each of some hits, in their order; 0 where there is none."""
        return self._numbers(events, {})

    def seen(
        self, campaign_id: int, *, without: Collection[int] = (), firsts: dict[int, int] | None = None
    ) -> Iterator[tuple[int, list[Seen], list[int]]]:
        """Yield a campaign's messages one after the other: hits, and the numbers of their verdicts.

        ``without`` are messages to leave out; ``firsts`` takes the number of each message's first hit.
        """
        agents, networks = self._texts("agent"), self._texts("network")
        chunks: dict[int, array[int]] = {}
        following: int | None = 0
        while following is not None:
            numbers, following = self._page(campaign_id, following)
            judged = dict(zip(numbers, self._numbers(numbers, chunks), strict=True))
            messages: defaultdict[int, tuple[list[Seen], list[int]]] = defaultdict(lambda: ([], []))
            for event, message, at, kind, link, agent, flags, network in self._by_number(
                "seen_by_number", numbers
            ):
                if firsts is not None:
                    firsts[message] = min(event, firsts.get(message, event))
                hits, verdicts = messages[message]
                hits.append((at, kind, link, agents[agent], flags, networks[network]))
                verdicts.append(judged[event])
            for message in without:
                messages.pop(message, None)
            for message, (hits, verdicts) in messages.items():
                yield message, hits, verdicts

    def _numbers(self, events: Iterable[int], chunks: dict[int, array[int]]) -> list[int]:
        """Return the numbers of verdicts; ``chunks`` takes what was read of them."""
        found: list[int] = []
        begin = behind = size = 0
        judged: Sequence[int] = ()
        for event in events:
            if not begin <= event < behind:
                chunk = event // CHUNK
                if chunk not in chunks:
                    rows = self._plain("select judged from verdicts where chunk = ?", [chunk])
                    chunks[chunk] = array("H", rows[0][0] if rows else b"")
                    if sys.byteorder == "big":
                        chunks[chunk].byteswap()
                judged, begin, behind = chunks[chunk], chunk * CHUNK, (chunk + 1) * CHUNK
                size = len(judged)
            place = event - begin
            found.append(judged[place] if place < size else 0)
        return found

    def _page(self, campaign_id: int, first: int) -> tuple[list[int], int | None]:
        """Return the numbers of the hits in a campaign's next buckets, and the bucket to go on from."""
        rows = self._plain(
            query("buckets_from"),
            {
                "first": max(first, campaign_id << _BITS),
                "behind": campaign_id + 1 << _BITS,
                "most": _PAGE,
            },
        )
        numbers: list[int] = []
        for _bucket, events in rows:
            numbers += numbers_in(events)
        return numbers, rows[-1][0] + 1 if len(rows) == _PAGE else None

    def _by_number(self, name: str, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(numbers), _AT_ONCE):
            found += self._plain(query(name), {"numbers": json.dumps(numbers[start : start + _AT_ONCE])})
        return found

    def _facts(self, rows: Iterable[tuple[Any, ...]]) -> list[Placed]:
        agents, networks, new = self._texts("agent"), self._texts("network"), tuple.__new__
        return [
            (campaign, new(Fact, (event, message, at, kind, link, agents[a], flags, networks[n], address)))
            for campaign, event, message, at, kind, link, a, flags, n, address in rows
        ]

    def _texts(self, name: str) -> dict[int, str]:
        """Return all agents or networks by their numbers; there are few."""
        known = self._known.setdefault(name, {0: ""})
        newer = f"select {name}_id, {name} from {name}s where {name}_id > ? order by 1"  # noqa: S608 - ours
        for number, text in self._plain(newer, [next(reversed(known))]):
            known[number] = text
        return known
