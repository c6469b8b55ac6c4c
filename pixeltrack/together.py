"""Recipients who are counted together: their published figures, from counters that belong to nobody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from pixeltrack.errors import InputError
from pixeltrack.figures import Together, TogetherRow
from pixeltrack.heard import Span
from pixeltrack.model import RANK, Campaign, Crowd, EventKind, LinkRow, Mode
from pixeltrack.published import OTHER, is_large, kept_apart, last_hour, rounded
from pixeltrack.rates import Tracked
from pixeltrack.replay import HOUR
from pixeltrack.store import Store
from pixeltrack.timeline import Hours

Way = Literal["link", "hour", "day", "device", "company", "industry", "size", "region"]
WAYS: tuple[Way, ...] = get_args(Way)
NOT_TOLD = "not told"
CLASSES = (NOT_TOLD, "phone", "tablet", "computer", "machine")  # as counters have them
_MACHINE = CLASSES.index("machine")
_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_TOGETHER: tuple[Mode, ...] = ("aggregate", "company")
_MOST_DAYS = 4  # of which hours are shown

Hits = Counter[tuple[int, int]]  # by kind, and 1 for machines


def check_people(campaign: Campaign, asked: str) -> None:
    """Raise InputError for a question about people that a campaign has no answer to, for good."""
    if campaign.is_rowless:
        mode = max(campaign.modes, key=RANK.__getitem__)
        raise InputError(
            f"campaign {campaign.name!r} counts its recipients together ({mode}): {asked} is about people",
            hint=f"report --campaign {campaign.name} has its totals; --by is one of {', '.join(WAYS)}",
        )


def build(
    store: Store,
    campaign: Campaign,
    links: Sequence[LinkRow],
    messages: Tracked,
    clocks: Hours,
    now: int,
    span: Span | None = None,
) -> Together | None:
    """Return the figures of who is counted together in a campaign; None where that is nobody.

    ``messages`` are those of its copies that are counted together and have a row of their own. ``now`` is ms
    UTC. What there is to see does not depend on hits that are too few to be published; of fewer than five
    recipients there are none.
    """
    number, (since, until) = campaign.campaign_id, _hours(span or Span(), now)
    crowds = store.crowds(number)
    loads_of = _size(crowds, lambda each: each.opens in _TOGETHER) + messages.opens
    clicks_of = _size(crowds, lambda each: each.clicks in _TOGETHER) + messages.clicks
    told = {kind for kind, size in ((_OPEN, loads_of), (_CLICK, clicks_of)) if is_large((size,))}
    counted = [row for row in store.hits_by_class(number, since, until) if row[0] in told]
    hits: Hits = Counter()
    for kind, of_class, some in counted:
        hits[kind, of_class == _MACHINE] += some
    is_meant = crowds or messages.any or not {*_TOGETHER}.isdisjoint(campaign.modes)
    if not is_meant and not any(rounded(each) for each in hits.values()):
        return None
    by_hour, times = _times(
        [row for row in store.hits_by_hour(number, since, until) if row[0] in told], clocks
    )
    by_crowd = [row for row in store.hits_by_crowd(number, since, until) if row[1] in told]
    groups = _Groups(crowds, messages, by_crowd)
    return Together(
        recipients=sum(each.recipients for each in crowds) + messages.any,
        loads_recipients=loads_of,
        clicks_recipients=clicks_of,
        loads=rounded(hits[_OPEN, 0]),
        clicks=rounded(hits[_CLICK, 0]),
        machine_loads=rounded(hits[_OPEN, 1]),
        machine_clicks=rounded(hits[_CLICK, 1]),
        links=_links(links, store.hits_by_link(number, since, until) if _CLICK in told else ()),
        times=times,
        classes=_classes(counted),
        companies=groups.by("company"),
        industries=groups.by("industry"),
        sizes=groups.by("size"),
        regions=groups.by("region"),
        by_hour=by_hour,
        counted_until=until,
    )


def clickers(store: Store, campaign_id: int) -> int:
    """Return how many recipients of a campaign there are of whom clicks are counted together."""
    crowds, messages = store.crowds(campaign_id), store.measured(campaign_id)[2]
    return _size(crowds, lambda each: each.clicks in _TOGETHER) + messages.clicks


def rows(
    store: Store,
    campaign: Campaign,
    way: Way,
    links: Sequence[LinkRow],
    messages: Tracked,
    clocks: Hours,
    now: int,
    span: Span,
) -> tuple[TogetherRow, ...]:
    """Return the figures by one property alone; arguments as of ``build``."""
    found = build(store, campaign, links, messages, clocks, now, span)
    if found is None:
        return ()
    if way in ("hour", "day"):
        sizes = {_OPEN: found.loads_recipients, _CLICK: found.clicks_recipients}
        every = store.hits_by_hour(campaign.campaign_id, *_hours(span, now))
        hits = [row for row in every if is_large((sizes[row[0]],))]
        return _named(
            hits, _hour_of if way == "hour" else lambda hour: clocks[hour][0], clocks, way == "hour"
        )
    return {
        "link": found.links,
        "device": found.classes,
        "company": found.companies,
        "industry": found.industries,
        "size": found.sizes,
        "region": found.regions,
    }[way]


def _hours(span: Span, now: int) -> tuple[int, int]:
    """Return where the first whole hour of a stretch begins and the last one that is over ends."""
    return -(-span.since // HOUR) * HOUR, last_hour(now, span.until)


def _size(crowds: Iterable[Crowd], is_in: Callable[[Crowd], bool]) -> int:
    return sum(each.recipients for each in crowds if is_in(each))


def _links(links: Sequence[LinkRow], counted: Iterable[tuple[int, int, int]]) -> tuple[TogetherRow, ...]:
    """Return every link of the mail in its order, however few its clicks."""
    clicks = Counter({(link, machine): hits for link, machine, hits in counted})
    return tuple(
        TogetherRow(
            str(row.number),
            f"{row.text}  {row.url}".strip(),
            None,
            None,
            rounded(clicks[row.number, 0]),
            None,
            rounded(clicks[row.number, 1]),
        )
        for row in links
        if row.role == "link"
    )


def _classes(counted: Iterable[tuple[int, int, int]]) -> tuple[TogetherRow, ...]:
    hits = Counter({(kind, of_class): some for kind, of_class, some in counted})
    return tuple(
        TogetherRow(name, "", None, rounded(hits[_OPEN, number]), rounded(hits[_CLICK, number]))
        for number, name in enumerate(CLASSES)
    )


_Counted = Sequence[tuple[int, int, int]]  # kind, hour (ms UTC), hits


def _hour_of(hour: int) -> int:
    return hour * HOUR


def _times(counted: _Counted, clocks: Hours) -> tuple[bool, tuple[TogetherRow, ...]]:
    """Return whether these are hours, and the hours or days from the first to the last that can be told."""
    days = _named(counted, lambda hour: clocks[hour][0], clocks, hourly=False)
    if len(days) <= _MOST_DAYS:
        hours = _named(counted, _hour_of, clocks, hourly=True)
        if hours:
            return True, hours
    return False, days


def _named(
    counted: _Counted, of_hour: Callable[[int], int], clocks: Hours, hourly: bool
) -> tuple[TogetherRow, ...]:
    hits: Counter[tuple[int, int]] = Counter()
    for kind, at, some in counted:
        hits[of_hour(at // HOUR), kind] += some
    told = [start for (start, _kind), some in hits.items() if rounded(some)]
    starts = []
    if told:
        starts = [min(told)]
        while starts[-1] < max(told):
            starts.append(starts[-1] + HOUR if hourly else clocks.following(starts[-1]))
    return tuple(
        TogetherRow(
            clocks.local(start) if hourly else clocks.local(start)[:10],
            "",
            None,
            rounded(hits[start, _OPEN]),
            rounded(hits[start, _CLICK]),
        )
        for start in starts
    )


class _Part(NamedTuple):
    """Crowds that are shown as one; ``sizes`` are recipients whose loads, and whose clicks, are its."""

    names: Mapping[str, str]  # by property
    sizes: tuple[int, int]
    crowds: frozenset[int]


class _Groups:
    """Companies of five recipients or more, and all others together.

    Whatever is shown is made of these parts, by whichever property: so rows of one property taken from rows
    of another leave such parts, and never less.
    """

    def __init__(
        self, crowds: Sequence[Crowd], messages: Tracked, hits: Sequence[tuple[int, int, int, int]]
    ) -> None:
        self._hits: defaultdict[int, Hits] = defaultdict(Counter)
        for crowd, kind, machine, some in hits:
            self._hits[crowd][kind, machine] += some
        members: defaultdict[int, list[Crowd]] = defaultdict(list)
        for each in crowds:
            members[each.number].append(each)
        sizes = {
            crowd: (
                _size(its, lambda one: one.opens == "company"),
                _size(its, lambda one: one.clicks == "company"),
            )
            for crowd, its in members.items()
            if crowd
        }
        alone = (
            _size(crowds, lambda one: one.opens == "aggregate") + messages.opens,
            _size(crowds, lambda one: one.clicks == "aggregate") + messages.clicks,
        )
        shown = kept_apart(sizes, None, alone)
        self._parts = [_Part(_names(members[crowd]), sizes[crowd], frozenset({crowd})) for crowd in shown]
        hidden = [alone, *(size for crowd, size in sizes.items() if crowd not in set(shown))]
        rest = (sum(size[0] for size in hidden), sum(size[1] for size in hidden))
        self._rest = _Part({}, rest, frozenset(self._hits.keys() - set(shown)))
        self._has_groups = bool(sizes)

    def by(self, what: str) -> tuple[TogetherRow, ...]:
        """Return a row for each value of a property, the largest first, others last; none without groups."""
        if not self._has_groups:
            return ()
        parts: defaultdict[str, list[_Part]] = defaultdict(list)
        for part in self._parts:
            parts[part.names[what] or NOT_TOLD].append(part)
        found = [self._row(name, its) for name, its in parts.items()]
        found.sort(key=lambda row: (-(row.recipients or 0), row.name))
        rest = self._row(OTHER if OTHER not in parts else f"{OTHER} ({what} not shown)", [self._rest])
        return (*found, rest)

    def _row(self, name: str, parts: Sequence[_Part]) -> TogetherRow:
        hits: Hits = Counter()
        for part in parts:
            for crowd in part.crowds:
                hits.update(self._hits.get(crowd, Counter()))
        return TogetherRow(
            name,
            "",
            sum(max(part.sizes) for part in parts),
            *(
                rounded(hits[kind, machine])
                for kind, machine in ((_OPEN, 0), (_CLICK, 0), (_OPEN, 1), (_CLICK, 1))
            ),
        )


def _names(crowd: Sequence[Crowd]) -> dict[str, str]:
    """Return what a company is called, and its properties: as most of its recipients have it."""
    found = {}
    for what in ("company", "industry", "size", "region"):
        told: Counter[str] = Counter()
        for each in crowd:
            told[getattr(each, what)] += each.recipients
        found[what] = min(told, key=lambda name: (not name, -told[name], name))
    return found


def when(until: int) -> str:
    """Return the moment up to which hours are counted, in words."""
    return f"{datetime.fromtimestamp(until / 1000, UTC):%Y-%m-%d %H:%M} UTC"
