"""The reports of hits that ``report`` can make: whole, as a page, by a property, and who it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pixeltrack.cli.printed import Form, printed, put
from pixeltrack.errors import InputError
from pixeltrack.figures import CampaignReport

if TYPE_CHECKING:
    from pixeltrack.cli.earned import Written
    from pixeltrack.earnings import Wanted
    from pixeltrack.heard import Span
    from pixeltrack.properties import By
    from pixeltrack.store import Store
    from pixeltrack.times import Zone
    from pixeltrack.verdicts import Failed, Progress

Show = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Whole:
    """One campaign in full, or all of them."""

    campaign: str | None
    span: Span
    zone: Zone
    wanted: Wanted
    form: Form
    full: bool
    say: Callable[[str], None]

    def steps(self, store: Store) -> int:
        return 0

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Show:
        brief = self.form == "terminal" and not self.full
        wanted = None if brief else self.wanted  # on a screen that is looked at all day long it has no place
        found = _reports(store, self.campaign, self.span, self.zone, wanted, progress, failed)
        return lambda: self._show(found)

    def _show(self, found: CampaignReport | list[CampaignReport]) -> None:
        if self.form == "json":
            from pixeltrack.show.json import as_json

            click.echo(as_json(found))
            return
        if self.form == "csv":
            from pixeltrack.show.wide import as_csv

            put(as_csv([found] if isinstance(found, CampaignReport) else found))
            return
        from rich.console import Console

        from pixeltrack.show import brief, terminal

        console = Console(highlight=False)
        if isinstance(found, CampaignReport):
            (terminal.show_report if self.full else brief.show_brief)(console, found)
        elif found:
            terminal.show_overview(console, found)
        else:
            self.say("no campaign yet; pixeltrack inject makes one")


@dataclass(frozen=True, slots=True)
class Page:
    """The same as a page of HTML."""

    campaign: str | None
    span: Span
    zone: Zone
    wanted: Wanted
    written: Written

    def steps(self, store: Store) -> int:
        return 0

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Show:
        from pixeltrack import report

        pages = self.written.pages
        wanted = self.wanted if self.campaign is not None else None
        found = _reports(store, self.campaign, self.span, self.zone, wanted, progress, failed)
        if isinstance(found, CampaignReport):
            page = pages.campaign(found, report.kept_mails(store, found.campaign))
        else:
            page = pages.overview(found)
        return self.written.later(page)


def _reports(
    store: Store,
    campaign: str | None,
    span: Span,
    zone: Zone,
    wanted: Wanted | None,
    progress: Progress | None,
    failed: Failed,
) -> CampaignReport | list[CampaignReport]:
    from pixeltrack import report

    if campaign is None:
        return report.build_all(store, progress, failed, zone=zone, span=span, wanted=wanted)
    return report.build(store, campaign, progress, failed, zone=zone, span=span, wanted=wanted)


@dataclass(frozen=True, slots=True)
class ByProperty:
    """One campaign's hits by one of their properties."""

    campaign: str
    by: By
    span: Span
    zone: Zone
    form: Form

    def steps(self, store: Store) -> int:
        return hits_of(store, self.campaign)

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Show:
        from pixeltrack import breakdown, heard, verdicts
        from pixeltrack.show import breakdown as shown

        campaign, waiting = store.campaign(self.campaign), store.unjudged()
        verdicts.bring_up_to_date(store, progress, failed)
        told = heard.adding(progress, waiting)
        found = breakdown.build(store, campaign, self.by, self.span, self.zone, told)
        return printed(self.form, shown, found)


@dataclass(frozen=True, slots=True)
class Listed:
    """Who opened, clicked, or did not."""

    campaign: str
    what: str
    span: Span
    zone: Zone
    form: Form

    def steps(self, store: Store) -> int:
        return hits_of(store, self.campaign)

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Show:
        from pixeltrack import heard, verdicts, who
        from pixeltrack.show import who as shown

        campaign = store.campaign(self.campaign)
        wanted = who.read(store, campaign, self.what)
        waiting = store.unjudged()
        verdicts.bring_up_to_date(store, progress, failed)
        found = who.build(store, campaign, wanted, self.span, heard.adding(progress, waiting))
        return printed(self.form, shown, found)


@dataclass(frozen=True, slots=True)
class Idle:
    """Who has not opened since a day (since 1970-01-01, UTC)."""

    since: int
    form: Form

    def steps(self, store: Store) -> int:
        return sum(store.hit_counts().values())

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Show:
        from pixeltrack import heard, inactive, verdicts
        from pixeltrack.show import inactive as shown

        waiting = store.unjudged()
        verdicts.bring_up_to_date(store, progress, failed)
        return printed(self.form, shown, inactive.build(store, self.since, heard.adding(progress, waiting)))


def hits_of(store: Store, name: str) -> int:
    """Return how many hits a campaign has, which are counted one by one."""
    return store.hit_counts().get(store.campaign(name).campaign_id, 0)


def way(name: str) -> By:
    """Return a property by its name; raise InputError for one that hits do not have."""
    from pixeltrack.properties import WAYS

    for known in WAYS:
        if known == name:
            return known
    raise InputError(f"hits have no {name[:40]!r}", hint=f"--by is one of {', '.join(WAYS)}")
