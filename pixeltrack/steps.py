"""Whether a clock can be trusted with deleting what is old: it may have been set wrong since.

The system counts how long it has been up, and no setting of the clock changes that. A time on the same run
of the machine must have come nearer by as much as that. Across a restart only what passed while the
machine was up is known; who was switched off for days has to say that the clock is right.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

_AHEAD = 300_000  # ms that a hit may be ahead, as machines' clocks differ
_JUMP = 86_400_000  # ms


class Reading(NamedTuple):
    """A clock and what tells how far it can be right. Times are ms; ``at`` is UTC."""

    at: int
    boot: str  # the system's name for this run of the machine; empty where it has none
    up: int  # since the machine was started, time asleep too


def doubt(now: Reading, last: Reading | None, newest: int | None) -> str:
    """Return why a clock should not be trusted, or nothing.

    ``last`` is the clock at the last purge, ``newest`` the newest hit (ms UTC).
    """
    if newest is not None and newest > now.at + _AHEAD:
        return f"the clock says {_said(now.at)}, and the newest hit is of {_said(newest)}"
    if last is not None and last.at > now.at + _AHEAD:
        return f"the clock says {_said(now.at)}, and the last purge was on {_said(last.at)}"
    if last is not None and last.boot and last.boot == now.boot:
        jump = now.at - last.at - (now.up - last.up)
        if jump > _JUMP:
            return f"since the last purge the clock has gone {_days(jump)} further than time has"
        return ""
    seen = max((at for at in (last and last.at, newest) if at is not None), default=None)
    if seen is None:
        return ""
    unexplained = now.at - seen - now.up
    if unexplained > _JUMP:
        return (
            f"the clock says {_said(now.at)}, the last that is known to have happened was on {_said(seen)},"
            f" and this machine has been up for {_days(now.up)}"
        )
    return ""


def _said(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):  # of a clock that is very wrong
        return f"{at:,} ms after 1970"


def _days(span: int) -> str:
    days = span / _JUMP
    return f"{days:,.0f} days" if days >= 2 else f"{span / 3_600_000:,.0f} hours"
