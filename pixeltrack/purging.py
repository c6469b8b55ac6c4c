"""Deleting what is older than it may be, so that totals stay; and not by a clock that may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pixeltrack import clock, erasing, retention, verdicts
from pixeltrack.config import Settings
from pixeltrack.dayhash import KEPT, day_of
from pixeltrack.errors import PixeltrackError
from pixeltrack.steps import Reading, doubt
from pixeltrack.store import OldHits, Store

_JOURNAL_SECONDS = 10.0  # that readers are waited for
_SALTS_BUSY_MS = 5_000
_DAY = retention.DAY

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Purged:
    """What is too old, or was until it was deleted. Times are ms UTC.

    ``hits`` are by campaign. ``clean`` says that nothing of it is left in the journal either: while
    another program reads for long it may be.
    """

    now: int
    events_days: int
    events_before: int
    hits: tuple[OldHits, ...]
    addresses: int
    last_opens: int
    deliveries: int  # facts of which the time is forgotten
    consents: int
    recipients: int
    views: int  # of people, which become counts of pages
    conversions: int  # that lose whose they are
    names: int  # agents and networks that no hit has
    salts: int
    done: bool
    clean: bool

    @property
    def rows(self) -> dict[str, int]:
        """How many there are of each, by their names in the audit trail."""
        return {
            "hits": sum(each.hits for each in self.hits),
            "addresses": self.addresses,
            "last_opens": self.last_opens,
            "deliveries": self.deliveries,
            "consents": self.consents,
            "recipients": self.recipients,
            "views": self.views,
            "conversions": self.conversions,
            "names": self.names,
            "salts": self.salts,
        }


class UncertainClock(PixeltrackError):
    """The clock may be wrong, so nothing was deleted by it."""


def read_clock() -> Reading:
    """Return this machine's clock."""
    return Reading(clock.now_ms(), clock.boot(), clock.up_ms())


def look(store: Store, settings: Settings, now: Reading) -> Purged:
    """Return what is too old; nothing is deleted, and the clock need not be right."""
    before = retention.events_before(now.at, settings.events_days)
    return _purged(store, settings, now, before, tuple(store.old_hits(before)), done=False)


def check_clock(store: Store, now: Reading) -> None:
    """Raise UncertainClock where the clock is behind, or may have been set forward."""
    why = doubt(now, store.last_purge(), store.newest_hit())
    if why:
        raise UncertainClock(
            f"nothing is deleted: {why}",
            hint="if the clock is right now, say so with --clock-is-right",
        )


def steps(store: Store, settings: Settings, now: Reading) -> int:
    """Return how many thousands of hits a purge will look through."""
    return len(store.old_chunks(retention.events_before(now.at, settings.events_days)))


def purge(
    store: Store,
    settings: Settings,
    now: Reading,
    *,
    judging: Progress | None = None,
    progress: Progress | None = None,
) -> Purged:
    """Delete what is too old. What is interrupted is gone on with by the next one.

    ``judging`` is told how many new hits are judged first, ``progress`` how many thousands of hits are
    looked through. By the rules in use.
    """
    verdicts.bring_up_to_date(store, judging)  # what is not judged is in no total yet
    before = retention.events_before(now.at, settings.events_days)
    hits = tuple(store.old_hits(before))
    erasing.delete_before(store, before, progress)
    found = _purged(store, settings, now, before, hits, done=True)
    store.note("purge", _said(before), counts={what: rows for what, rows in found.rows.items() if rows})
    store.note_purge(now)
    return found


def _purged(
    store: Store, settings: Settings, now: Reading, before: int, hits: tuple[OldHits, ...], *, done: bool
) -> Purged:
    dry = not done
    today = now.at // _DAY
    last_opens = store.purge_last_opens(retention.last_opens_before(now.at), dry=dry)
    first_salt = day_of(now.at - KEPT)
    old_salts = [day for day in store.salt_days() if day < first_salt]
    if done and old_salts:
        store.forget_salts(first_salt, day_of((today + 1) * _DAY), busy_ms=_SALTS_BUSY_MS)
    return Purged(
        now=now.at,
        events_days=settings.events_days or retention.EVENTS,
        events_before=before,
        hits=hits,
        addresses=store.purge_addresses(now.at - _address_days(settings) * _DAY, dry=dry),
        last_opens=last_opens,
        deliveries=store.purge_deliveries(before, dry=dry),
        consents=store.purge_consents(retention.consents_before(now.at, settings.consent_years), dry=dry),
        recipients=store.purge_recipients(dry=dry),
        views=store.purge_views(before, dry=dry),
        conversions=store.purge_conversions(before, dry=dry),
        names=store.purge_names(dry=dry),
        salts=len(old_salts),
        done=done,
        clean=not done or store.empty_journal(_JOURNAL_SECONDS),
    )


def _address_days(settings: Settings) -> int:
    """Return for how long addresses are kept: never longer than the hits, and not at all by itself."""
    return min(settings.ip_days or 0, settings.events_days or retention.EVENTS)


def _said(before: int) -> str:
    return f"hits before {datetime.fromtimestamp(before / 1000, UTC):%Y-%m-%d %H:%M} UTC"
