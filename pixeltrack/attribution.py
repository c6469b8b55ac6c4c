"""Who earned an order: a conversion and the touches before it in, shares that add up to it out.

A touch is a person's click, or a person's open of the pixel; hits of machines and unknown ones are none. It
is one of an order where it lies in the window before it: at the order's very moment at the latest, and at
most as long before as the window is, both ends counted. Clicks earn an order (click-through). Only where
there is no click in the window, opens do (view-through), and that is kept apart.

Shares are whole numbers that add up to what is shared, by the method of largest remainders. They depend on
the touches as a set: neither on the order in which they are given, nor on being given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from pixeltrack import money
from pixeltrack.errors import InputError
from pixeltrack.model import EventKind

Model = Literal["last-click", "first-click", "linear", "time-decay", "position"]
MODELS: tuple[Model, ...] = get_args(Model)
Way = Literal["click", "view", "none"]
DAY = 86_400_000  # ms
HOUR = 3_600_000
WINDOW = 7 * DAY
HALF_LIFE = 7 * DAY
ONE = 10_000  # the credit for one conversion, in ten-thousandths like money
_SCALE = 1 << 40  # of weights that are no whole numbers
_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_UNITS = {"m": 60_000, "h": HOUR, "d": DAY, "w": 7 * DAY}
_LONGEST = 3660 * DAY


class Touch(NamedTuple):
    """A person's click or open before an order. In order of time; the rest decides between equal times."""

    at: int  # ms UTC
    campaign_id: int
    message: int
    link: int  # 0 for an open
    kind: int


class Order(NamedTuple):
    """A conversion: what it was worth, and what refunds and corrections, each with its sign, made of that.

    Amounts are ten-thousandths of the currency's unit; a conversion without a value has 0 and "". Campaign
    and message are those of the visit that it was on, 0 where that is not known.
    """

    goal: str
    order: str  # its number, '' where it has none
    at: int  # ms UTC
    value: int
    currency: str
    corrections: tuple[int, ...] = ()
    verified: bool = False
    cancelled: bool = False  # refunded as a whole, whatever the amounts say
    campaign_id: int = 0
    message: int = 0

    @property
    def net(self) -> int:
        """Return what is left of its value."""
        return 0 if self.cancelled else self.value + sum(self.corrections)

    @property
    def is_refunded(self) -> bool:
        """Return whether nothing is left of it: then it earns nothing, and is no conversion any more."""
        return self.cancelled or (bool(self.corrections) and self.value > 0 and self.net <= 0)


class Share(NamedTuple):
    """What one touch earned of an order: ten-thousandths of the conversion, and of its money.

    ``taken`` is what refunds and corrections took from its share of the value before them.
    """

    touch: Touch
    credit: int
    value: int
    taken: int


class Attribution(NamedTuple):
    """An order shared out. ``way`` is none, and there are no shares, where no touch lies in the window."""

    way: Way
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How orders are shared out; times are milliseconds."""

    model: Model = "last-click"
    window: int = WINDOW
    half_life: int = HALF_LIFE


def touches(campaign_id: int, message: int, hits: Iterable[tuple[int, int, int, str]]) -> list[Touch]:
    """Return what is a touch of hits (at, kind, link, label of the verdict): those of people alone."""
    return [Touch(at, campaign_id, message, link, kind) for at, kind, link, label in hits if label == "human"]


def attribute(order: Order, before: Iterable[Touch], rule: Rule) -> Attribution:
    """Share an order out among the touches of its person, of which those outside the window are passed over.

    What refunds and corrections leave of its value is shared as the value would have been: a wholly
    refunded order has shares of the conversion that it was, and their values are 0.
    """
    way, earning, weights = weigh(order.at, before, rule)
    value, net = order.value, order.net
    if len(earning) < 2:
        return Attribution(way, tuple(Share(touch, ONE, net, value - net) for touch in earning))
    coin = money.step(order.currency)
    credit, values = split(ONE, weights), split(net, weights, coin)
    gross = values if net == value else split(value, weights, coin)
    shares = (
        Share(touch, part, left, was - left)
        for touch, part, left, was in zip(earning, credit, values, gross, strict=True)
    )
    return Attribution(way, tuple(share for share in shares if any(share[1:])))


def weigh(at: int, before: Iterable[Touch], rule: Rule) -> tuple[Way, list[Touch], list[int]]:
    """Return the touches that earn a conversion at a time (ms UTC), in order, and their weights."""
    first = at - rule.window
    within = {touch for touch in before if first <= touch[0] <= at}
    clicks = [touch for touch in within if touch[4] == _CLICK]
    earning = sorted(clicks or within)
    if not earning:
        return "none", [], []
    return "click" if clicks else "view", earning, _WEIGHTS[rule.model](earning, rule)


def split(amount: int, weights: Sequence[int], step: int = 1) -> list[int]:
    """Return parts of an amount that add up to it, as near to the weights as steps allow.

    Each gets the steps that are wholly its own; those that are left go to the largest remainders, of equal
    ones to the first. An amount that is not of whole steps is shared in ones. A negative one is shared like
    a positive one.
    """
    if len(weights) == 1:
        return [amount]
    if amount < 0:
        return [-part for part in split(-amount, weights, step)]
    step = 1 if amount % step else step
    steps, whole = amount // step, sum(weights)
    parts, rests = [], []
    for weight in weights:
        part, rest = divmod(steps * weight, whole)
        parts.append(part)
        rests.append(rest)
    left = steps - sum(parts)
    if left:
        for place in sorted(range(len(rests)), key=lambda at: (-rests[at], at))[:left]:
            parts[place] += 1
    return [part * step for part in parts]


def _last(earning: Sequence[Touch], _rule: Rule) -> list[int]:
    return [0] * (len(earning) - 1) + [1]


def _first(earning: Sequence[Touch], _rule: Rule) -> list[int]:
    return [1] + [0] * (len(earning) - 1)


def _linear(earning: Sequence[Touch], _rule: Rule) -> list[int]:
    return [1] * len(earning)


def _decay(earning: Sequence[Touch], rule: Rule) -> list[int]:
    """Half as much for each half-life that a touch is older than the last one."""
    last = earning[-1].at
    return [round(_SCALE * 2.0 ** ((touch.at - last) / rule.half_life)) for touch in earning]


def _position(earning: Sequence[Touch], _rule: Rule) -> list[int]:
    """40 % each for the first and the last, and 20 % for those between; of two, half each."""
    between = len(earning) - 2
    if between < 1:
        return [1] * len(earning)
    return [2 * between] + [1] * between + [2 * between]


_WEIGHTS: dict[Model, Callable[[Sequence[Touch], Rule], list[int]]] = {
    "last-click": _last,
    "first-click": _first,
    "linear": _linear,
    "time-decay": _decay,
    "position": _position,
}


def read_model(text: str) -> Model:
    """Return a model by its name; raise InputError, with the name, for one that is not there."""
    for known in MODELS:
        if text == known:
            return known
    raise InputError(f"--model {text[:40]!r} is no model", hint=f"it is one of {', '.join(MODELS)}")


def read_length(text: str, what: str) -> int:
    """Return a length of time such as 7d, 36h or 90m as milliseconds; ``what`` names it in an error."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and unit in _UNITS):
        raise InputError(
            f"{what} {text[:40]!r} is no length of time",
            hint="write days as 7d, hours as 36h, minutes as 90m",
        )
    length = int(number) * _UNITS[unit]
    if not 0 < length <= _LONGEST:
        raise InputError(f"{what} {text[:40]!r} is out of range", hint="it is from 1m to 3660d")
    return length


def say_length(length: int) -> str:
    """Return a length of time (ms) as ``read_length`` reads it, in the largest unit that fits."""
    unit = next(unit for unit in ("d", "h", "m") if length % _UNITS[unit] == 0 or unit == "m")
    return f"{length // _UNITS[unit]}{unit}"
