"""Campaigns and their link tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pixeltrack.errors import NoSuchCampaign, StoreError
from pixeltrack.model import RANK, Campaign, CampaignKind, LinkRow, Mail, Mode
from pixeltrack.store.mails import keep
from pixeltrack.store.versions import Versions
from pixeltrack.tokens import Keyring


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as it will be stored: nothing is written until ``Store.save_campaign``."""

    campaign: Campaign  # campaign_id 0 when it is new
    links: tuple[LinkRow, ...]  # of this run's mail, in the order that was asked for
    known: frozenset[int]  # numbers that the link table holds already
    mails: tuple[Mail, ...] = ()  # to be kept for reports
    versions: tuple[str, ...] = ()  # all names, also earlier ones; the first has number 1
    known_versions: int = 0  # how many of them are stored already


class Drafting:
    """A campaign in the making: mail after mail is given the numbers of its links, nothing is stored.

    A link keeps its number where version, position and address are the same as before; a changed one
    gets a new number, because mail already sent points at the old one.
    """

    def __init__(self, campaign: Campaign, stored: Sequence[LinkRow], versions: Sequence[str] = ()) -> None:
        self.campaign = campaign
        self._versions = list(versions)
        self._known_versions = len(versions)
        self._known = frozenset(link.number for link in stored)
        self._numbers = {(link.version, link.position, link.url): link.number for link in stored}
        self._taken = set(self._known)
        self._last = max(self._known, default=0)
        self._drafted: dict[int, LinkRow] = {}

    @property
    def versions(self) -> tuple[str, ...]:
        """Return the names of the versions so far, those of earlier runs first."""
        return tuple(self._versions)

    def version(self, name: str) -> int:
        """Return the number of a version, which is a new one where no version has that name yet."""
        if name not in self._versions:
            self._versions.append(name)
        return self._versions.index(name) + 1

    def number(self, links: Sequence[LinkRow]) -> CampaignDraft:
        """Give one mail's links their numbers, and return the campaign with them alone."""
        numbered = []
        for link in links:
            place = link.version, link.position, link.url
            number = self._numbers.get(place)
            if number is None:
                number = link.position if link.position not in self._taken else self._last + 1
                self._numbers[place] = number
                self._taken.add(number)
                self._last = max(self._last, number)
            row = replace(link, number=number)
            self._drafted.setdefault(number, row)
            numbered.append(row)
        return self._drafted_with(numbered)

    def draft(self) -> CampaignDraft:
        """Return the campaign with the links of all mails."""
        return self._drafted_with(self._drafted.values())

    def _drafted_with(self, links: Iterable[LinkRow]) -> CampaignDraft:
        return CampaignDraft(
            self.campaign,
            tuple(links),
            self._known,
            versions=self.versions,
            known_versions=self._known_versions,
        )


class Campaigns(Versions):
    """The part of the store that knows what was sent, and where its links go."""

    def campaigns(self) -> list[Campaign]:
        """Return every campaign, newest first."""
        return [Campaign(*row) for row in self._rows("campaigns")]

    def campaign(self, name: str) -> Campaign:
        """Return a campaign by name, or raise NoSuchCampaign with the names there are."""
        for row in self._rows("campaign_by_name", name=name):
            return Campaign(*row)
        raise NoSuchCampaign(name, [campaign.name for campaign in self.campaigns()])

    def campaign_by_code(self, code: str) -> Campaign | None:
        for row in self._rows("campaign_by_code", code=code):
            campaign = Campaign(*row)
            self._codes[campaign.campaign_id] = campaign.code
            return campaign
        return None

    def links(self, campaign_id: int) -> list[LinkRow]:
        """Return a campaign's link table, by number."""
        return [LinkRow(*row) for row in self._rows("link_table", campaign_id=campaign_id)]

    def destinations(self, campaign_id: int, first: int, behind: int) -> list[tuple[int, str]]:
        """Return (number, url) of a campaign's links from one number to before another, in order."""
        rows = self._rows("destinations", campaign_id=campaign_id, first=first, behind=behind)
        return [(number, url) for number, url in rows]

    def last_link(self, campaign_id: int) -> int:
        """Return the highest number in a campaign's link table, 0 when it is empty."""
        return int(self._rows("last_link", campaign_id=campaign_id)[0][0])

    def plain_link(self, campaign_id: int, number: int) -> str | None:
        """Return where a link goes without the tags that we add; None where that is the same."""
        rows = self._rows("plain_link", campaign_id=campaign_id, number=number)
        return str(rows[0][0]) if rows else None

    def has_link(self, campaign_id: int, number: int) -> bool:
        return bool(self._rows("has_link", campaign_id=campaign_id, number=number))

    def draft_campaign(
        self,
        name: str,
        kind: CampaignKind,
        keyring: Keyring,
        now: int,
        modes: tuple[Mode, Mode] = ("individual", "individual"),
        attribute: str = "",
    ) -> Drafting:
        """Return how a campaign would be stored, without storing it.

        A campaign of that name keeps its code and key, so the same list gets the same tokens, and what
        may be measured at most; modes are for one that is new (opens, clicks). attribute is the parameter
        that its clicks take to sites from now on; empty leaves it as it is.
        """
        opens, clicks = (RANK[mode] for mode in modes)
        campaign = next((Campaign(*row) for row in self._rows("campaign_by_name", name=name)), None)
        if campaign is None:
            code = self._free_code(name, keyring)
            campaign = Campaign(0, name, code, keyring.active, kind, now, None, opens, clicks)
        elif campaign.kind == "preview":
            campaign = replace(campaign, kind=kind, opens=opens, clicks=clicks)
        elif kind not in (campaign.kind, "preview"):
            raise StoreError(
                f"campaign {name!r} exists as one of another kind ({campaign.kind}, not {kind})",
                hint="name this one differently with --campaign",
            )
        if attribute:
            campaign = replace(campaign, attribute=attribute)
        versions = tuple(self.versions(campaign.campaign_id).values())
        return Drafting(campaign, self.links(campaign.campaign_id), versions)

    def _free_code(self, name: str, keyring: Keyring) -> str:
        attempt = 0
        while self.campaign_by_code(code := keyring.campaign_code(name, attempt)):
            attempt += 1
        return code

    def save_campaign(self, draft: CampaignDraft) -> Campaign:
        """Store a campaign, its new links and its mail; return it with its id."""
        campaign = draft.campaign
        with self._transaction() as connection:
            connection.execute(
                "insert or ignore into campaigns (name, code, key_id, kind, created, opens, clicks)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                [
                    *(campaign.name, campaign.code, campaign.key_id, campaign.kind, campaign.created),
                    *(campaign.opens, campaign.clicks),
                ],
            )
            connection.execute(
                "update campaigns set kind = ?, opens = ?, clicks = ? where name = ? and kind = 'preview'",
                [campaign.kind, campaign.opens, campaign.clicks, campaign.name],
            )
            connection.execute(
                "update campaigns set attribute = ? where name = ?", [campaign.attribute, campaign.name]
            )
            (row,) = self._rows("campaign_by_name", name=campaign.name)
            saved = Campaign(*row)
            stored = {link.number for link in self.links(saved.campaign_id)}
            versions = tuple(self.versions(saved.campaign_id).values())
            as_drafted = stored == draft.known and versions == draft.versions[: draft.known_versions]
            ceilings = (saved.opens, saved.clicks) == (campaign.opens, campaign.clicks)
            if saved.code != campaign.code or not (as_drafted and ceilings):
                raise StoreError(
                    f"campaign {campaign.name!r} was changed by another run at the same time",
                    hint="run the command again",
                )
            connection.executemany(
                "insert into versions (campaign_id, version, name) values (?, ?, ?)",
                [
                    (saved.campaign_id, number, name)
                    for number, name in enumerate(draft.versions, start=1)
                    if number > draft.known_versions
                ],
            )
            connection.executemany(
                "insert into links"
                " (campaign_id, number, position, line, text, url, link_group, role, version, plain)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(saved.campaign_id, link.number, link.position, link.line),
                        *(link.text, link.url, link.group, link.role, link.version, link.plain),
                    )
                    for link in draft.links
                    if link.number not in stored
                ],
            )
            if stored and not stored.issuperset(link.number for link in draft.links):
                _judge_again(connection, saved.campaign_id)
            for mail in draft.mails:
                keep(connection, saved.campaign_id, mail)
        return saved

    def set_sent(self, campaign_id: int, sent: int | None) -> None:
        """Note when sending of a campaign began (ms UTC), or that nobody knows; its hits are judged again."""
        with self._transaction() as connection:
            connection.execute("update campaigns set sent = ? where campaign_id = ?", [sent, campaign_id])
            _judge_again(connection, campaign_id)


def _judge_again(connection: sqlite3.Connection, campaign_id: int) -> None:
    """Note that what is known of a campaign has changed: the next report judges its hits again."""
    connection.execute(
        "insert into stale_campaigns (campaign_id, bucket) values (?, 0)"
        " on conflict (campaign_id) do update set bucket = 0",
        [campaign_id],
    )
    connection.execute("update judging set epoch = epoch + 1")  # what is being judged now is worthless
