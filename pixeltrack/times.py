"""Times as people write them, and the zones that they mean."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from pixeltrack.errors import InputError

_DATE = re.compile(r"^[\dW-]{7,10}(?:[^\dW-]|$)")
_LENGTHS = {0: 86_400_000, 2: 3_600_000, 4: 60_000, 6: 1_000}  # ms, by how many digits the clock has


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone and what it is called; the rules are None for the machine's own."""

    name: str
    rules: tzinfo | None

    def at(self, at: int) -> datetime:
        """Return a time (ms UTC) as the zone's clocks show it."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.rules)

    def midnight(self, at: int) -> int:
        """Return when the day of a time began (ms UTC) by the zone's clocks."""
        begun = self.at(at).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)  # of two, the first
        if self.rules is None:  # a fixed offset, which may not be that of midnight
            begun = begun.replace(tzinfo=None).astimezone()
        return round(begun.timestamp() * 1000)


def read_zone(name: str) -> Zone:
    """Return a time zone by its name in the tz database; raise InputError for one that is not there."""
    try:
        return Zone(name, ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise InputError(
            f"unknown time zone: {name[:80]!r}",
            hint="give a name such as Europe/Berlin or UTC; a machine without time zones needs the package"
            " tzdata",
        ) from None


def local_zone() -> Zone:
    """Return the machine's time zone, by its name where the machine tells that."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2]
    try:
        return Zone(name.removeprefix("Etc/"), ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return Zone(f"{datetime.now().astimezone():%Z}", None)  # its own rules, summer time included


def read_time(text: str, what: str, zone: Zone | None = None) -> int:
    """Return a time in ISO 8601 as milliseconds UTC; without an offset it is the zone's, or this machine's.

    ``what`` names the option, for the error.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone.rules)
        return round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"{what} is {text[:80]!r}, which is no time",
            hint='write it as "2026-11-25 09:00", or with an offset as 2026-11-25T09:00+01:00',
        ) from None


def last_moment(text: str, what: str, zone: Zone | None = None) -> int:
    """Return the last millisecond (UTC) of the second, minute, hour or day that a time is written to.

    What is said in whole seconds was somewhen in that second, and follows what was seen in it. Arguments
    and error as of ``read_time``.
    """
    begin = read_time(text, what, zone)
    clock = re.split("[+Z-]", _DATE.sub("", text.strip()))[0].replace(":", "").strip()
    return begin + _LENGTHS.get(len(clock), 1) - 1


def say_time(at: int) -> str:
    """Return a time (ms UTC) in UTC and as this machine's local time."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    local = moment.astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({local:%Y-%m-%d %H:%M} {local:%Z}, the local time here)"
