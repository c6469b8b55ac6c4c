"""What conversions have earned, as values: what ``report --conversions`` builds and every format prints."""

from __future__ import annotations

from dataclasses import dataclass

from pixeltrack.published import K

DEFINITIONS: tuple[tuple[str, str], ...] = (
    (
        "conversion",
        "an order, or another goal that was reached, as its site says; one order's number counts once",
    ),
    (
        "touch",
        "a person's click, or a person's open, before it; of all mail of the same person, of pseudonymous"
        " copies of that mail alone. Machines' and unknown hits are none",
    ),
    (
        "window",
        "how long before the conversion a touch counts, both ends included; what follows it never does",
    ),
    ("by click", "conversions with a click in the window: the clicks earn it, opens nothing"),
    ("by view", "conversions with an open in the window, and no click"),
    ("no touch", "conversions of whom nothing is known, or with neither in the window; never left out"),
    (
        "shares",
        "of one conversion add up to 1, and of its money to its value, to the smallest coin; what is left"
        " over goes where the remainders are largest",
    ),
    ("revenue", "values less refunds and corrections, which take from the same touches in the same shares"),
    (
        "refunded",
        "conversions of which nothing is left: no longer counted, and with their refunds in revenue",
    ),
    (
        "unverified",
        "said without a signature, so anybody could have; apart, and never part of the figures beside it",
    ),
    ("cost per click", "cost of the campaign ÷ people who clicked"),
    ("cost per conversion", "cost ÷ verified conversions, those shared out in part"),
    (
        "return",
        "(verified revenue − cost) ÷ cost, where both are in one currency; currencies are never added up",
    ),
)
MODELS: dict[str, str] = {
    "last-click": "the last touch earns all of it",
    "first-click": "the first touch earns all of it",
    "linear": "all touches earn the same",
    "time-decay": "a touch earns half of what one earns that is a half-life younger",
    "position": "40 % for the first touch, 40 % for the last, 20 % for those between; of two, half each",
}


@dataclass(frozen=True, slots=True)
class Earned:
    """Conversions in one currency. All are ten-thousandths: of a conversion, and of the currency's unit.

    ``orders`` are without the refunded ones; ``revenue`` is less refunds, which ``refunds`` are (above 0).
    """

    orders: int = 0
    by_click: int = 0
    by_view: int = 0
    no_touch: int = 0
    revenue: int = 0
    revenue_by_click: int = 0
    revenue_by_view: int = 0
    revenue_no_touch: int = 0
    refunded: int = 0
    refunds: int = 0

    def __bool__(self) -> bool:
        return bool(self.orders or self.revenue or self.refunded or self.refunds)


@dataclass(frozen=True, slots=True)
class EarnedRow:
    """What was earned in a currency by something, with a signature and without one.

    ``name`` is that of a goal, a campaign (empty: none is known) or the number of a link; of all together it
    is empty. ``campaign`` is the one of a link.
    """

    name: str
    says: str
    campaign: str
    currency: str
    verified: Earned
    unverified: Earned


@dataclass(frozen=True, slots=True)
class Costs:
    """What a campaign cost, and what that was for. Amounts are ten-thousandths of the currency's unit.

    ``why_not`` says why figures have no meaning, one sentence each; ``all_revenue`` and ``return_of_all``
    are with what is unverified.
    """

    campaign: str
    cost: int | None
    currency: str
    people: int  # who clicked
    orders: int  # verified ones, ten-thousandths
    revenue: int  # verified, in this currency
    all_revenue: int
    cost_per_click: int | None
    cost_per_order: int | None
    return_rate: float | None
    return_of_all: float | None
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EarnedTogether:
    """Conversions of a campaign's recipients who are counted together: published figures.

    ``orders`` and ``refunded`` are multiples of ten, the latter refunds and corrections; ``revenue`` (before
    these) and ``refunds`` are the sums of as many of them, the first ones in order of time. So every
    difference of two of these is about ten of them or more.
    """

    campaign: str
    goal: str
    currency: str
    verified: bool
    orders: int
    revenue: int
    refunded: int
    refunds: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """Everything that a report on conversions says. Lengths of time are ms, times ms UTC.

    ``campaign`` and ``goal`` are None where it is about all of them. ``campaigns`` add up to ``totals``, and
    so do ``goals``. ``repeats`` to ``unproved`` are as of ``orders.Orders``.
    """

    campaign: str | None
    goal: str | None
    model: str
    window: int
    half_life: int | None  # None where the model has none
    since: int | None
    until: int | None
    totals: tuple[EarnedRow, ...]
    goals: tuple[EarnedRow, ...]
    campaigns: tuple[EarnedRow, ...]
    links: tuple[EarnedRow, ...]
    costs: tuple[Costs, ...]
    together: tuple[EarnedTogether, ...]
    together_until: int  # hours that were over by then
    repeats: int
    contradicted: int
    stray: int
    unproved: int
    gone_before: int | None = None
    rounded_to: int = K
    definitions: tuple[tuple[str, str], ...] = DEFINITIONS


FUNNEL_DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("sent", "messages of the campaign, measured or not"),
    ("delivered", "sent, without those that bounced, where that is known"),
    ("opened, clicked", "messages with a person's open, or a person's click"),
    ("viewed", "of who clicked, those of whom a page was seen on the sender's own site"),
    (
        "converted",
        "of who clicked, those with a verified conversion that this mail led to and that is not refunded",
    ),
    (
        "of all",
        "÷ delivered, or sent where that is not known; none where more people were seen than were delivered"
        " to, as some reports are missing",
    ),
    ("of the step before", "÷ the figure above it; who loads no images clicks without an open"),
)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many people came so far; None where nobody knows. Shares are 0 to 1, and above where one may be."""

    name: str
    people: int | None
    of_all: float | None
    of_before: float | None


@dataclass(frozen=True, slots=True)
class FunnelTogether:
    """The same of recipients who are counted together: hits, as published figures, and not people."""

    recipients: int
    loads: int
    clicks: int
    views: int
    conversions: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far a campaign's recipients came. ``unverified`` are further people who converted, unsigned."""

    campaign: str
    steps: tuple[FunnelStep, ...]
    unverified: int
    together: FunnelTogether | None
    rounded_to: int = K
    definitions: tuple[tuple[str, str], ...] = FUNNEL_DEFINITIONS
