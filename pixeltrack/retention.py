"""How long things are kept, in days, and why no longer."""

from __future__ import annotations

HOUR, DAY = 3_600_000, 86_400_000  # milliseconds

EVENTS = 180  # of single hits, where nothing is configured: as Matomo's raw logs
#: 25 months, the most for which the CNIL lets audience measurement keep single visits.
MOST_EVENTS = 760
ADDRESSES = 30  # the most for an address of a client, which nothing here needs for longer
LAST_OPENS = 730  # of the day on which somebody in hygiene mode opened last: 24 months
CONSENT_YEARS = 3  # of the proof of a consent, from when it ended: what it may be disputed for


def events_before(now: int, days: int | None) -> int:
    """Return before when hits are too old, in ms UTC: a whole hour, as counts of hits are of whole hours.

    Rounded down, so that nothing is deleted early. An open extends nothing: a hit's own time is all that
    counts (CNIL on inactive contacts: an open is no sign of wanting to go on).
    """
    return (now - (days or EVENTS) * DAY) // HOUR * HOUR


def last_opens_before(now: int) -> int:
    """Return before which day, since 1970, the last open is too old."""
    return now // DAY - LAST_OPENS


def consents_before(now: int, years: int) -> int:
    """Return before when a consent must have ended for its proof to be too old, in ms UTC."""
    return now - years * 365 * DAY - years // 4 * DAY
