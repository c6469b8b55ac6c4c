"""The figures of a campaign, as values: what ``report`` builds and every format prints."""

from __future__ import annotations

from dataclasses import dataclass

from pixeltrack.earned import Earnings, Funnel
from pixeltrack.judging import Label
from pixeltrack.published import NOTES, K
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
    version: str = ""  # of the mail that it stands in, where that has any


@dataclass(frozen=True, slots=True)
class Share:
    """How many people used one device, system, browser or mail client."""

    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """People's opens and clicks (totals) in one hour or day from ``start`` (ms UTC).

    ``local`` is the same moment in ISO 8601, by the clocks of the report's time zone.
    """

    start: int
    opens: int
    clicks: int
    local: str


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
class Bounds:
    """Recipients, if every doubtful hit is a machine's, and if every one is a person's."""

    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate that is an estimate, with the interval (0 to 1) that holds the truth with ``confidence``."""

    rate: float
    low: float
    high: float
    confidence: float
    part: int  # rate = part ÷ whole
    whole: int
    formula: str  # the same in words, with the numbers filled in


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """One mailbox provider's recipients. ``provider`` is a name, or "other domains"."""

    provider: str
    tracked: int
    opens_tracked: int  # of these, as in the campaign's figures
    clicks_tracked: int
    openers: int  # recipients with a person's open
    clickers: int  # recipients with a person's click
    prefetch_only: int
    open_rate: float | None
    click_rate: float | None
    adjusted_open_rate: float | None


@dataclass(frozen=True, slots=True)
class CompanyFigures:
    """One mail domain's recipients, where it is no provider's: mostly a company."""

    domain: str
    tracked: int
    opens_tracked: int
    clicks_tracked: int
    openers: int  # recipients with a person's open
    clickers: int  # recipients with a person's click
    open_rate: float | None
    click_rate: float | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A provider whose people have all but stopped opening; ``provider`` is None where all have.

    ``recipients`` are those whose opens can be seen, ``before`` is the rate of ``campaigns`` earlier
    ones together, ``chance`` how likely so few openers would be at that rate.
    """

    provider: str | None
    openers: int
    recipients: int
    before: float
    campaigns: int
    chance: float
    says: str  # the whole of it as a sentence


@dataclass(frozen=True, slots=True)
class TogetherRow:
    """Loads of the pixel and clicks of many recipients together, by one of their properties.

    All are published figures: multiples of ten, of which 0 stands for fewer than ten. ``recipients`` is the
    size of a group of them, None where the property is one of hits. Machines are apart, None where the
    property is theirs or they are left out.
    """

    name: str
    says: str  # more: a link's text and address
    recipients: int | None
    loads: int | None  # None where there can be none: a link has clicks alone
    clicks: int
    machine_loads: int | None = None
    machine_clicks: int | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """What is known of recipients who are counted together: loads and clicks, and of nobody in particular.

    Figures are published ones, as in ``TogetherRow``. Groups of fewer than five recipients are in "other".
    """

    recipients: int
    loads_recipients: int  # of these, pixels are counted
    clicks_recipients: int
    loads: int
    clicks: int
    machine_loads: int
    machine_clicks: int
    links: tuple[TogetherRow, ...]
    times: tuple[TogetherRow, ...]  # days, or hours where these are few; the first and the last are told
    classes: tuple[TogetherRow, ...]
    companies: tuple[TogetherRow, ...]
    industries: tuple[TogetherRow, ...]
    sizes: tuple[TogetherRow, ...]
    regions: tuple[TogetherRow, ...]
    by_hour: bool  # whether times are hours
    counted_until: int  # ms UTC: hours that were over by then
    rounded_to: int = K
    notes: tuple[str, ...] = NOTES


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What mail systems reported of a campaign's messages: numbers of messages. None is not known.

    Where no delivery was reported (``deliveries_told``), sent are all messages, and delivered those that did
    not fail. ``opens_tracked`` and ``clicks_tracked`` are of the delivered ones: what rates are over.
    """

    sent: int | None
    delivered: int | None
    bounced: int
    hard_bounced: int
    soft_bounced: int
    unknown_bounced: int  # of which nobody said which of the two
    rejected: int
    deferred: int  # and nothing since
    complained: int
    unsubscribed: int  # as reported
    not_told: int | None  # of which no report says whether they came
    deliveries_told: bool
    opens_tracked: int | None
    clicks_tracked: int | None
    delivery_rate: float | None
    bounce_rate: float | None
    complaint_rate: float | None


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
    opens_tracked: int | None  # of these, opens are; the open rate is over them, or the delivered of them
    clicks_tracked: int | None
    opens: Tally
    clicks: Tally
    open_rate: float | None
    click_rate: float | None
    click_to_open_rate: float | None
    opens_bounds: Bounds
    clicks_bounds: Bounds
    adjusted_open_rate: Estimate | None
    prefetch_only: int  # recipients whose pixel was only loaded ahead
    observable: int | None  # messages of which opens are tracked, but for these
    observable_share: float | None
    clicked_without_open: int  # people with a click and no person's open
    clicked_without_images: int  # those of them whose pixel nothing but a scanner loaded
    unsubscribed: int  # through our own link, or as reported
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
    providers: tuple[ProviderFigures, ...]
    companies: tuple[CompanyFigures, ...]  # the largest, of five recipients at least
    alarms: tuple[Alarm, ...]
    set_aside: tuple[SetAside, ...]
    begun: int | None  # the first hit, a machine's too; first and last are people's
    first: int | None
    last: int | None
    preview_hits: int
    repeated_hits: int  # of the totals: counted, and not kept one by one
    repeated_urls: int  # that these were hits of
    rules_version: str  # of the rules file that told machines from people
    since: int | None = None  # only hits from then on are counted; None is from the beginning
    until: int | None = None  # and before then
    together: Together | None = None  # of whom nothing is known one by one; never added to the above
    gone_before: int | None = None  # hits before it are deleted; without since they are in the totals
    conversions: Earnings | None = None  # None where they were not asked for, or no site tells of any
    funnel: Funnel | None = None  # likewise
    delivery: DeliveryFigures | None = None  # rates are over delivered messages where it is there
    definitions: tuple[tuple[str, str], ...] = DEFINITIONS

    @property
    def opens_over(self) -> int | None:
        """The messages that the open rate is over."""
        return self.delivery.opens_tracked if self.delivery else self.opens_tracked

    @property
    def clicks_over(self) -> int | None:
        """The messages that the click rate is over."""
        return self.delivery.clicks_tracked if self.delivery else self.clicks_tracked
