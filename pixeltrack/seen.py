"""Which pages of a site were seen: by people one by one, by everybody else together, and by machines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pixeltrack import agents, published
from pixeltrack.model import ClientClass
from pixeltrack.store import Site, Store


@dataclass(frozen=True, slots=True)
class PageViews:
    """Views of one page, or of a site. ``people`` are how many of them made ``by_people`` views.

    ``others`` and ``honoured`` (views by browsers that ask not to be followed, which are among them) are as
    they may be published; ``machines`` too, where nobody in particular led them there. ``first`` and ``last``
    are when people did (ms UTC), None where nobody did.
    """

    path: str
    people: int
    by_people: int
    others: int
    honoured: int
    machines: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class SiteViews:
    """A site's pages, most seen first, with what and when: devices and days of people and of others apart.

    A day is its date in UTC.
    """

    host: str
    pages: list[PageViews]
    total: PageViews
    devices: dict[str, tuple[int, int]]
    browsers: dict[str, int]
    days: dict[str, tuple[int, int]]


@dataclass
class _Sum:
    who: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    moments: list[int] = field(default_factory=list)

    def figures(self, path: str) -> PageViews:
        counts = self.counts
        others, honoured, machines = (
            published.rounded(counts[name]) for name in ("others", "honoured", "machines")
        )
        return PageViews(
            *(path, len(self.who), counts["by_people"], others, honoured),
            *(counts["known machines"] + machines, min(self.moments, default=None)),
            max(self.moments, default=None),
        )


def sites_of(store: Store, host: str | None, now: int) -> list[SiteViews]:
    """Return what was seen of one site or of all; now is ms UTC.

    Raises InputError for a site that is not there.
    """
    sites = store.sites() if host is None else [store.site(host.lower())]
    return [_site(store, site, published.last_hour(now, now)) for site in sites]


def _site(store: Store, site: Site, before: int) -> SiteViews:
    pages: defaultdict[str, _Sum] = defaultdict(_Sum)
    total = _Sum()
    devices: defaultdict[str, Counter[int]] = defaultdict(Counter)
    browsers = Counter[str]()
    for row in store.pages_seen(site.site_id, before):
        machine = row.client == ClientClass.MACHINE
        name = (
            ("known machines" if machine else "by_people")
            if row.person
            else ("machines" if machine else "others")
        )
        for each in (pages[row.path], total):
            each.counts[name] += row.views
            each.counts["honoured"] += row.views if row.signal and not machine else 0
            if row.person and not machine:
                each.who.update(json.loads(row.people))
                each.moments += [at for at in (row.first, row.last) if at is not None]
        if not machine:
            devices[ClientClass(row.client).name.lower().replace("_", " ")][row.person] += row.views
        if row.person and not machine:
            browsers[agents.describe(row.agent).browser or "not told"] += row.views
    found = [each.figures(path) for path, each in pages.items()]
    return SiteViews(
        site.host,
        sorted(found, key=lambda page: (-page.by_people, -page.others, page.path)),
        total.figures(""),
        {name: (views[1], published.rounded(views[0])) for name, views in sorted(devices.items())},
        dict(browsers.most_common()),
        {day: (views[1], published.rounded(views[0])) for day, views in _days(store, site, before).items()},
    )


def _days(store: Store, site: Site, before: int) -> dict[str, Counter[int]]:
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for day, person, views in store.days_seen(site.site_id, before):
        found[f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"][person] += views
    return found
