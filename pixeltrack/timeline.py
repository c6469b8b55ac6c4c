"""People's hits along time, and by weekday and hour, from how many there were in each hour."""

from __future__ import annotations

from collections import Counter
from functools import cache

from pixeltrack.figures import Bucket, Week
from pixeltrack.model import EventKind
from pixeltrack.replay import HOUR
from pixeltrack.times import Zone

_DAY = 24 * HOUR
_MOST_HOURS = 96  # a longer span is shown by the day


class Hours(dict[int, tuple[int, int, int]]):
    """When an hour's day began (ms UTC), its weekday and its hour of the day, by a zone's clocks."""

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self.zone = zone
        self.following = cache(lambda day: zone.midnight(day + 36 * HOUR))  # when the next day begins
        self.local = cache(lambda at: zone.at(at).isoformat(timespec="minutes"))

    def __missing__(self, hour: int) -> tuple[int, int, int]:
        moment = self.zone.at(hour * HOUR)
        self[hour] = found = self.zone.midnight(hour * HOUR), moment.weekday(), moment.hour
        return found


def timeline(hours: Counter[tuple[int, int]], clocks: Hours) -> tuple[int, tuple[Bucket, ...]]:
    """Return people's hits by the hour, or by the zone's days where there are too many hours.

    An hour of UTC counts on the day on which it begins.
    """
    if not hours:
        return HOUR, ()
    counted: Counter[tuple[int, int]] = Counter()
    numbers = [hour for _kind, hour in hours]
    first, last = min(numbers), max(numbers)
    if last - first < _MOST_HOURS:
        for (kind, hour), hits in hours.items():
            counted[hour * HOUR, kind] += hits
        starts = [hour * HOUR for hour in range(first, last + 1)]
    else:
        for (kind, hour), hits in hours.items():
            counted[clocks[hour][0], kind] += hits
        starts = [clocks[first][0]]
        while (following := clocks.following(starts[-1])) <= last * HOUR:
            starts.append(following)
    return HOUR if last - first < _MOST_HOURS else _DAY, tuple(
        Bucket(
            start,
            counted[start, EventKind.OPEN],
            counted[start, EventKind.CLICK],
            clocks.local(start),
        )
        for start in starts
    )


def week(hours: Counter[tuple[int, int]], clocks: Hours) -> Week:
    """Add hours up by weekday and hour. One of UTC counts where it begins, also in zones of half hours."""
    counted: dict[int, list[list[int]]] = {kind: [[0] * 24 for _ in range(7)] for kind in EventKind}
    for (kind, hour), hits in hours.items():
        _day, weekday, of_day = clocks[hour]
        counted[kind][weekday][of_day] += hits
    opens, clicks = (tuple(map(tuple, counted[kind])) for kind in (EventKind.OPEN, EventKind.CLICK))
    return Week(clocks.zone.name, opens, clicks)
