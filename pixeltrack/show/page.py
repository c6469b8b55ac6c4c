"""Reports as pages of HTML: one file each, that loads nothing and needs nothing but a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pixeltrack.earned import Earnings, Funnel
from pixeltrack.figures import CampaignReport, LinkFigures
from pixeltrack.looks import Looks
from pixeltrack.model import Mail
from pixeltrack.published import said
from pixeltrack.resources import templates_dir
from pixeltrack.show import charts, earnedpage
from pixeltrack.show.drawn import draw
from pixeltrack.show.parts import deleted, incomplete
from pixeltrack.show.reasons import reason
from pixeltrack.show.text import DASH, clean, count, iso, percent

if TYPE_CHECKING:
    from markupsafe import Markup

# What each page may use; docs/reports.md says what each of these is.
VARIABLES = {
    "report.html": {
        *("report", "deleted", "incomplete", "figure", "links", "mails", "timeline", "heat", "part_bar"),
        *("days", "earned"),
    },
    "report-overview.html": {"reports", "figure"},
    "report-conversions.html": {"about", "earned"},
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ReportPages:
    """The pages of reports. Raises InputError for a folder or template of the user's that cannot work.

    Each page ends in ``mark``, by which a file is known as one of ours.
    """

    mark = b"<!-- a report by pixeltrack -->\n"

    def __init__(self, user_templates: Path | None = None) -> None:
        filters: dict[str, Callable[..., object]] = {
            "clean": clean,
            "count": count,
            "percent": percent,
            "reason": reason,
            "when": when,
            "iso": iso,
        }
        self._looks = Looks(templates_dir() / "report", user_templates, filters, trim=True)
        self._looks.style("report.css")
        self._badges = self._looks.source("mail.css")
        self._looks.check("report-base.html", set[str]().union(*VARIABLES.values()))
        self._looks.check("report-earned.html", {"earned"})
        for name, known in VARIABLES.items():
            self._looks.check(name, known)

    def campaign(self, report: CampaignReport, mails: Sequence[Mail]) -> bytes:
        """Return one campaign's report with its mail, or that of each version, as UTF-8."""
        several: Sequence[Mail | None] = mails or [None]
        shown = [_shown(mail, report.links, self._badges) for mail in several]
        return self._page(
            "report.html",
            report=report,
            deleted=deleted(report),
            incomplete=incomplete(report),
            figure=figures_of(report),
            links=ranked(report.links),
            mails=shown,
            timeline=charts.timeline(report),
            heat=charts.heat(report.week),
            part_bar=charts.part_bar,
            days=_DAYS,
            earned=_sections(report.conversions, report.funnel, "conversions.", "funnel."),
        )

    def earned(self, conversions: Earnings | None, funnel: Funnel | None) -> bytes:
        """Return a page of what conversions earned, of how far people came, or both, as UTF-8."""
        name = (funnel.campaign if funnel else conversions and conversions.campaign) or "All campaigns"
        return self._page("report-conversions.html", about=name, earned=_sections(conversions, funnel))

    def overview(self, reports: Sequence[CampaignReport]) -> bytes:
        """Return all campaigns on one page, as UTF-8."""
        return self._page("report-overview.html", reports=reports, figure=figures_of(reports))

    def _page(self, name: str, **values: object) -> bytes:
        text = self._looks.render(name, values)
        return text.rstrip().encode("utf-8", "replace") + b"\n" + self.mark


def _sections(conversions: Earnings | None, funnel: Funnel | None, *roots: str) -> list[earnedpage.Section]:
    """Return the sections there are; ``roots`` are where the JSON of each begins."""
    first, second = roots or ("", "")
    found = [earnedpage.funnel(funnel, second)] if funnel else []
    return found + ([earnedpage.earned(conversions, first)] if conversions else [])


class ShownMail(NamedTuple):
    """A mail on a page: its version's name where it has any, and what goes into the frame's attribute."""

    version: str
    frame: Markup
    why_not: str
    elsewhere: tuple[int, ...]  # numbers of its links that cannot be seen on it


def _shown(mail: Mail | None, links: Sequence[LinkFigures], badges: str) -> ShownMail:
    drawn = draw(mail, links, badges)
    own = set(mail.numbers.values()) if mail else set()
    version = (
        next((link.version for link in links if link.number in own), "") if mail and mail.version else ""
    )
    missing = tuple(
        link.number for link in links if link.number not in drawn.numbers and link.version == version
    )
    return ShownMail(version, _attribute(drawn.frame), drawn.why_not, missing)


def figures_of(root: object) -> Callable[..., Markup]:
    """Return the function that prints one figure of a report, by its path: as in JSON, with dots.

    Each is a ``<data>`` element, so that a program can read the exact value: numbers as they are, rates
    as 0 to 1, empty where a figure has no meaning. Of ``published`` ones 0 is shown as what it stands for.
    """
    from markupsafe import Markup

    def figure(path: str, *, short: bool = False, published: bool = False) -> Markup:
        value = _at(root, path)
        text = _short(value) if short and isinstance(value, int) else shown(value)
        if published:
            text = said(value)
        exact = "" if value is None else json.dumps(value)
        return Markup('<data value="{}" data-figure="{}">{}</data>').format(exact, path, text)

    return figure


def shown(value: int | float | None) -> str:
    """Return a figure as people read it: a number, or a rate in percent."""
    return percent(value) if isinstance(value, float) else count(value)


def _short(value: int) -> str:
    """Return a number that fits into a cell."""
    return f"{value // 1000:,}k" if value >= 10_000 else count(value)


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else getattr(value, step)
    return value


def ranked(links: Sequence[LinkFigures]) -> list[tuple[int, LinkFigures]]:
    """Return links with their places in the report, the most clicked first."""
    return sorted(enumerate(links), key=lambda item: (-item[1].clicks.unique, -item[1].clicks.total, item[0]))


def when(at: int | str | None) -> str:
    """Return a time in words, to the minute: one in ms UTC as UTC, one in ISO 8601 as it says."""
    if at is None:
        return DASH
    moment = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def _attribute(text: str) -> Markup:
    """Return text as the value of an attribute in double quotes, in as few characters as can be."""
    from markupsafe import Markup

    return Markup(text.replace("&", "&amp;").replace('"', "&quot;"))  # noqa: S704 - escaped right here
