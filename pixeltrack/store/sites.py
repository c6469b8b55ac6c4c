"""Sites and goals: what may tell of visits and orders."""

from __future__ import annotations

from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.store.database import Database


class Site(NamedTuple):
    """A site of the sender's own. ``generation`` is its key's; ``created`` is ms UTC."""

    site_id: int
    host: str
    generation: int
    created: int


class Goal(NamedTuple):
    """What may be reached on a site. ``created`` is ms UTC."""

    goal_id: int
    name: str
    site_id: int
    host: str
    created: int


class Sites(Database):
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
        with self._transaction() as connection:
            connection.execute("insert or ignore into sites (host, created) values (?, ?)", [host, now])
        return self.site(host)

    def add_goal(self, name: str, site: Site, now: int) -> Goal:
        """Return a goal, which is made where there is none of that name.

        Raises InputError for one of another site.
        """
        with self._transaction() as connection:
            insert = "insert or ignore into goals (name, site_id, created) values (?, ?, ?)"
            connection.execute(insert, [name, site.site_id, now])
        goal = self.goal(name)
        if goal.site_id != site.site_id:
            raise InputError(f"goal {name!r} is of {goal.host}", hint=f"another name, such as {name}-2")
        return goal

    def renew_site_key(self, host: str) -> Site:
        """Give a site another key; the one before it holds still, the ones before that no more."""
        site = self.site(host)
        with self._transaction() as connection:
            connection.execute(
                "update sites set generation = generation + 1 where site_id = ?", [site.site_id]
            )
        return self.site(host)

    def reached(self) -> dict[int, int]:
        """Return how often each goal was reached, by its number; refunds and corrections are not counted."""
        return dict(
            self._plain(
                "select goal_id, count(*) from conversions where value >= 0 and not whole group by goal_id"
            )
        )

    def set_attribute(self, campaign_id: int, name: str) -> None:
        """Say which parameter the redirect adds to a campaign's destinations on sites; empty: none."""
        with self._transaction() as connection:
            connection.execute(
                "update campaigns set attribute = ? where campaign_id = ?", [name, campaign_id]
            )

    def latest_copy(self, subject: bytes) -> tuple[int, int] | None:
        """Return the campaign and message of the newest mail of somebody whose clicks are kept one by one."""
        rows = self._plain(
            "select campaign_id, message from recipients join messages using (recipient_id)"
            " where subject = ? and messages.clicks = 5 order by campaign_id desc limit 1",
            [subject],
        )
        return (rows[0][0], rows[0][1]) if rows else None
