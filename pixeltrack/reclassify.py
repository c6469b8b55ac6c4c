"""Judging all hits again, or by two sets of rules side by side, and how the totals move."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from pixeltrack import verdicts
from pixeltrack.judging import LABELS, Fact, Label, judge_of
from pixeltrack.model import EventKind
from pixeltrack.rules import Rules
from pixeltrack.store import Store
from pixeltrack.verdicts import WINDOW, Change, Progress

_Key = tuple[int, int, Label]  # campaign, kind, label


@dataclass(frozen=True, slots=True)
class Row:
    """How many hits of a campaign were taken for something, before and after."""

    campaign: str
    kind: EventKind
    label: Label
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Movement:
    """What other rules, or judging again, have changed.

    ``rows`` are those of campaigns in which something moved; ``moves`` are hits by what they were and
    are taken for.
    """

    rules_before: str
    rules_after: str
    hits: int  # that both have judged
    first_judged: int  # that nobody had judged before
    rows: tuple[Row, ...]
    moves: tuple[tuple[Label, Label, int], ...]

    @property
    def moved(self) -> int:
        return sum(hits for _before, _after, hits in self.moves)


def reclassify(
    store: Store, book: Rules, since: int | None = None, progress: Progress | None = None
) -> Movement:
    """Judge all hits again, or the messages with a hit since a time (ms UTC), and store the verdicts."""
    state = store.judging_state()
    moves: Counter[tuple[int, int, Label, Label]] = Counter()
    first: Counter[_Key] = Counter()

    def changed(change: Change) -> None:
        kind, after = change.fact.kind, change.after.label
        if change.before is None:
            first[change.campaign_id, kind, after] += 1
        else:
            moves[change.campaign_id, kind, change.before.label, after] += 1

    verdicts.judge_again(store, book, since, changed=changed, progress=progress)
    labels = {number: verdict.label for number, verdict in store.judgements().items()}
    after: Counter[_Key] = Counter()
    for (campaign, kind, number), hits in store.judged_totals().items():
        if number:
            after[campaign, kind, labels[number]] += hits
    before = after - first
    for (campaign, kind, was, now), hits in moves.items():
        before[campaign, kind, was] += hits
        before[campaign, kind, now] -= hits
    versions = state.rules if state else book.version, book.version
    return _movement(store, versions, before, after - first, moves, first.total())


def compare(store: Store, one: Rules, other: Rules, progress: Progress | None = None) -> Movement:
    """Judge the history by two sets of rules; nothing of that is stored.

    Hits are found by the index that reports use, so it is brought up to date first.
    """
    state = store.judging_state()
    through = state.through if state else 0
    spread: tuple[set[int], set[int]] = (set(), set())
    for after in range(0, through, WINDOW):
        fresh = store.facts_between(after, min(after + WINDOW, through))
        for found, book in zip(spread, (one, other), strict=True):
            found |= verdicts.spread_events(store, fresh, after, book)[0]
    contexts, judges = verdicts.contexts(store), (judge_of(one), judge_of(other))
    moves: Counter[tuple[int, int, Label, Label]] = Counter()
    totals: tuple[Counter[_Key], Counter[_Key]] = (Counter(), Counter())
    done = 0
    for campaign, context in contexts.items():
        for hits in _messages(store, campaign, through):
            first, second = (
                judge.message(hits, context, events) for judge, events in zip(judges, spread, strict=True)
            )
            for hit, was, now in zip(hits, first, second, strict=True):
                totals[0][campaign, hit.kind, was.label] += 1
                totals[1][campaign, hit.kind, now.label] += 1
                if was.label != now.label:
                    moves[campaign, hit.kind, was.label, now.label] += 1
            done += len(hits)
        if progress:
            progress(done)
    return _movement(store, (one.version, other.version), *totals, moves, 0)


def _messages(store: Store, campaign: int, through: int) -> Iterator[list[Fact]]:
    following: int | None = 0
    while following is not None:
        facts, following = store.campaign_facts(campaign, following, through)
        messages: defaultdict[int, list[Fact]] = defaultdict(list)
        for fact in facts:
            messages[fact.message].append(fact)
        for hits in messages.values():
            hits.sort(key=attrgetter("at", "event_id"))
            yield hits


def _movement(
    store: Store,
    versions: tuple[str, str],
    before: Counter[_Key],
    after: Counter[_Key],
    moves: Counter[tuple[int, int, Label, Label]],
    first: int,
) -> Movement:
    relabelled = {key: hits for key, hits in moves.items() if key[2] != key[3]}
    campaigns = {campaign for campaign, _kind, _was, _now in relabelled}
    rows = [
        Row(campaign.name, kind, label, before[key], after[key])
        for campaign in store.campaigns()
        if campaign.campaign_id in campaigns
        for kind in EventKind
        for label in LABELS
        if before[key := (campaign.campaign_id, int(kind), label)] or after[key]
    ]
    ways: Counter[tuple[Label, Label]] = Counter()
    for (_campaign, _kind, was, now), hits in relabelled.items():
        ways[was, now] += hits
    return Movement(
        *versions,
        after.total(),
        first,
        tuple(rows),
        tuple((was, now, hits) for (was, now), hits in ways.most_common()),
    )
