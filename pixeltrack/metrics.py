"""What the collector counts of itself, and how Prometheus reads it (text format 0.0.4).

The numbers of all workers stand side by side in memory that they share, a row for each, so that any
of them can tell the sum. Nothing here is about a person: no token, address or agent.
"""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left
from collections.abc import Iterable

from pixeltrack.model import EventKind, Flag

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ROUTES = {
    **{"/o/": "open", "/c/": "click", "/u/": "unsubscribe", "/p/": "preferences"},
    **{"/v/": "goal", "/s/": "page", "": "other"},
}
_STATUSES = ("200", "302", "400", "401", "404", "405", "413", "431", "503", "other")
_CLASSES = ("plain", "head", "speculative", "preview")
_REASONS = (
    "unknown token",
    "unknown campaign",
    "unknown link",
    "merge tag not filled in",
    "the store cannot be read",
    "an error",
)
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)  # seconds of a commit
_GAUGES = ("waiting_hits", "spool_bytes", "open_connections")

_ANSWERS = 0
_HITS = _ANSWERS + len(_ROUTES) * len(_STATUSES)
_NOT_COUNTED = _HITS + len(EventKind) * len(_CLASSES)
_COMMITS = _NOT_COUNTED + len(EventKind) * len(_REASONS)  # by bucket, the last is above them all
_MICROSECONDS = _COMMITS + len(_BUCKETS) + 1
_LONGEST = _MICROSECONDS + 1
_STORED = _LONGEST + 1
_SPOOLED = _STORED + 1
_TAKEN_UP = _SPOOLED + 1
_LOST = _TAKEN_UP + 1
_FOLDED = _LOST + 1
_NOW = _FOLDED + 1
_SIZE = _NOW + len(_GAUGES)

_ANSWER_AT = {
    prefix: {status: _ANSWERS + row * len(_STATUSES) + at for at, status in enumerate(_STATUSES)}
    for row, prefix in enumerate(_ROUTES)
}


def _class(flags: int) -> int:
    """Return the place in the classes of what a request said of itself."""
    return 3 if flags & Flag.PREVIEW else 2 if flags & Flag.SPECULATIVE else 1 if flags & Flag.HEAD else 0


_CLASS_OF = [_class(flags) for flags in range(256)]
_HIT_AT = [
    [_HITS + (kind - 1) * len(_CLASSES) + each for each in _CLASS_OF] for kind in range(len(EventKind) + 1)
]
_REASON_AT = {reason: at for at, reason in enumerate(_REASONS)}


class Counters:
    """The numbers of one collector. Make it before the workers are forked; each takes its row then."""

    def __init__(self, workers: int = 1) -> None:
        from importlib.metadata import version

        self._version = version("pixeltrack")
        self._workers = workers
        self._started = time.time()
        self._all = memoryview(mmap.mmap(-1, 8 * _SIZE * workers)).cast("Q")
        self.take_row(0)

    def take_row(self, worker: int) -> None:
        """Count in a row of one's own from now on, as two that add to one number lose some."""
        self._row = self._all[worker * _SIZE : (worker + 1) * _SIZE]

    # -- counting: on the way of every request, so without much ado --------------------------------------

    def answered(self, path: str, status: str) -> None:
        """Count an answer, by the path that was asked for and the status line."""
        by_status = _ANSWER_AT.get(path[:3], _ANSWER_AT[""])
        self._row[by_status.get(status[:3], by_status["other"])] += 1

    def hit(self, kind: EventKind, flags: int) -> None:
        """Count a hit that goes into the store."""
        self._row[_HIT_AT[kind][flags & 0xFF]] += 1

    def not_counted(self, kind: EventKind, reason: str) -> None:
        """Count a hit that was answered only; reason is one of those above."""
        self._row[_NOT_COUNTED + (kind - 1) * len(_REASONS) + _REASON_AT[reason]] += 1

    def stored(self, hits: int, seconds: float) -> None:
        """Count a commit of hits that had not been in the spool."""
        row = self._row
        row[_STORED] += hits
        row[_COMMITS + bisect_left(_BUCKETS, seconds)] += 1
        microseconds = int(seconds * 1_000_000)
        row[_MICROSECONDS] += microseconds
        if microseconds > row[_LONGEST]:
            row[_LONGEST] = microseconds

    def spooled(self, hits: int) -> None:
        self._row[_SPOOLED] += hits

    def taken_up(self, hits: int) -> None:
        self._row[_TAKEN_UP] += hits

    def lost(self, hits: int) -> None:
        self._row[_LOST] += hits

    def folded(self, hits: int) -> None:
        """Count hits that the store has added to counts, beyond their URL's share of an hour."""
        self._row[_FOLDED] += hits

    def now(self, *, waiting: int | None = None, spool: int | None = None, open_: int | None = None) -> None:
        """Note how things stand: hits in memory, bytes in the spool, connections."""
        for at, value in enumerate((waiting, spool, open_), start=_NOW):
            if value is not None:
                self._row[at] = value

    @property
    def total_lost(self) -> int:
        """How many hits all workers have lost."""
        return int(sum(self._all[_LOST::_SIZE]))

    # -- telling -----------------------------------------------------------------------------------------

    def exposition(self) -> bytes:
        """Return all numbers of all workers, added up, in the text format of Prometheus."""
        rows = [self._all[at : at + _SIZE].tolist() for at in range(0, len(self._all), _SIZE)]
        total = list(map(sum, zip(*rows, strict=True)))
        lines: list[str] = []

        def family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> None:
            lines.extend((f"# HELP pixeltrack_{name} {text}", f"# TYPE pixeltrack_{name} {kind}"))
            lines.extend(f"pixeltrack_{name}{label} {_number(value)}" for label, value in samples)

        family("info", "gauge", "The running version.", [(f'{{version="{self._version}"}}', 1)])
        family("start_time_seconds", "gauge", "When it was started, Unix time.", [("", self._started)])
        family("workers", "gauge", "Worker processes; all numbers are their sums.", [("", self._workers)])
        family(
            "answers_total",
            "counter",
            "Answers by route and status.",
            (
                (f'{{route="{route}",status="{status}"}}', total[_ANSWER_AT[prefix][status]])
                for prefix, route in _ROUTES.items()
                for status in _STATUSES
            ),
        )
        family(
            "hits_total",
            "counter",
            "Hits that go into the store, by kind and by what the request said of itself.",
            _by_kind(total[_HITS:_NOT_COUNTED], "class", _CLASSES),
        )
        family(
            "hits_not_counted_total",
            "counter",
            "Hits that were answered and not recorded, by kind and reason.",
            _by_kind(total[_NOT_COUNTED:_COMMITS], "reason", [each.replace(" ", "_") for each in _REASONS]),
        )
        for name, at, text in (
            ("stored_hits_total", _STORED, "Hits that went straight into the store."),
            ("spooled_hits_total", _SPOOLED, "Hits that went into the spool."),
            ("taken_up_hits_total", _TAKEN_UP, "Hits that went from the spool into the store."),
            ("lost_hits_total", _LOST, "Hits that neither store, spool nor memory could take."),
            ("folded_hits_total", _FOLDED, "Stored hits beyond their URL's share of an hour: counted only."),
        ):
            family(name, "counter", text, [("", total[at])])
        family("commit_seconds", "histogram", "How long a commit to the store took.", _histogram(total))
        longest = max(row[_LONGEST] for row in rows) / 1_000_000
        family("commit_seconds_max", "gauge", "The longest commit since the start.", [("", longest)])
        for at, name in enumerate(_GAUGES, start=_NOW):
            text = {
                "waiting_hits": "Hits in memory that are not on the disk.",
                "spool_bytes": "Bytes of hits in the spool.",
                "open_connections": "Connections that are open.",
            }[name]
            family(name, "gauge", text, [("", total[at])])
        return ("\n".join(lines) + "\n").encode("ascii")


def _by_kind(values: list[int], label: str, names: Iterable[str]) -> Iterable[tuple[str, float]]:
    labels = [(kind.name.lower(), name) for kind in EventKind for name in names]
    for (kind, name), value in zip(labels, values, strict=True):
        yield f'{{kind="{kind}",{label}="{name}"}}', value


def _histogram(total: list[int]) -> Iterable[tuple[str, float]]:
    """Samples whose names go on behind the family's: buckets add up, as Prometheus wants them."""
    reached = 0
    for at, bound in enumerate((*map(str, _BUCKETS), "+Inf")):
        reached += total[_COMMITS + at]
        yield f'_bucket{{le="{bound}"}}', reached
    yield "_sum", total[_MICROSECONDS] / 1_000_000
    yield "_count", reached


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(round(value, 6))
