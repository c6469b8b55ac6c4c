"""Bringing the stored verdicts up to date: what is new is judged, and again what it bears on.

A message with a new hit is judged as a whole, for a sweep or a hidden link convicts earlier hits too; and
so are messages that the address of a new hit touched within seconds. Everything is judged again when
the rules have another version. Interrupted work is gone on with; several programs may do it at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from pixeltrack import rollups
from pixeltrack.errors import PixeltrackError, StoreError
from pixeltrack.judging import Context, Fact, Verdict, judge_of
from pixeltrack.judging.signs import SPREAD_CODE
from pixeltrack.judging.stretches import spread
from pixeltrack.memory import no_collection
from pixeltrack.model import Flag
from pixeltrack.rules import Rules, rules
from pixeltrack.store import CHUNK, Moved, Placed, State, Store, bucket_of

_AT_ONCE = 50_000  # hits in one transaction, about: the collector waits meanwhile, some 50 ms
WINDOW = 200_000  # hits that are read and judged at a time: fewer, and more messages are judged twice

Place = tuple[int, int]  # campaign and message
_by_time = attrgetter("at", "event_id")


class Change(NamedTuple):
    """A hit whose verdict is another than before; ``before`` is None where there was none."""

    campaign_id: int
    fact: Fact
    before: Verdict | None
    after: Verdict


Changed = Callable[[Change], None]
Progress = Callable[[int], None]
Failed = Callable[[StoreError], None]


def update(
    store: Store, book: Rules, *, changed: Changed | None = None, progress: Progress | None = None
) -> None:
    """Judge what is new since the last time, or everything if the rules have another version.

    ``changed`` is told every verdict that is another than before, when it is stored; ``progress`` how
    many hits are judged.
    """
    state = store.judging_state()
    if state is None or state.rules != book.version:
        state = store.begin_judging(book.version)
    _go_on(store, book, state, changed, progress)


def bring_up_to_date(store: Store, progress: Progress | None = None, failed: Failed | None = None) -> None:
    """Judge what is new by the rules in use.

    Where that cannot be stored, because the database is locked or full, ``failed`` is told; without it
    StoreError is raised.
    """
    try:
        update(store, rules(), progress=progress)
    except StoreError as error:
        if failed is None:
            raise
        failed(error)


def judge_again(
    store: Store,
    book: Rules,
    since: int | None = None,
    *,
    changed: Changed | None = None,
    progress: Progress | None = None,
) -> None:
    """Judge again all messages with a hit at or after a time (ms UTC), or all; arguments as of ``update``."""
    after = 0 if since is None else store.first_event_since(since) - 1
    _go_on(store, book, store.begin_judging(book.version, after), changed, progress)


def contexts(store: Store) -> dict[int, Context]:
    """Return what judging needs to know of each campaign, by its id."""
    found = {}
    for campaign in store.campaigns():
        links = store.links(campaign.campaign_id)
        versions = {link.version for link in links}
        found[campaign.campaign_id] = Context(
            campaign.sent,
            frozenset(link.number for link in links if link.role == "link"),
            frozenset(link.number for link in links if link.role == "honeypot"),
            tuple(
                frozenset(link.number for link in links if link.role == "link" and link.version == version)
                for version in versions
                if versions != {0}
            ),
        )
    return found


def spread_events(
    store: Store, fresh: Sequence[Placed], through: int, book: Rules
) -> tuple[set[int], set[Place]]:
    """Return the events whose address touched many messages at once, as new hits show it.

    Also the messages of earlier hits (up to ``through``) among them.
    """
    limits = book.spread
    counts = Counter([fact.address for _campaign, fact in fresh])
    del counts[0]
    touches: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    earlier: dict[int, Place] = {}
    if through and counts:
        stretches = _stretches(sorted([fact.at for _campaign, fact in fresh]), limits.within_ms)
        for address, at, message, event, campaign in store.neighbours(through, stretches):
            if address in counts:
                touches[address].append((at, message, event))
                earlier[event] = campaign, message
    many = {address for address, hits in counts.items() if hits >= limits.messages} | touches.keys()
    for _campaign, fact in fresh:
        if fact.address in many and not fact.flags & Flag.PREVIEW:
            touches[fact.address].append((fact.at, fact.message, fact.event_id))
    found = spread(touches, limits.within_ms, limits.messages)
    return found, {earlier[event] for event in found if event in earlier}


def _stretches(times: list[int], within: int) -> list[tuple[int, int]]:
    """Return the stretches around times, which stand in order; those that overlap are one."""
    found: list[tuple[int, int]] = []
    begin = end = times[0]
    for at in times:
        if at - end > 2 * within:
            found.append((begin - within, end + within))
            begin = at
        end = at
    return [*found, (begin - within, end + within)]


def _go_on(
    store: Store, book: Rules, state: State, changed: Changed | None, progress: Progress | None
) -> None:
    if state.upto == state.through == store.last_event() and store.stale_campaign() is None:
        return
    with store.relaxed(), no_collection():
        _judge_all(store, book, state, changed, progress)


def _judge_all(
    store: Store, book: Rules, state: State, changed: Changed | None, progress: Progress | None
) -> None:
    work: _Work | None = None
    begun = state.through
    while True:
        try:
            claimed = store.claim(state, WINDOW)
            stale = None if claimed else store.stale_campaign()
            if claimed is None and stale is None:
                return
            if work is None or work.epoch != state.epoch:
                work = _Work(store, book, state.epoch, changed)
            if claimed is not None:
                state = work.window(claimed)
                if progress:
                    progress(state.through - begun)
            elif stale is not None:
                work.stale(state, *stale)
        except Moved:
            found = store.judging_state()
            if found is None or found.rules != book.version:
                raise PixeltrackError(
                    f"another pixeltrack judges the hits of {store.path} with other rules",
                    hint="name the same rules file in every settings file for this database",
                ) from None
            state = found


def _buckets(messages: dict[Place, list[Fact]], indexed: int) -> dict[int, list[int]]:
    """Return the numbers of hits behind one number, in order, by the bucket of their messages."""
    found: dict[int, list[int]] = {}
    for (campaign, message), hits in messages.items():
        numbers = [hit[0] for hit in hits]
        if numbers[0] <= indexed:
            numbers = [number for number in numbers if number > indexed]
        if numbers:
            bucket = bucket_of(campaign, message)
            found[bucket] = sorted(found[bucket] + numbers) if bucket in found else numbers
    return found


def _moments(fresh: list[Placed]) -> dict[int, tuple[int, int]]:
    """Return the first and the last moment of hits in order of number, by chunk."""
    numbers, times = [fact[0] for _campaign, fact in fresh], [fact[2] for _campaign, fact in fresh]
    found: dict[int, tuple[int, int]] = {}
    start = 0
    while start < len(numbers):
        chunk = numbers[start] // CHUNK
        end = bisect_left(numbers, (chunk + 1) * CHUNK)
        found[chunk] = min(times[start:end]), max(times[start:end])
        start = end
    return found


class _Work:
    """Judging with what is known of the campaigns at one time."""

    def __init__(self, store: Store, book: Rules, epoch: int, changed: Changed | None) -> None:
        self.epoch = epoch
        self._store = store
        self._book = book
        self._judge = judge_of(book).message
        self._contexts = contexts(store)
        self._changed = changed
        self._numbers: dict[int, tuple[Verdict, int]] = {}  # of verdicts, by their identity

    def window(self, state: State) -> State:
        """Judge the hits that are claimed, and what they bear on."""
        fresh = self._store.facts_between(state.through, state.upto)
        messages: defaultdict[Place, list[Fact]] = defaultdict(list)
        for campaign, fact in fresh:
            messages[campaign, fact.message].append(fact)
        # Here, too: what is not indexed yet need not be read for it.
        rollups.keep(self._store, state, {campaign for campaign, _message in messages})
        state = self._store.index(state, _buckets(messages, state.indexed))
        spreading, touched = spread_events(self._store, fresh, state.through, self._book)
        if state.through:
            earlier = self._store.facts_of([*messages, *touched], state.through)
            spreading |= self._known_to_spread([fact.event_id for _campaign, fact in earlier])
            for campaign, fact in earlier:
                messages[campaign, fact.message].append(fact)
        return self._store.finish(self._put(state, messages, spreading, _moments(fresh)))

    def stale(self, state: State, campaign: int, bucket: int) -> None:
        """Judge some messages of a campaign again of which something else than hits has changed."""
        facts, following = self._store.campaign_facts(campaign, bucket, state.through)
        messages: defaultdict[Place, list[Fact]] = defaultdict(list)
        for fact in facts:
            messages[campaign, fact.message].append(fact)
        spreading = self._known_to_spread([fact.event_id for fact in facts])
        self._store.pass_stale(self._put(state, messages, spreading, {}), campaign, following)

    def _known_to_spread(self, events: list[int]) -> set[int]:
        verdicts = self._store.judgements()
        spreading = {number for number, verdict in verdicts.items() if SPREAD_CODE in verdict.reasons}
        if not spreading:
            return set()
        judged = self._store.judgements_of(events)
        return {event for event, number in zip(events, judged, strict=True) if number in spreading}

    def _put(
        self,
        state: State,
        messages: dict[Place, list[Fact]],
        spreading: set[int],
        moments: dict[int, tuple[int, int]],
    ) -> State:
        """Judge messages and write it, some of them in each transaction."""
        campaigns = {campaign for campaign, _message in messages}
        if not self._contexts.keys() >= campaigns:
            self._contexts.update(contexts(self._store))  # made since the work began
        rollups.keep(self._store, state, campaigns)
        part: dict[Place, list[Fact]] = {}
        hits = 0
        for place, facts in messages.items():
            part[place] = facts
            hits += len(facts)
            if hits >= _AT_ONCE:
                state = self._put_part(state, part, spreading, moments)
                part, hits = {}, 0
        return self._put_part(state, part, spreading, moments)

    def _put_part(
        self,
        state: State,
        messages: dict[Place, list[Fact]],
        spreading: set[int],
        moments: dict[int, tuple[int, int]],
    ) -> State:
        events: list[int] = []
        given: list[Verdict] = []
        for (campaign, _message), hits in messages.items():
            if len(hits) > 1:
                hits.sort(key=_by_time)
            given += self._judge(hits, self._contexts[campaign], spreading)
            events += [hit[0] for hit in hits]
        before, after = self._store.judgements_of(events), self._numbered(given)
        deltas = rollups.deltas(self._store, messages, before, after)
        numbered = dict(zip(events, after, strict=True))
        if self._changed is None:
            return self._store.put_verdicts(state, numbered, moments, deltas, rollups.version())
        changes: list[tuple[int, int, int]] = []
        state = self._store.put_verdicts(state, numbered, moments, deltas, rollups.version(), changes)
        verdicts = self._store.judgements()
        facts = {hit.event_id: (place[0], hit) for place, hits in messages.items() for hit in hits}
        for event, old, new in changes:
            self._changed(Change(*facts[event], verdicts.get(old), verdicts[new]))
        return state

    def _numbered(self, given: list[Verdict]) -> list[int]:
        """Return the numbers under which verdicts are stored."""
        numbers = self._numbers
        keys = list(map(id, given))
        unknown = set(keys).difference(numbers)
        if unknown:
            fresh = {id(verdict): verdict for verdict in given if id(verdict) in unknown}
            stored = self._store.number_judgements(list(fresh.values()))
            numbers.update((key, (verdict, stored[verdict])) for key, verdict in fresh.items())
        return [numbers[key][1] for key in keys]
