"""Hits added up: by link, by message, by day. The same counting as a report's, of the same hits."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from pixeltrack import heard
from pixeltrack import together as joint
from pixeltrack.clock import now_ms
from pixeltrack.export.columns import Row
from pixeltrack.export.scope import Scope, Steps, message_name, provider, recipient
from pixeltrack.figures import TogetherRow
from pixeltrack.heard import Heard, Span
from pixeltrack.judging import Label
from pixeltrack.model import Campaign, EventKind
from pixeltrack.model import Scope as OptOut
from pixeltrack.store import Holder, Store
from pixeltrack.timeline import Hours
from pixeltrack.times import Zone

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_QUARTER = 900_000  # ms: zones differ from UTC by quarters of an hour
_AT_ONCE = 5_000  # messages of which the holders are asked for
_MACHINES: tuple[Label, ...] = ("prefetch", "scanner")


def links(store: Store, scope: Scope, steps: Steps) -> Iterator[Row]:
    """Yield every link of each campaign's table, also those that nobody clicked."""
    for campaign in scope.campaigns:
        people: Counter[int] = Counter()
        clicks: Counter[tuple[int, Label]] = Counter()
        for _message, hits in _messages(store, campaign, scope, steps):
            followed = set()
            for _at, kind, link, _agent, _network, verdict, weight in hits:
                label = verdict.label
                if kind == _CLICK:
                    clicks[link, label] += weight
                    if label == "human":
                        followed.add(link)
            for link in followed:
                people[link] += 1
        for row in store.links(campaign.campaign_id):
            number = row.number
            yield (
                *(campaign.name, number, row.position, row.line, row.text, row.url, row.group or None),
                *(row.role, people[number], clicks[number, "human"]),
                *(sum(clicks[number, label] for label in _MACHINES), clicks[number, "unknown"]),
            )


@dataclass(slots=True)
class _Day:
    people: int = 0
    openers: int = 0
    clickers: int = 0
    hits: Counter[tuple[int, Label]] = field(default_factory=Counter)


def daily(store: Store, scope: Scope, steps: Steps) -> Iterator[Row]:
    """Yield each campaign's days in order; one without any hit has no row."""
    day_of = _days(scope.zone)
    for campaign in scope.campaigns:
        days: defaultdict[date, _Day] = defaultdict(_Day)
        for _message, hits in _messages(store, campaign, scope, steps):
            seen = set()
            for at, kind, _link, _agent, _network, verdict, weight in hits:
                label = verdict.label
                day = day_of(at // _QUARTER)
                days[day].hits[kind, label] += weight
                if label == "human":
                    seen.add((day, kind))
            for day in {day for day, _kind in seen}:
                days[day].people += 1
                days[day].openers += (day, _OPEN) in seen
                days[day].clickers += (day, _CLICK) in seen
        for day in sorted(days):
            its = days[day]
            yield (
                *(campaign.name, day, scope.zone.name, its.people, its.openers, its.clickers),
                *(its.hits[_OPEN, "human"], its.hits[_CLICK, "human"]),
                *(sum(its.hits[kind, label] for label in _MACHINES) for kind in (_OPEN, _CLICK)),
                *(its.hits[_OPEN, "unknown"], its.hits[_CLICK, "unknown"]),
            )


def _days(zone: Zone) -> Callable[[int], date]:
    """Return what tells the day of a quarter of an hour, counted from 1970 UTC."""

    @lru_cache(maxsize=4_096)
    def day_of(quarter: int) -> date:
        return zone.at(quarter * _QUARTER).date()

    return day_of


def people(store: Store, scope: Scope, steps: Steps) -> Iterator[Row]:
    """Yield every message of each campaign: first those with hits, then those without.

    Memory holds eight bytes for each message with hits.
    """
    for campaign in scope.campaigns:
        number = campaign.campaign_id
        refused = store.refusals(number)
        seen: array[int] = array("q")
        page: dict[int, list[Heard]] = {}
        for message, hits in _messages(store, campaign, scope, steps):
            page[message] = hits
            seen.append(message)
            if len(page) >= _AT_ONCE:
                yield from _people(campaign, page, store.holders(number, page), refused)
                page = {}
        yield from _people(campaign, page, store.holders(number, page), refused)
        with_hits = array("q", sorted(seen))
        for messages in store.message_pages(number):
            rest: dict[int, list[Heard]] = {each: [] for each in messages if not _is_in(with_hits, each)}
            yield from _people(campaign, rest, store.holders(number, rest), refused)


def _is_in(numbers: array[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def together(store: Store, scope: Scope, _steps: Steps) -> Iterator[Row]:
    """Yield the published figures of each campaign that counts recipients together."""
    clocks, now = Hours(scope.zone), now_ms()
    for campaign in scope.campaigns:
        number = campaign.campaign_id
        messages, links = store.measured(number)[2], store.links(number)
        span = Span(scope.since, scope.until)
        found = joint.build(store, campaign, links, messages, clocks, now, span)
        if found is None:
            continue
        whole = TogetherRow(
            "", "", found.recipients, found.loads, found.clicks, found.machine_loads, found.machine_clicks
        )
        for by, rows in (
            ("all", (whole,)),
            ("link", found.links),
            ("hour" if found.by_hour else "day", found.times),
            ("device", found.classes),
            ("company", found.companies),
            ("industry", found.industries),
            ("size", found.sizes),
            ("region", found.regions),
        ):
            for row in rows:
                yield (
                    *(campaign.name, by, row.name, row.says or None, row.recipients, row.loads, row.clicks),
                    *(row.machine_loads, row.machine_clicks, found.counted_until),
                )


def _people(
    campaign: Campaign,
    messages: dict[int, list[Heard]],
    holders: dict[int, Holder],
    refused: dict[int, frozenset[OptOut]],
) -> Iterator[Row]:
    for message, hits in messages.items():
        counts: Counter[tuple[int, Label]] = Counter()
        moments: dict[int, list[int]] = {_OPEN: [], _CLICK: []}
        for at, kind, _link, _agent, _network, verdict, weight in hits:
            label = verdict.label
            counts[kind, label] += weight
            if label == "human":
                moments[kind].append(at)
        opens, clicks = moments[_OPEN], moments[_CLICK]
        holder, scopes = holders.get(message), refused.get(message, frozenset())
        yield (
            *(campaign.name, message_name(message), recipient(holder), provider(holder)),
            *(holder.tracked if holder else None, bool(opens), bool(clicks)),
            *(counts[_OPEN, "human"], counts[_CLICK, "human"]),
            *(min(opens, default=None), max(opens, default=None)),
            *(min(clicks, default=None), max(clicks, default=None)),
            *(sum(counts[kind, label] for label in _MACHINES) for kind in (_OPEN, _CLICK)),
            *(counts[_OPEN, "unknown"], counts[_CLICK, "unknown"]),
            *("all" in scopes, bool(scopes - {"all"})),
        )


def _messages(
    store: Store, campaign: Campaign, scope: Scope, steps: Steps
) -> Iterator[tuple[int, list[Heard]]]:
    return heard.messages(store, campaign.campaign_id, Span(scope.since, scope.until), steps.add)
