"""What ``report`` was asked for: options that fit together, or an error that says which do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import click

from pixeltrack.cli.beside import Beside
from pixeltrack.cli.printed import Form
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.heard import Span
    from pixeltrack.store import Store
    from pixeltrack.times import Zone
    from pixeltrack.verdicts import Failed, Progress


Say = Callable[[str], None]


class Report(Protocol):
    """Something that can be reported."""

    def steps(self, store: Store) -> int:
        """Return how many hits it counts one by one, beside those that are yet to be judged."""

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Callable[[], None]:
        """Return what prints it, when the store is closed. Raises PixeltrackError."""


class Earning(NamedTuple):
    """The options that say how conversions are shared out, as they were given."""

    model: str | None = None
    window: str | None = None
    half_life: str | None = None
    goal: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The options as they were given."""

    more: tuple[str, ...]
    campaign: str | None
    compared: tuple[str, ...]
    ab: bool
    by: str | None
    who: str | None
    inactive_since: str | None
    since: str | None
    until: str | None
    tz: str | None
    html: Path | None
    templates: Path | None
    csv: bool
    json: bool
    full: bool
    conversions: bool
    funnel: bool
    earning: Earning


def wanted(options: Options, say: Say) -> Report:
    """Return the report that is wanted; ``say`` prints what is no data.

    Raises InputError, or UsageError, for options that do not fit.
    """
    named = {
        "--compare": bool(options.compared),
        "--ab": options.ab,
        "--by": options.by is not None,
        "--who": options.who is not None,
        "--inactive-since": options.inactive_since is not None,
        "--conversions": options.conversions,
        "--funnel": options.funnel,
        "--html": options.html is not None and not (options.conversions or options.funnel),
    }
    kinds = [name for name, given in named.items() if given]
    if len(kinds) > 1:
        raise InputError(f"{kinds[0]} and {kinds[1]} are two runs", hint="leave one out")
    kind = kinds[0] if kinds else ""
    forms = [name for name, given in (("--csv", options.csv), ("--json", options.json)) if given]
    if len(forms) > 1:
        raise InputError("--csv and --json exclude each other")
    if options.html is not None and forms:
        raise InputError(f"--html and {forms[0]} are two runs", hint="leave one out")
    if options.templates and options.html is None:
        raise InputError("--templates is for --html", hint="add --html FILE")
    if options.full and (kind or forms):
        raise InputError(f"--full is for the report of a campaign, not for {(kind or forms[0])}")
    _check_campaign(options, kind)
    _check_earning(options, kind)
    form: Form = "json" if options.json else "csv" if options.csv else "terminal"
    if kind == "--compare":
        return Beside((*options.compared, *options.more), False, form)
    if kind == "--ab" and options.campaign is not None:
        return Beside((options.campaign,), True, form)
    return _of_hits(options, form, say)


def _check_campaign(options: Options, kind: str) -> None:
    if options.more and kind != "--compare":
        name = options.more[0]
        raise click.UsageError(f"Got unexpected extra argument ({name}). One campaign is --campaign {name}.")
    if kind == "--compare" and options.campaign is not None:
        raise InputError(
            "--compare and --campaign exclude each other",
            hint="--campaign NAME --ab puts the versions of one campaign beside each other",
        )
    if kind in ("--ab", "--by", "--who", "--funnel") and options.campaign is None:
        raise InputError(f"{kind} needs --campaign", hint="it is about one campaign")
    if kind == "--inactive-since" and options.campaign is not None:
        raise InputError(
            "--inactive-since and --campaign exclude each other", hint="it is about all mail of a person"
        )
    if kind in ("--compare", "--ab", "--inactive-since"):
        given = next((name for name in ("since", "until", "tz") if getattr(options, name) is not None), None)
        if given:
            raise InputError(f"--{given} and {kind} do not go together", hint="leave one out")


def _check_earning(options: Options, kind: str) -> None:
    for name, given in options.earning._asdict().items():
        page = kind == "--html" and options.campaign is not None
        if given is None or kind == "--conversions" or page or (kind, name) == ("--funnel", "goal"):
            continue
        hint = "add --conversions" if kind in ("", "--html") else f"{kind} goes without it"
        raise InputError(f"--{name.replace('_', '-')} is about conversions", hint=hint)


def _of_hits(options: Options, form: Form, say: Say) -> Report:
    from pixeltrack.cli import earned, reported

    if options.inactive_since is not None:
        return reported.Idle(_day(options.inactive_since), form)
    zone, span = _times(options)
    if options.by is not None and options.campaign is not None:
        return reported.ByProperty(options.campaign, reported.way(options.by), span, zone, form)
    if options.who is not None and options.campaign is not None:
        return reported.Listed(options.campaign, options.who, span, zone, form)
    wanted = earned.read_wanted(*options.earning)
    written = None
    if options.html is not None:
        from pixeltrack.show.page import ReportPages

        pages = ReportPages(options.templates)  # before anything is counted: a template may not work
        written = earned.Written(options.html, pages, say)
    if options.conversions:
        return earned.Conversions(options.campaign, wanted, span, form, written)
    if options.funnel and options.campaign is not None:
        return earned.Far(options.campaign, wanted, span, zone, form, written)
    if written:
        return reported.Page(options.campaign, span, zone, wanted, written)
    return reported.Whole(options.campaign, span, zone, wanted, form, options.full, say)


def _day(given: str) -> int:
    """Return a date as days since 1970-01-01: what hygiene keeps is a day, in UTC."""
    from datetime import date

    try:
        return date.fromisoformat(given).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        raise InputError(
            f"--inactive-since {given[:40]!r} is no date", hint="for instance --inactive-since 2026-05-01"
        ) from None


def _times(options: Options) -> tuple[Zone, Span]:
    from pixeltrack.heard import Span
    from pixeltrack.times import local_zone, read_time, read_zone

    zone = local_zone() if options.tz is None else read_zone(options.tz)
    times = {
        name: read_time(given, f"--{name}", zone)
        for name, given in (("since", options.since), ("until", options.until))
        if given is not None
    }
    span = Span(**times)
    if span.until <= span.since:
        raise InputError(f"--until {options.until} is not after --since {options.since}")
    return zone, span
