"""Who was informed and did not object: France's transition for addresses that were collected earlier.

CNIL, délibération 2026-042 of 12 March 2026, published on 14 April: who had given their address before that
day could go on being measured if they were told of it, with an easy way to object, by 14 July 2026. That is
no consent, and it counts nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

WORD = "informed_no_objection"
METHOD = "informed, no objection"
COLLECTED, TOLD = "address_collected_at", "notice_at"  # columns, both needed
_PUBLISHED, _TRANSITION_ENDS = date(2026, 4, 14), date(2026, 7, 14)


def counts(row: Mapping[str, str], preset: str | None) -> bool:
    """Return whether a row's words stand in for a consent to being measured; ValueError for no dates."""
    country = row.get("jurisdiction", "").strip().lower()
    if preset != "fr" or country not in ("", "fr"):
        return False
    collected, told = row.get(COLLECTED, ""), row.get(TOLD, "")
    if not collected or not told:
        return False
    return _day(collected) < _PUBLISHED and _day(collected) <= _day(told) <= _TRANSITION_ENDS


def _day(written: str) -> date:
    """Return the day of a date, or of a time as it is written."""
    return date.fromisoformat(written.strip()[:10])
