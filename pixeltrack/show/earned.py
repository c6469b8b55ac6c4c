"""What conversions have earned, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack import money
from pixeltrack.attribution import ONE, say_length
from pixeltrack.earned import MODELS, Costs, Earned, EarnedRow, EarnedTogether, Earnings
from pixeltrack.published import said
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import DASH, clean, count, gone, iso, moment, percent

_WIDE = 104  # columns from which all are shown
_NARROW = 66  # and below which only what matters most
_ROWS = 12  # of links, on a terminal
NOBODY = "no campaign known"
_MONEY = tuple(name for name in Earned.__slots__ if name.startswith("re") and name != "refunded")


def show(console: Console, found: Earnings) -> None:
    """Print what was earned, by what, and what the figures mean."""
    console.print(title(found))
    if not found.totals:
        console.print("No conversion yet.")
    for head, rows in (
        ("Goals", found.goals),
        ("Campaigns", found.campaigns if found.campaign is None else ()),
        ("Links", found.links),
    ):
        if rows:
            console.print()
            console.print(Text(head, "bold"))
            shown = rows[:_ROWS] if head == "Links" else rows
            console.print(_table(shown, found.totals if head != "Links" else (), console.width))
            if len(shown) < len(rows):
                console.print(Text(f"{len(rows) - len(shown)} more: --csv and --json have all", "dim"))
    if found.costs:
        console.print()
        console.print(Text("Costs", "bold"))
        console.print(_costs(found.costs, console.width))
        for each in found.costs:
            for why in each.why_not:
                console.print(Text(f"{clean(each.campaign)}: {why}", "dim"))
    if found.together:
        console.print()
        console.print(Text("Counted together, as multiples of ten", "bold"))
        console.print(_together(found.together))
        console.print(Text(f"Hours up to {moment(found.together_until)} UTC are counted.", "dim"))
    for note in notes(found):
        console.print(Text(note, "dim"))
    console.print()
    for term, text in terms(found):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def title(found: Earnings) -> Text:
    """Return what the figures are of."""
    text = Text(clean(found.campaign) if found.campaign is not None else "Conversions", style="bold")
    goal = f", goal {clean(found.goal)}" if found.goal is not None else ""
    text.append(f"   {found.model.replace('-', ' ')}, window {say_length(found.window)}{goal}", "dim")
    if found.since is not None or found.until is not None:
        since = f" since {moment(found.since)} UTC" if found.since is not None else ""
        until = f" until {moment(found.until)} UTC" if found.until is not None else ""
        text.append(f"\nonly conversions{since}{until}", "bold yellow")
    return text


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
        lines.append(f"{count(found.repeats)} calls said again what was known: counted once.")
    if found.contradicted:
        lines.append(
            f"{count(found.contradicted)} of these said another value; what is signed, or first, holds."
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


def name_of(row: EarnedRow) -> str:
    """Return what a row is called, for people."""
    return f"{row.name} {row.says}".strip() if row.name else row.says or NOBODY


def _table(rows: Sequence[EarnedRow], totals: Sequence[EarnedRow], width: int) -> Table:
    wide, narrow = width >= _WIDE, width < _NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=max(10, width - (92 if wide else 60)))
    ways = () if narrow else ("by click", "by view", "no touch")
    more = ("refunded",) if wide else ()
    for name in ("number", *ways, *more, "revenue", *(() if narrow else ("unverified",))):
        table.add_column(name, justify="right", no_wrap=True)
    several = len(rows) > len({row.currency for row in rows})
    for row in (*rows, *(totals if several else ())):
        is_total = row in totals and row not in rows
        its = row.verified
        name = Text("all together", "bold") if is_total else Text(clean(name_of(row)))
        apart = _both(row.unverified, row.currency, wide)
        table.add_row(
            name,
            Text(credit(its.orders), "bold"),
            *(() if narrow else (credit(its.by_click), credit(its.by_view), credit(its.no_touch))),
            *((credit(its.refunded),) if wide else ()),
            Text(_money(its.revenue, row.currency), "bold green"),
            *(() if narrow else (Text(apart, "yellow"),)),
        )
    return table


def _money(amount: int, currency: str) -> str:
    return money.say(amount, currency) if currency else DASH


def _both(its: Earned, currency: str, wide: bool) -> str:
    if not its:
        return DASH
    return (
        f"{credit(its.orders)} · {_money(its.revenue, currency)}" if wide and currency else credit(its.orders)
    )


def _costs(costs: Sequence[Costs], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=max(10, width - 64))
    for name in ("cost", "a click", "a conversion", "return"):
        table.add_column(name, justify="right", no_wrap=True)
    if width >= _WIDE:
        table.add_column("with unverified", justify="right", no_wrap=True)
    for its in costs:
        table.add_row(
            Text(clean(its.campaign)),
            money.say(its.cost, its.currency),
            money.say(its.cost_per_click, its.currency) if its.cost_per_click is not None else DASH,
            money.say(its.cost_per_order, its.currency) if its.cost_per_order is not None else DASH,
            Text(percent(its.return_rate), "bold"),
            *((percent(its.return_of_all),) if width >= _WIDE else ()),
        )
    return table


def _together(rows: Sequence[EarnedTogether]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True)
    for name in ("signed", "number", "revenue", "refunded", "refunds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(clean(f"{row.campaign}: {row.goal}")),
            "yes" if row.verified else "no",
            Text(said(row.orders), "bold"),
            _money(row.revenue, row.currency) if row.orders else DASH,
            said(row.refunded),
            _money(row.refunds, row.currency) if row.refunded else DASH,
        )
    return table


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
