"""``report --conversions`` and ``report --funnel``: what was asked for, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.cli.printed import Form, printed
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.earnings import Wanted
    from pixeltrack.heard import Span
    from pixeltrack.show.page import ReportPages
    from pixeltrack.store import Store
    from pixeltrack.times import Zone
    from pixeltrack.verdicts import Failed, Progress


def read_wanted(model: str | None, window: str | None, half_life: str | None, goal: str | None) -> Wanted:
    """Return how conversions are to be shared out, as the options say; raise InputError for what is wrong."""
    from pixeltrack.attribution import HALF_LIFE, WINDOW, Rule, read_length, read_model
    from pixeltrack.earnings import Wanted

    name = read_model(model) if model is not None else "last-click"
    if half_life is not None and name != "time-decay":
        raise InputError("--half-life is for --model time-decay", hint="leave it out, or give that model")
    rule = Rule(
        name,
        WINDOW if window is None else read_length(window, "--window"),
        HALF_LIFE if half_life is None else read_length(half_life, "--half-life"),
    )
    return Wanted(rule, goal)


@dataclass(frozen=True, slots=True)
class Written:
    """Where a page goes, and how it is made."""

    path: Path
    pages: ReportPages
    say: Callable[[str], None]

    def later(self, page: bytes) -> Callable[[], None]:
        """Return what writes the page."""
        from pixeltrack.cli.inputs import replace_own

        def show() -> None:
            replace_own(self.path, page, self.pages.mark, "--html")
            self.say(f"wrote {self.path}")

        return show


@dataclass(frozen=True, slots=True)
class Conversions:
    """What conversions have earned, of one campaign or of all."""

    campaign: str | None
    wanted: Wanted
    span: Span
    form: Form
    written: Written | None

    def steps(self, store: Store) -> int:
        return 0

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Callable[[], None]:
        from pixeltrack import earnings, verdicts
        from pixeltrack.clock import now_ms
        from pixeltrack.show import earned as shown

        campaign = None if self.campaign is None else store.campaign(self.campaign)
        _check_goals(store)
        verdicts.bring_up_to_date(store, progress, failed)
        found = earnings.build(store, now_ms(), campaign, self.wanted.goal, self.wanted.rule, self.span)
        if self.written:
            return self.written.later(self.written.pages.earned(found, None))
        return printed(self.form, shown, found)


@dataclass(frozen=True, slots=True)
class Far:
    """How far the recipients of a campaign came."""

    campaign: str
    wanted: Wanted
    span: Span
    zone: Zone
    form: Form
    written: Written | None

    def steps(self, store: Store) -> int:
        return 0

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Callable[[], None]:
        from pixeltrack import report
        from pixeltrack.show import funnel as shown

        store.campaign(self.campaign)
        _check_goals(store)
        found = report.build(
            store,
            self.campaign,
            progress,
            failed,
            zone=self.zone,
            span=self.span,
            wanted=self.wanted,
        ).funnel
        if found is None:  # the goal went meanwhile
            raise InputError("no site tells of anything any more")
        if self.written:
            return self.written.later(self.written.pages.earned(None, found))
        return printed(self.form, shown, found)


def _check_goals(store: Store) -> None:
    if not store.has_goals():
        raise InputError(
            "no site tells of conversions yet",
            hint="pixeltrack goal add order --site shop.example is the beginning",
        )
