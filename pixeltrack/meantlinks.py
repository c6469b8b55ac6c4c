"""The links that an audience means: by number in one campaign, by text or address in any."""

from __future__ import annotations

from collections.abc import Iterable

from pixeltrack import who
from pixeltrack.errors import InputError
from pixeltrack.model import Campaign, LinkRow
from pixeltrack.store import Store

_SHOWN = 5  # addresses that an error names


def settled(store: Store, campaign: Campaign | None, given: str) -> str:
    """Return a link as it is kept with an audience, so that it means the same for ever.

    That is a number of the campaign, or a text or address which links have exactly. Raises InputError for
    what is no link, or several.
    """
    if campaign:
        found = who.read(store, campaign, f"clicked:{given}").links or frozenset()
        rows = _links(store, campaign)
        if given.isdecimal() or any(_is(row, given) for row in rows):
            return given
        return next(row.url for row in rows if row.number in found)
    if given.isdecimal():
        raise InputError(
            f"{given} is the number of a link in one campaign",
            hint="say which with --campaign, or give the link's text or address",
        )
    campaigns = people_of(store)
    exact = [each for each in campaigns if any(_is(row, given) for row in _links(store, each))]
    for each in exact:
        who.read(store, each, f"clicked:{given}")  # several links of one mail may have the same text
    if exact:
        return given
    lower = given.lower()
    like = {
        row.url
        for each in campaigns
        for row in _links(store, each)
        if lower and lower in f"{row.text} {row.url}".lower()
    }
    if len(like) == 1:
        return like.pop()
    some = ", ".join(sorted(like)[:_SHOWN])
    raise InputError(
        f"{given[:60]!r} is {'several links' if like else 'no link'} of your campaigns",
        hint=f"give one's address: {some}" if like else "pixeltrack links --campaign NAME shows them",
    )


def numbers(store: Store, campaigns: Iterable[Campaign], kept: str) -> frozenset[tuple[int, int]]:
    """Return the links that are meant, each with its campaign: none where a campaign has no such link."""
    return frozenset(
        (each.campaign_id, row.number)
        for each in campaigns
        for row in _links(store, each)
        if (row.number == int(kept) if kept.isdecimal() else _is(row, kept))
    )


def people_of(store: Store) -> list[Campaign]:
    """Return the campaigns that know their people."""
    return [each for each in store.campaigns() if each.kind == "recipients" and not each.is_rowless]


def _links(store: Store, campaign: Campaign) -> list[LinkRow]:
    return [row for row in store.links(campaign.campaign_id) if row.role == "link"]


def _is(row: LinkRow, given: str) -> bool:
    return given in (row.url, row.text)
