"""The figures of a campaign, as values: what ``report`` builds and every format prints."""

from __future__ import annotations

from dataclasses import dataclass

from pixeltrack.judging import Label
from pixeltrack.rates import DEFINITIONS


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages with at least one (unique) and all of them (total)."""

    unique: int
    total: int


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One link of the mail, with the clicks of people and the hits of machines apart."""

    number: int
    position: int
    line: int
    text: str
    url: str
    group: str
    clicks: Tally
    machine_clicks: int
    share: float | None  # of the people who clicked anything


@dataclass(frozen=True, slots=True)
class Share:
    """How many people used one device, system, browser or mail client."""

    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """People's opens and clicks (totals) in one hour or day from ``start`` (ms UTC)."""

    start: int
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Week:
    """People's opens and clicks (totals) by weekday, Monday first, and hour of the day in a time zone."""

    zone: str
    opens: tuple[tuple[int, ...], ...]
    clicks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class SetAside:
    """Hits that are not counted as people's, with the reason."""

    label: Label
    reason: str
    opens: int
    clicks: int
    messages: int


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything a report says. Counts are of people unless the name says otherwise.

    messages and tracked are None where the sender's own mail system fills in the recipients, for
    then nobody told pixeltrack how many there are; rates are None where they have no meaning. Times
    are milliseconds UTC.
    """

    campaign: str
    code: str
    kind: str
    created: int
    messages: int | None
    tracked: int | None
    opens: Tally
    clicks: Tally
    open_rate: float | None
    click_rate: float | None
    click_to_open_rate: float | None
    clicked_without_open: int
    unsubscribed: int
    stopped_tracking: int
    machine_opens: Tally
    machine_clicks: Tally
    unknown_opens: Tally
    unknown_clicks: Tally
    links: tuple[LinkFigures, ...]
    timeline: tuple[Bucket, ...]
    timeline_step: int  # ms
    week: Week
    devices: tuple[Share, ...]
    systems: tuple[Share, ...]
    browsers: tuple[Share, ...]
    clients: tuple[Share, ...]
    set_aside: tuple[SetAside, ...]
    first: int | None
    last: int | None
    preview_hits: int
    rules_version: str  # of the rules file that told machines from people
    definitions: tuple[tuple[str, str], ...] = DEFINITIONS
