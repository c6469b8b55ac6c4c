"""Taking over what mail systems report: read, matched, stored, each event once, in short transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pixeltrack import feedfile
from pixeltrack.feedback import Service, Skipped, TrackingEvent
from pixeltrack.feedmatch import Match, Matcher
from pixeltrack.memory import no_collection
from pixeltrack.replay import HOUR
from pixeltrack.store import Delivery, Put, Refused, Store
from pixeltrack.tokens import Keyring

_CHUNK = 5_000  # events in one transaction
_AHEAD = 24 * HOUR  # of our clock: a moment later than that is none
Told = Callable[[int], None]


@dataclass(slots=True)
class Imported:
    """What was read and what became of it: numbers of events. Every one is in exactly one of the sums.

    ``first`` says where the first event stands that was left out for a reason.
    """

    events: int = 0
    imported: Counter[str] = field(default_factory=Counter)  # by kind
    bounces: Counter[str] = field(default_factory=Counter)  # of these the bounced ones, by class
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by reason
    unmatched: Counter[str] = field(default_factory=Counter)  # by reason
    first: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)  # people who get no more mail, by why
    campaigns: Counter[str] = field(default_factory=Counter)  # of what was imported
    sources: Counter[str] = field(default_factory=Counter)  # the same


def run(
    store: Store,
    keyring: Keyring,
    paths: Sequence[Path],
    now: int,
    *,
    service: Service | None = None,
    campaign: str | None = None,
    dry: bool = False,
    told: Told | None = None,
) -> Imported:
    """Import files in order; ``now`` is ms UTC, ``campaign`` whose the events are that name none.

    With ``dry`` nothing is stored. ``told`` is told how many events are read. What an error, or the user,
    interrupts has stored what came before, and may be run again.
    """
    importing = _Import(store, keyring, Matcher(store, keyring, campaign), now, dry=dry)
    for path in paths:
        for record in feedfile.read(path, service):
            importing.add(record.where, record.told)
            if told:
                told(importing.done.events)
    importing.flush()
    return importing.done


class _Import:
    """Events on their way into the store."""

    def __init__(self, store: Store, keyring: Keyring, matcher: Matcher, now: int, *, dry: bool) -> None:
        self.done = Imported()
        self._store, self._keyring, self._matcher = store, keyring, matcher
        self._latest, self._dry = now + _AHEAD, dry
        self._events: list[tuple[TrackingEvent, str]] = []  # and where they stand
        self._seen = Put(set(), set())  # in a dry run, what would be stored by now

    def add(self, where: str, told: Iterable[TrackingEvent | Skipped]) -> None:
        """Take what a record says."""
        for each in told:
            self.done.events += 1
            if isinstance(each, Skipped):
                self._leave(self.done.skipped, each.reason, where)
            elif each.timestamp > self._latest:
                self._leave(self.done.skipped, "no_time", where)
            else:
                self._events.append((each, where))
        if len(self._events) >= _CHUNK:
            self.flush()

    def _leave(self, why: Counter[str], reason: str, where: str) -> None:
        why[reason] += 1
        self.done.first.setdefault(reason, where)

    def _known(self, event: TrackingEvent) -> bytes:
        told = (event.esp, event.event_type, event.recipient.lower(), *event.event_id)
        return self._keyring.event_fingerprint("".join(f"{len(part)}:{part}" for part in told).encode())

    def flush(self) -> None:
        """Match and store what was taken."""
        with no_collection():  # not while mail is read: parsing leaves cycles
            self._flush()

    def _flush(self) -> None:
        done, events = self.done, self._events
        self._events = []
        facts: dict[bytes, tuple[Delivery, str]] = {}  # and the campaign's name
        refused = list[Refused]()
        matches = self._matcher.match(event for event, _where in events)
        for (event, where), (match, subject) in zip(events, matches, strict=True):
            if subject is not None:
                refused.append(Refused(subject, event.timestamp, event.event_type))
            if not isinstance(match, Match):
                self._leave(done.unmatched, match, where)
                continue
            known = self._known(event)
            if known in facts:
                done.duplicates += 1
                continue
            number, at = match.campaign.campaign_id, event.timestamp
            if not match.message:  # of who is counted together nothing finer than the hour is kept
                at = at // HOUR * HOUR
            fact = Delivery(known, number, match.message, event.event_type, event.bounce, at, event.esp)
            facts[known] = fact, match.campaign.name
        put = self._put([fact for fact, _name in facts.values()], refused)
        for fact, name in facts.values():
            if fact.event_id not in put.added:
                done.duplicates += 1
                continue
            done.imported[fact.kind] += 1
            done.campaigns[name] += 1
            done.sources[fact.source] += 1
            if fact.bounce:
                done.bounces[fact.bounce] += 1
        why = {each.subject: each.why for each in sorted(refused, key=lambda each: -each.at)}
        done.refused.update(why[subject] for subject in put.refused)

    def _put(self, facts: Sequence[Delivery], refused: Sequence[Refused]) -> Put:
        if not (facts or refused):
            return Put(set(), set())
        if not self._dry:
            return self._store.put_deliveries(facts, refused)
        found = self._store.new_deliveries(facts, refused)
        put = Put(found.added - self._seen.added, found.refused - self._seen.refused)
        self._seen.added.update(put.added)
        self._seen.refused.update(put.refused)
        return put
