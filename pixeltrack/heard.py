"""A campaign's judged hits, message by message, with those that were counted and not kept one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from pixeltrack import rollups
from pixeltrack.cells import Rollup
from pixeltrack.count import NO_HOME, Count
from pixeltrack.judging import Verdict
from pixeltrack.repeated import Repeats
from pixeltrack.store import Store

_AT_ONCE = 5_000  # messages of which the homes are asked for
Told = Callable[[int], None]


class Span(NamedTuple):
    """A stretch of time in ms UTC, its end left out; by itself all of it."""

    since: int = -(1 << 62)
    until: int = 1 << 62

    def limits(self) -> tuple[int | None, int | None]:
        """Return its beginning and end, None where there is none."""
        whole = Span()
        return (
            None if self.since == whole.since else self.since,
            None if self.until == whole.until else self.until,
        )


class Heard(NamedTuple):
    """A hit and what it is taken for. It stands for ``weight`` hits like it."""

    at: int  # ms UTC
    kind: int
    link: int
    agent: str
    network: str
    verdict: Verdict
    weight: int


class Verdicts(dict[int, Verdict]):
    """The verdicts that there are, by their numbers; what another program adds meanwhile is looked up."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.judgements())
        self._store = store

    def __missing__(self, number: int) -> Verdict:
        found = self._store.judgements()
        self.update(found)
        return found[number]


def adding(progress: Told | None, done: int = 0) -> Told | None:
    """Return what tells ``progress`` the sum of what it is told, from ``done`` on."""
    if progress is None:
        return None

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress(done)

    return told


def messages(
    store: Store, campaign_id: int, span: Span | None = None, told: Told | None = None
) -> Iterator[tuple[int, list[Heard]]]:
    """Yield messages with their judged hits in a stretch of time, tests left out; none without any.

    ``told`` is told how many hits more were looked at.
    """
    since, until = span or Span()
    verdicts, repeats = Verdicts(store), Repeats(store, campaign_id)
    for message, seen, numbers in store.seen(campaign_id, without=repeats.messages):
        if told:
            told(len(seen))
        hits = [
            Heard(at, kind, link, agent, network, verdicts[number], 1)
            for (at, kind, link, agent, _flags, network), number in zip(seen, numbers, strict=True)
            if number and since <= at < until and verdicts[number].label != "test"
        ]
        if hits:
            yield message, hits
    for message, judged in repeats.judged():
        if told:
            told(len(judged))
        hits = [
            Heard(fact.at, fact.kind, fact.link, fact.agent, fact.network, verdict, 1 + more)
            for fact, more, verdict in judged
            if since <= fact.at < until and verdict.label != "test"
        ]
        if hits:
            yield message, hits


def rollup(store: Store, campaign_id: int, span: Span) -> Rollup:
    """Count a campaign's hits in a stretch of time."""
    count = Count(store.judgements())
    found = messages(store, campaign_id, span)
    while page := list(islice(found, _AT_ONCE)):
        homes = rollups.homes(store, campaign_id, (message for message, _hits in page))
        for message, hits in page:
            seen = [(hit.at, hit.kind, hit.link, hit.agent, 0, hit.network) for hit in hits]
            numbers = [count.number(hit.verdict) for hit in hits]
            count.add(seen, numbers, homes.get(message, NO_HOME))
            for one, number, hit in zip(seen, numbers, hits, strict=True):
                if hit.weight > 1:
                    count.add_alike(one, number, hit.weight - 1)
    return count.rollup()
