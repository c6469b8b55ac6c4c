"""Sites and goals: what may tell of visits and orders."""

from __future__ import annotations

from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.model import RANK
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000  # as of ``Trail``


class Site(NamedTuple):
    """A site of the sender's own. ``generation`` is its key's; ``created`` is ms UTC."""

    site_id: int
    host: str
    generation: int
    created: int

    @property
    def generations(self) -> range:
        """The keys that hold: the present one, and the one before it."""
        return range(max(1, self.generation - 1), self.generation + 1)


class Goal(NamedTuple):
    """What may be reached on a site. ``created`` is ms UTC."""

    goal_id: int
    name: str
    site_id: int
    host: str
    created: int


class Reached(NamedTuple):
    """How often a goal was reached, and how it was told: signed; against what was told before; by browsers
    whose signal was honoured; not kept, as an hour had too many that nobody signed."""

    times: int = 0
    verified: int = 0
    contradicted: int = 0
    signals: int = 0
    beyond: int = 0


class PageRow(NamedTuple):
    """Views of one page by one client: ``person`` is 1 where they are of people one by one, ``people`` of
    how many, ``first`` and ``last`` when (ms UTC); ``agent`` is theirs. ``client`` is a ClientClass,
    ``signal`` as in page_counters."""

    path: str
    person: int
    client: int
    agent: str
    signal: int
    views: int
    first: int | None
    last: int | None
    people: str


class Sites(Trail):
    """The part of the store that knows them."""

    def sites(self) -> list[Site]:
        """Return all sites by their hosts."""
        return [Site(*row) for row in self._plain("select * from sites order by host")]

    def goals(self) -> list[Goal]:
        """Return all goals by their names."""
        return [
            Goal(*row)
            for row in self._plain(
                "select goal_id, name, site_id, host, goals.created from goals join sites using (site_id)"
                " order by name"
            )
        ]

    def goal(self, name: str) -> Goal:
        """Return a goal by its name; raise InputError, with the names there are."""
        goals = {goal.name: goal for goal in self.goals()}
        if name not in goals:
            there = f"there are {', '.join(goals)}" if goals else "pixeltrack goal add makes one"
            raise InputError(f"no goal {name!r}", hint=there)
        return goals[name]

    def site(self, host: str) -> Site:
        """Return a site by its host; raise InputError, with the hosts there are."""
        sites = {site.host: site for site in self.sites()}
        if host not in sites:
            there = f"there are {', '.join(sites)}" if sites else "pixeltrack goal add --site makes one"
            raise InputError(f"no site {host!r}", hint=there)
        return sites[host]

    def add_site(self, host: str, now: int) -> Site:
        """Return a site, which is made where there is none of that host."""
        with self._transaction(_BUSY_MS) as connection:
            insert = "insert or ignore into sites (host, created) values (?, ?)"
            if connection.execute(insert, [host, now]).rowcount > 0:
                self.note("site", host, at=now)
        return self.site(host)

    def add_goal(self, name: str, site: Site, now: int) -> Goal:
        """Return a goal, which is made where there is none of that name.

        Raises InputError for one of another site.
        """
        with self._transaction(_BUSY_MS) as connection:
            insert = "insert or ignore into goals (name, site_id, created) values (?, ?, ?)"
            if connection.execute(insert, [name, site.site_id, now]).rowcount > 0:
                self.note("goal", f"{name} on {site.host}", at=now)
        goal = self.goal(name)
        if goal.site_id != site.site_id:
            raise InputError(f"goal {name!r} is of {goal.host}", hint=f"another name, such as {name}-2")
        return goal

    def renew_site_key(self, host: str) -> Site:
        """Give a site another key; the one before it holds still, the ones before that no more."""
        site = self.site(host)
        with self._transaction(_BUSY_MS) as connection:
            connection.execute(
                "update sites set generation = generation + 1 where site_id = ?", [site.site_id]
            )
            self.note("site key", f"{host}, number {site.generation + 1}")
        return self.site(host)

    def reached(self) -> dict[int, Reached]:
        """Return what is known of each goal, by its number; refunds and corrections are not counted."""
        return {row[0]: Reached(*row[1:]) for row in self._plain(query("reached"))}

    def is_signed(self, goal_id: int, order: str, entry: str) -> bool:
        """Return whether an order, or a refund of one, is known by a signed call."""
        select = "select 1 from conversions where goal_id = ? and order_id = ? and entry = ? and verified"
        return bool(self._plain(select, [goal_id, order, entry]))

    def attributes(self) -> dict[int, str]:
        """Return which parameter campaigns ask for, by their numbers, without those that ask for none."""
        return dict(self._plain("select campaign_id, attribute from campaigns where attribute <> ''"))

    def set_attribute(self, campaign_id: int, name: str) -> None:
        """Say which parameter the redirect adds to a campaign's destinations on sites; empty: none."""
        with self._transaction(_BUSY_MS) as connection:
            campaign = connection.execute(
                "update campaigns set attribute = ?1 where campaign_id = ?2 and attribute <> ?1"
                " returning name",
                [name, campaign_id],
            ).fetchone()
            if campaign:
                self.note("attribute", f"{campaign[0]}: {name or 'none'}")

    def latest_copy(self, subject: bytes) -> tuple[int, int] | None:
        """Return the campaign and message of the newest mail of somebody whose clicks are kept one by one."""
        rows = self._plain(query("latest_copy"), {"subject": subject, "individual": RANK["individual"]})
        return (rows[0][0], rows[0][1]) if rows else None

    def pages_seen(self, site_id: int, before: int) -> list[PageRow]:
        """Return views of a site's pages: of people one by one, all others of hours before a time (ms)."""
        asked = {"site_id": site_id, "before": before}
        return [PageRow(*row) for row in self._plain(query("pages_seen"), asked)]

    def days_seen(self, site_id: int, before: int) -> list[tuple[int, int, int]]:
        """Return views of a site by day (since 1970, UTC), 1 for people's and 0 for others', and how many."""
        asked = {"site_id": site_id, "before": before}
        return [(day, person, views) for day, person, views in self._plain(query("days_seen"), asked)]
