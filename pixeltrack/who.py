"""Who did something with a campaign's mail, or did not: names, where these may be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from sys import intern
from typing import Literal

from pixeltrack import heard
from pixeltrack.errors import InputError
from pixeltrack.heard import Heard, Span, Told
from pixeltrack.model import MODES, Campaign, EventKind, LinkRow
from pixeltrack.store import Holder, Store
from pixeltrack.together import check_people

What = Literal["opened", "clicked", "not-opened"]
#: Of who did not open: what was seen of their pixel.
Seen = Literal["nothing", "only loaded ahead", "unknown"]

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_INDIVIDUAL = MODES.index("individual")
_AT_ONCE = 5_000  # messages of which names are asked for
_LABEL = 40  # characters of a link's label in an error
_SHOWN = 8  # links that an error names


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people did; ``links`` are the numbers of the links that count for a click, None for all."""

    what: What
    links: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient. First and last are times (ms UTC) of the hits that are asked for, None without any."""

    address: str
    fields: dict[str, str]  # the other columns of the sender's list
    hits: int
    first: int | None
    last: int | None
    seen: Seen | None  # of who did not open


@dataclass(frozen=True, slots=True)
class Listing:
    """The people, and how many more there are: ``unnamed`` may not be named: they refused, or are
    known by pseudonym alone;
       ``unsubscribed`` want no more mail, which is what a list is for.
    """

    campaign: str
    asked: Wanted
    since: int | None
    until: int | None
    people: tuple[Person, ...]
    unnamed: int
    unsubscribed: int
    gone_before: int | None = None  # hits before it are deleted: what people did then is not told


def read(store: Store, campaign: Campaign, text: str) -> Wanted:
    """Return what ``--who`` asks for; raise InputError for what nobody can tell."""
    check(campaign, "--who")
    what, colon, link = text.partition(":")
    if what == "clicked" and colon:
        rows = [row for row in store.links(campaign.campaign_id) if row.role == "link"]
        return Wanted("clicked", _links(rows, link.strip(), campaign.name))
    for known in ("opened", "clicked", "not-opened"):
        if text == known:
            return Wanted(known)
    raise InputError(
        f"--who {text[:40]!r} asks for nothing that is known",
        hint="it is opened, clicked, not-opened, or clicked:LINK",
    )


def check(campaign: Campaign, asked: str) -> None:
    """Raise InputError for a question about people to a campaign that does not know its own."""
    check_people(campaign, asked)
    if campaign.kind == "merge":
        raise InputError(
            f"campaign {campaign.name!r} does not know its people: your mail system filled them in",
            hint="pixeltrack export --people has the ids that it was given",
        )


def _links(rows: Sequence[LinkRow], wanted: str, campaign: str) -> frozenset[int]:
    """Return the numbers of the links that are meant: one by its number, or all of one address or text."""
    if wanted.isdecimal():
        found = {row.number for row in rows if row.number == int(wanted)}
    else:
        found = {row.number for row in rows if wanted in (row.url, row.text)} or {
            row.number for row in rows if wanted and wanted.lower() in f"{row.text} {row.url}".lower()
        }
    addresses = {row.url for row in rows if row.number in found}
    if len(addresses) == 1:
        return frozenset(found)
    choice = [row for row in rows if row.number in found] or rows
    some = ", ".join(f"{row.number} {_cut(row.text or row.url)}" for row in choice[:_SHOWN])
    if len(choice) > _SHOWN:
        some += f", and {len(choice) - _SHOWN} more (pixeltrack links shows them)"
    raise InputError(
        f"{wanted[:60]!r} is {'several links' if addresses else 'no link'} of campaign {campaign!r}",
        hint=f"give a number: {some}",
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1].rstrip()}…"


def build(store: Store, campaign: Campaign, asked: Wanted, span: Span, told: Told | None = None) -> Listing:
    """Return who did what is asked for; only what is judged counts, and people are in order of time."""
    unnamed = unsubscribed = 0
    gone = store.unsubscribed(campaign.campaign_id)
    people: list[Person] = []
    found = (
        _without(store, campaign, span, told)
        if asked.what == "not-opened"
        else _with(store, campaign, asked, span, told)
    )
    while page := dict(islice(found, _AT_ONCE)):
        holders = store.holders(campaign.campaign_id, page)
        fields = {each.message: _interned(each.fields) for each in store.listed(campaign.campaign_id, page)}
        for message, (hits, seen) in page.items():
            holder = holders.get(message)
            if holder is None or not _may_be_named(holder, asked.what) or holder.silenced:
                unnamed += asked.what != "not-opened" or bool(holder and holder.tracked)
                continue
            if message in gone:
                unsubscribed += 1
                continue
            moments = [hit.at for hit in hits]
            people.append(
                Person(
                    holder.identity,
                    fields.get(message, {}),
                    sum(hit.weight for hit in hits),
                    min(moments, default=None),
                    max(moments, default=None),
                    seen,
                )
            )
    people.sort(key=lambda person: (person.first or 0, person.address))
    deleted = store.gone_from(campaign.campaign_id, span.limits()[0])
    return Listing(campaign.name, asked, *span.limits(), tuple(people), unnamed, unsubscribed, deleted)


def _may_be_named(holder: Holder, what: What) -> bool:
    """Return whether what is asked for is known of a person by name, and not by pseudonym alone."""
    return (holder.clicks if what == "clicked" else holder.opens) == _INDIVIDUAL


def _interned(fields: dict[str, str]) -> dict[str, str]:
    """Return a list's columns, whose names are the same for a million people."""
    return {intern(name): value for name, value in fields.items()}


_Found = tuple[int, tuple[list[Heard], Seen | None]]


def _with(store: Store, campaign: Campaign, asked: Wanted, span: Span, told: Told | None) -> Iterator[_Found]:
    kind = _OPEN if asked.what == "opened" else _CLICK
    for message, hits in heard.messages(store, campaign.campaign_id, span, told):
        counted = [
            hit
            for hit in hits
            if hit.kind == kind
            and hit.verdict.label == "human"
            and (asked.links is None or hit.link in asked.links)
        ]
        if counted:
            yield message, (counted, None)


def _without(store: Store, campaign: Campaign, span: Span, told: Told | None) -> Iterator[_Found]:
    """Yield the messages without an open or a click of a person: who clicked has read it, pixel or not."""
    seen: dict[int, Seen | None] = {}
    for message, hits in heard.messages(store, campaign.campaign_id, span, told):
        seen[message] = _seen(hits)
    for page in store.message_pages(campaign.campaign_id):
        for message in page:
            what = seen.get(message, "nothing")
            if what is not None:
                yield message, ([], what)


def _seen(hits: Iterable[Heard]) -> Seen | None:
    labels = {hit.verdict.label for hit in hits}
    if "human" in labels:
        return None
    opens = {hit.verdict.label for hit in hits if hit.kind == _OPEN}
    return "unknown" if "unknown" in labels else "only loaded ahead" if "prefetch" in opens else "nothing"
