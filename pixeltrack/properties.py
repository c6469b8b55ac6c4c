"""What hits can be told apart by: properties of each hit, and properties of the message that it is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, get_args

from pixeltrack.agents import describe
from pixeltrack.heard import Heard
from pixeltrack.model import MODES, EventKind, LinkRow
from pixeltrack.netlabel import country_of
from pixeltrack.outcomes import Delivered
from pixeltrack.providers import OTHER, provider_of
from pixeltrack.rates import NONE_TRACKED, Tracked
from pixeltrack.reached import Reached
from pixeltrack.store import Listed, Store
from pixeltrack.times import Zone

By = Literal[
    "link",
    "group",
    "hour",
    "day",
    "weekday",
    "device",
    "os",
    "browser",
    "client",
    "provider",
    "domain",
    "company",
    "industry",
    "size",
    "region",
    "country",
    "version",
]
WAYS: tuple[By, ...] = get_args(By)
#: Ways in which each message stands in one row, so that rows have rates.
OF_MESSAGES: frozenset[By] = frozenset(
    {"provider", "domain", "company", "industry", "size", "region", "version"}
)
#: Of these, the ones that are columns of the list: groups of fewer than five people are joined.
OF_LIST: frozenset[By] = frozenset({"company", "industry", "size", "region"})

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNKNOWN = "unknown"
NOT_TOLD = "not told"
NO_GROUP = "no group"
NO_VERSION = "no version"
FREE_MAIL = "free-mail addresses"
_MAIL_PROGRAM = "a mail program, no browser"
_WEBMAIL = "webmail or browser"
_COMPANY = "company"  # the list's column

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_INDIVIDUAL = MODES.index("individual")
_QUARTER = 900_000  # ms: zones differ from UTC by quarters of an hour

OfHit = Callable[[Heard], str | None]


def of_hits(by: By, links: Mapping[int, LinkRow], zone: Zone) -> OfHit:
    """Return what tells the property of a hit; None for a hit that has none, such as an open's link."""
    if by == "link":
        return lambda hit: str(hit.link) if hit.kind == _CLICK else None
    if by == "group":
        return lambda hit: _group(links.get(hit.link)) if hit.kind == _CLICK else None
    if by == "client":  # who clicks has left the mail program
        return lambda hit: describe(hit.agent).client or _WEBMAIL if hit.kind == _OPEN else None
    if by == "country":
        return lambda hit: country_of(hit.network) or UNKNOWN
    if by in ("device", "os", "browser"):
        of_agent = {"device": _device, "os": _os, "browser": _browser}[by]
        return lambda hit: of_agent(hit.agent)
    form = _TIMES[by]

    @lru_cache(maxsize=4_096)
    def of_time(quarter: int) -> str:
        return form(zone, quarter * _QUARTER)

    return lambda hit: of_time(hit.at // _QUARTER)


def _group(link: LinkRow | None) -> str:
    return link.group if link and link.group else NO_GROUP


def _device(agent: str) -> str:
    facts = describe(agent)
    return facts.device or facts.hidden or UNKNOWN


def _os(agent: str) -> str:
    facts = describe(agent)
    return facts.os or facts.hidden or UNKNOWN


def _browser(agent: str) -> str:
    facts = describe(agent)
    return facts.browser or facts.hidden or (_MAIL_PROGRAM if facts.client else UNKNOWN)


_TIMES: Mapping[str, Callable[[Zone, int], str]] = {
    "hour": lambda zone, at: zone.at(at).replace(minute=0).isoformat(timespec="minutes"),
    "day": lambda zone, at: zone.at(at).date().isoformat(),
    "weekday": lambda zone, at: WEEKDAYS[zone.at(at).weekday()],
}


def of_messages(store: Store, campaign_id: int, by: By, messages: Iterable[int]) -> dict[int, str]:
    """Return the property of some messages; those whose recipients are not known are left out."""
    if by in OF_LIST:
        return {each.message: _of_list(each, by) for each in store.listed(campaign_id, messages)}
    if by == "version":
        names = store.versions(campaign_id)
        return {
            message: names.get(version, NO_VERSION)
            for message, version in store.versions_of(campaign_id, messages)
        }
    name = _provider if by == "provider" else str
    return {message: name(domain) for domain, message, _axes in store.domains_of(campaign_id, messages)}


def tracked(store: Store, campaign_id: int, by: By, got: Reached | None = None) -> dict[str, Tracked]:
    """Return how many tracked messages have each property, pseudonymous ones not: their hits name nobody.

    Where anything was reported of their delivery, those that were delivered.
    """
    found: defaultdict[str, Tracked] = defaultdict(Tracked)

    def add(name: str, numbers: Tracked) -> None:
        found[name] = found[name].plus(numbers)

    if by in OF_LIST:
        delivered = Delivered(store, campaign_id, got)
        for page in store.message_pages(campaign_id):
            for each in store.listed(campaign_id, page):
                add(_of_list(each, by), _measured(each) if each.message in delivered else NONE_TRACKED)
    elif by == "version":
        names = store.versions(campaign_id)
        for size in store.batch_sizes(campaign_id):
            add(names.get(size.version, NO_VERSION), Tracked(size.tracked, size.opens, size.clicks))
    else:
        for domain, messages in store.tracked_domains(campaign_id):
            add(_provider(domain) if by == "provider" else domain, messages)
    if got is None or by in OF_LIST:
        return found
    if by == "version":
        return got.by_version(found, lambda version: names.get(version, NO_VERSION))
    return got.by_domain(found, _provider if by == "provider" else str)


def _of_list(each: Listed, by: By) -> str:
    if by == "company":
        return company(each.fields, each.domain)
    return column(each.fields, by) or NOT_TOLD


def column(fields: Mapping[str, str], wanted: str) -> str:
    """Return what a list's column of that name says, in whatever case the name is; empty without any."""
    told = (value.strip() for name, value in fields.items() if name.strip().lower() == wanted)
    return next((value for value in told if value), "")


def _measured(each: Listed) -> Tracked:
    opens, clicks = each.opens == _INDIVIDUAL, each.clicks == _INDIVIDUAL
    return Tracked(opens or clicks, opens, clicks)


@lru_cache(maxsize=4_096)
def _provider(domain: str) -> str:
    return provider_of(domain)


def company(fields: Mapping[str, str], domain: str) -> str:
    """Return the company of a recipient: the list's column of that name, else the domain of its mail.

    Providers that give everybody a mailbox are no company.
    """
    told = column(fields, _COMPANY)
    if told:
        return told
    return domain if _provider(domain) == OTHER else FREE_MAIL
