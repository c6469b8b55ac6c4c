"""The shapes of a report's charts: SVG without letters. Labels stand beside it, as text of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pixeltrack.figures import Bucket, CampaignReport, Week

if TYPE_CHECKING:
    from markupsafe import Markup

_HOUR = 3_600_000  # ms
_TICKS = 5  # labels below a timeline, at most
_MOST_TOLD = 200  # bars that say what they are when pointed at; more of them are too narrow to point at
_STEPS = (2, 4, 6, 8, 10)  # what a scale may end in, times a power of ten: halves are whole numbers
_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below a chart; ``at`` is in percent of its width."""

    at: float
    day: str
    hour: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """People's opens and clicks over time. ``top`` is what the highest line stands for.

    ``rows`` are the buckets with hits, with their places in the report.
    """

    svg: Markup
    top: int
    ticks: tuple[Tick, ...]
    rows: tuple[tuple[int, Bucket], ...]
    hourly: bool


@dataclass(frozen=True, slots=True)
class Heat:
    """One sort of hits by weekday and hour: how dark each cell is, from 0 (none) to 5."""

    key: str  # the field of Week
    most: int
    levels: tuple[tuple[int, ...], ...]


def timeline(report: CampaignReport) -> Timeline | None:
    """Return the chart of a report's hits over time; None where there are none."""
    buckets = report.timeline
    if not buckets:
        return None
    hourly = report.timeline_step == _HOUR
    top = scale(max(max(bucket.opens, bucket.clicks) for bucket in buckets))
    number = len(buckets)
    told = "".join(
        f'<rect class="told" x="{place}" width="1" height="100"><title>{_told(bucket, hourly)}</title></rect>'
        for place, bucket in enumerate(buckets)
        if number <= _MOST_TOLD and (bucket.opens or bucket.clicks)
    )
    svg = (
        f'<svg viewBox="0 0 {number} 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="opens" d="{_bars([each.opens for each in buckets], top, 0.86)}"/>'
        f'<path class="clicks" d="{_bars([each.clicks for each in buckets], top, 0.36)}"/>{told}</svg>'
    )
    rows = tuple((place, each) for place, each in enumerate(buckets) if each.opens or each.clicks)
    return Timeline(_markup(svg), top, _ticks(buckets, hourly), rows, hourly)


def scale(most: int) -> int:
    """Return where an axis ends that has to hold a number: an even, round one."""
    power = 1
    while power * _STEPS[-1] < most:
        power *= 10
    return next(step * power for step in _STEPS if step * power >= most)


def heat(week: Week) -> tuple[Heat, ...]:
    """Return the maps of opens and clicks that have any."""
    maps = []
    for key, rows in (("opens", week.opens), ("clicks", week.clicks)):
        most = max(map(max, rows), default=0)
        if most:
            levels = tuple(tuple(-(-hits * _LEVELS // most) for hits in row) for row in rows)
            maps.append(Heat(key, most, levels))
    return tuple(maps)


def part_bar(parts: Sequence[tuple[str, int]], whole: int) -> Markup:
    """Return a bar of parts, one behind the other, each with a class for its looks; empty for no whole."""
    shapes, at = [], 0
    for look, part in parts:
        if part and whole:
            left = f' x="{100 * at / whole:.2f}%"' if at else ""
            shapes.append(f'<rect class="{look}"{left} width="{100 * part / whole:.2f}%" height="100%"/>')
            at += part
    return _markup(f'<svg class="bar" aria-hidden="true">{"".join(shapes)}</svg>')


def _bars(values: Sequence[int], top: int, wide: float) -> str:
    """Return a path of bars that stand on the ground, each within its unit; none is too low to see."""
    left, path = (1 - wide) / 2, []
    for place, value in enumerate(values):
        if value:
            high = max(1.5, 100 * value / top)
            path.append(f"M{place + left:.2f} 100v-{high:.1f}h{wide}V100z")
    return "".join(path)


def _ticks(buckets: Sequence[Bucket], hourly: bool) -> tuple[Tick, ...]:
    every = -(-len(buckets) // _TICKS)
    ticks = []
    for place in range(0, len(buckets), every):
        moment = datetime.fromisoformat(buckets[place].local)
        ticks.append(
            Tick(100 * place / len(buckets), f"{moment.day} {moment:%b}", f"{moment:%H:%M}" if hourly else "")
        )
    return tuple(ticks)


def _told(bucket: Bucket, hourly: bool) -> str:
    moment = datetime.fromisoformat(bucket.local)
    when = f"{moment.day} {moment:%b} {moment:%H:%M}" if hourly else f"{moment.day} {moment:%b %Y}"
    return f"{when}: {bucket.opens:,} opens, {bucket.clicks:,} clicks"


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - numbers and words of this module alone
