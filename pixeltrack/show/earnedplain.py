"""What conversions have earned, as JSON and as CSV, and the words that every format has of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pixeltrack import money
from pixeltrack.attribution import ONE, say_length
from pixeltrack.earned import MODELS, Costs, Earned, EarnedRow, Earnings
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import count, gone, iso, moment

NOBODY = "no campaign"
_MONEY = tuple(name for name in Earned.__slots__ if name.startswith("re") and name != "refunded")


def subject(found: Earnings) -> str:
    """Return how conversions are shared out, and which these are."""
    goal = f", goal {found.goal}" if found.goal is not None else ""
    return f"{found.model.replace('-', ' ')}, window {say_length(found.window)}{goal}"


def within(found: Earnings) -> str:
    """Return of which stretch of time they are; nothing where they are of all."""
    since = f" since {moment(found.since)} UTC" if found.since is not None else ""
    until = f" until {moment(found.until)} UTC" if found.until is not None else ""
    return f"only conversions{since}{until}" if since or until else ""


def terms(found: Earnings) -> Iterator[tuple[str, str]]:
    """Yield the definitions, with the model and its numbers first."""
    text = MODELS[found.model]
    half = "" if found.half_life is None else f"; the half-life is {say_length(found.half_life)}"
    yield found.model.replace("-", " "), f"{text}{half}; the window is {say_length(found.window)}"
    yield from found.definitions


def notes(found: Earnings) -> list[str]:
    """Return what a reader should know beside the figures."""
    lines = []
    if found.repeats:
        lines.append(f"Calls that said again what was known, and count once: {count(found.repeats)}.")
    if found.contradicted:
        lines.append(
            f"Of these said another value: {count(found.contradicted)}; what is signed, or first, holds."
        )
    if found.stray:
        lines.append(
            f"{count(found.stray)} refunds or corrections are of no order that is known, or in another"
            " currency: not counted."
        )
    if found.unproved:
        lines.append(
            f"{count(found.unproved)} refunds or corrections of signed orders have no signature: not counted."
        )
    if found.gone_before is not None:
        lines.append(f"{gone(found.gone_before)} So is what they would have earned: it is under no touch.")
    return lines


def credit(number: int, decimals: int = 2) -> str:
    """Return a number of conversions as text: a whole number, or with decimals that count."""
    text = f"{number / ONE:,.{decimals}f}"
    return text.rstrip("0").rstrip(".")


def about(amount: int | None, currency: str) -> str:
    """Return an amount that is a quotient as people read it, to the nearest coin."""
    coin = money.step(currency)
    return money.say(None if amount is None else (money.divided(amount, coin) or 0) * coin, currency)


def name_of(row: EarnedRow) -> str:
    """Return what a row is called, for people."""
    return f"{row.name} {row.says}".strip() if row.name else row.says or NOBODY


def as_json(found: Earnings) -> str:
    """Return the figures as an object. Amounts of money are texts, as JSON's numbers are not exact."""
    return json.dumps(plain(found), indent=2, ensure_ascii=False)


def plain(found: Earnings) -> dict[str, Any]:
    """Return the figures as JSON has them."""
    value = asdict(found)
    value["window"] = say_length(found.window)
    value["half_life"] = None if found.half_life is None else say_length(found.half_life)
    for name in ("since", "until", "together_until", "gone_before"):
        value[name] = iso(value[name])
    for name in ("totals", "goals", "campaigns", "links"):
        value[name] = [_plain_row(row) for row in getattr(found, name)]
    value["costs"] = [_plain_costs(each) for each in found.costs]
    value["together"] = [
        asdict(row)
        | {
            "revenue": money.plain(row.revenue, row.currency),
            "refunds": money.plain(row.refunds, row.currency),
        }
        for row in found.together
    ]
    value["definitions"] = dict(terms(found))
    return value


def number(part: int) -> int | float:
    """Return a number of conversions as JSON and CSV have it."""
    return part // ONE if part % ONE == 0 else part / ONE


def _plain_row(row: EarnedRow) -> dict[str, Any]:
    return asdict(row) | {
        "verified": _plain_earned(row.verified, row.currency),
        "unverified": _plain_earned(row.unverified, row.currency),
    }


def _plain_earned(its: Earned, currency: str) -> dict[str, Any]:
    return {
        name: money.plain(value, currency) if name in _MONEY else number(value)
        for name, value in asdict(its).items()
    }


def _plain_costs(its: Costs) -> dict[str, Any]:
    value = asdict(its) | {"orders": number(its.orders)}
    for name in ("cost", "revenue", "all_revenue", "cost_per_click", "cost_per_order"):
        if value[name] is not None:
            value[name] = money.plain(value[name], its.currency)
    return value


_NUMBERS = tuple(Earned.__slots__)
#: The columns: what a row is of, then the figures, then those of a campaign's cost alone.
COLUMNS = (
    *("by", "name", "says", "campaign", "currency", "signed", *_NUMBERS),
    *("cost", "people", "cost_per_click", "cost_per_order", "return_rate", "return_of_all", "why_not"),
)


def as_csv(found: Earnings) -> str:
    """Return a row for each of what is told apart, and whether it is signed; amounts are exact."""
    return csv_text([COLUMNS, *_lines(found)])


def _lines(found: Earnings) -> Iterator[list[Cell]]:
    for by, rows in (
        ("all", found.totals),
        ("goal", found.goals),
        ("campaign", found.campaigns),
        ("link", found.links),
    ):
        for row in rows:
            for signed, its in (("yes", row.verified), ("no", row.unverified)):
                if its or signed == "yes":
                    plain_figures = _plain_earned(its, row.currency).values()
                    yield [
                        *(by, row.name, row.says, row.campaign, row.currency, signed),
                        *plain_figures,
                        *[None] * 7,
                    ]
    for each in found.costs:
        value = _plain_costs(each)
        figures = [None] * len(_NUMBERS)
        yield [
            *("cost", each.campaign, "", each.campaign, each.currency, "yes", *figures),
            *(value[name] for name in COLUMNS[6 + len(_NUMBERS) : -1]),
            " ".join(each.why_not),
        ]
    for joint in found.together:
        told: dict[str, Cell] = {
            "orders": joint.orders,
            "revenue": money.plain(joint.revenue, joint.currency),
            "refunded": joint.refunded,
            "refunds": money.plain(joint.refunds, joint.currency),
        }
        yield [
            *("together", joint.goal, "", joint.campaign, joint.currency, "yes" if joint.verified else "no"),
            *(told.get(name) for name in _NUMBERS),
            *[None] * 7,
        ]
