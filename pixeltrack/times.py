"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from pixeltrack.errors import InputError


def read_time(text: str, what: str) -> int:
    """Return a time in ISO 8601 as milliseconds UTC; without an offset it is this machine's local time.

    ``what`` names the option, for the error.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"{what} is {text[:80]!r}, which is no time",
            hint='write it as "2026-11-25 09:00", or with an offset as 2026-11-25T09:00+01:00',
        ) from None


def say_time(at: int) -> str:
    """Return a time (ms UTC) in UTC and as this machine's local time."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    local = moment.astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({local:%Y-%m-%d %H:%M} {local:%Z}, the local time here)"
