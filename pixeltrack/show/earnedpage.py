"""What conversions have earned, and how far people came, as tables of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pixeltrack import money
from pixeltrack.earned import Costs, EarnedRow, EarnedTogether, Earnings, Funnel
from pixeltrack.published import said
from pixeltrack.show.earnedplain import about, credit, name_of, notes, number, subject, terms, within
from pixeltrack.show.funnelplain import unverified
from pixeltrack.show.text import DASH, clean, count, moment, percent


class Cell(NamedTuple):
    """A figure: what is shown, its exact value as in JSON ('' where undefined), and its path there."""

    text: str
    value: str
    figure: str


class Line(NamedTuple):
    """A row of a table."""

    name: str
    cells: tuple[Cell, ...]


class Shown(NamedTuple):
    """A table of a page."""

    key: str
    title: str
    head: tuple[str, ...]
    lines: tuple[Line, ...]


class Section(NamedTuple):
    """What a page has of conversions, or of the funnel: tables, sentences below them, and definitions."""

    title: str
    lead: str
    tables: tuple[Shown, ...]
    notes: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]


_EARNED = ("Number", "By click", "By view", "No touch", "Refunded", "Revenue", "Unverified", "Their revenue")


def earned(found: Earnings, root: str = "") -> Section:
    """Return the section of conversions. ``root`` is where its JSON begins, such as "conversions."."""
    tables = [
        _rows(key, head, root, rows)
        for key, head, rows in (
            ("totals", "All together", found.totals),
            ("goals", "Goals", found.goals),
            ("campaigns", "Campaigns", found.campaigns if found.campaign is None else ()),
            ("links", "Links", found.links),
        )
        if rows
    ]
    lines = [f"{clean(each.campaign)}: {why}" for each in found.costs for why in each.why_not] + notes(found)
    if found.costs:
        tables.append(_costs(root, found.costs))
    if found.together:
        tables.append(_together(root, found.together))
        lines.append(
            f"Of who is counted together hours up to {moment(found.together_until)} UTC are counted."
        )
    lead = subject(found) + (f"; {within(found)}" if within(found) else "")
    if not found.totals:
        lead += ". No conversion yet"
    return Section("Conversions", f"{lead}.", tuple(tables), tuple(lines), tuple(terms(found)))


def _rows(key: str, head: str, root: str, rows: Sequence[EarnedRow]) -> Shown:
    return Shown(
        key,
        head,
        _EARNED,
        tuple(
            Line(name_of(row) if key != "totals" else "all", tuple(_earned(f"{root}{key}.{place}.", row)))
            for place, row in enumerate(rows)
        ),
    )


def _earned(path: str, row: EarnedRow) -> Iterator[Cell]:
    its = row.verified
    for name in ("orders", "by_click", "by_view", "no_touch", "refunded"):
        yield _number(getattr(its, name), f"{path}verified.{name}")
    yield _money(its.revenue, row.currency, f"{path}verified.revenue")
    yield _number(row.unverified.orders, f"{path}unverified.orders")
    yield _money(row.unverified.revenue, row.currency, f"{path}unverified.revenue")


def _costs(root: str, costs: Sequence[Costs]) -> Shown:
    head = ("Cost", "People who clicked", "A click", "A conversion", "Return", "With unverified")
    lines = []
    for place, its in enumerate(costs):
        path = f"{root}costs.{place}."
        lines.append(
            Line(
                its.campaign,
                (
                    _money(its.cost, its.currency, f"{path}cost"),
                    Cell(count(its.people), str(its.people), f"{path}people"),
                    _about(its.cost_per_click, its.currency, f"{path}cost_per_click"),
                    _about(its.cost_per_order, its.currency, f"{path}cost_per_order"),
                    _rate(its.return_rate, f"{path}return_rate"),
                    _rate(its.return_of_all, f"{path}return_of_all"),
                ),
            )
        )
    return Shown("costs", "Costs", head, tuple(lines))


def _together(root: str, rows: Sequence[EarnedTogether]) -> Shown:
    lines = []
    for place, row in enumerate(rows):
        path = f"{root}together.{place}."
        lines.append(
            Line(
                f"{row.campaign}: {row.goal}{'' if row.verified else ', unverified'}",
                (
                    _published(row.orders, f"{path}orders"),
                    _money(row.revenue, row.currency, f"{path}revenue"),
                    _published(row.refunded, f"{path}refunded"),
                    _money(row.refunds, row.currency, f"{path}refunds"),
                ),
            )
        )
    head = ("Number", "Revenue", "Refunded", "Refunds")
    return Shown("together", "Counted together, as multiples of ten", head, tuple(lines))


def funnel(found: Funnel, root: str = "") -> Section:
    """Return the section of the funnel; ``root`` as of ``earned``."""
    steps = tuple(
        Line(
            step.name,
            (
                Cell(count(step.people), _exact(step.people), f"{root}steps.{place}.people"),
                _rate(step.of_all, f"{root}steps.{place}.of_all"),
                _rate(step.of_before, f"{root}steps.{place}.of_before"),
            ),
        )
        for place, step in enumerate(found.steps)
    )
    tables = [Shown("funnel", "Steps", ("People", "Of all", "Of the step before"), steps)]
    joint = found.together
    if joint:
        cells = (
            Cell(count(joint.recipients), str(joint.recipients), f"{root}together.recipients"),
            *(
                _published(getattr(joint, name), f"{root}together.{name}")
                for name in ("loads", "clicks", "views", "conversions")
            ),
        )
        head = ("Recipients", "Loads", "Clicks", "Views", "Conversions")
        name = "Counted together: hits, not people, as multiples of ten"
        tables.append(Shown("funnel-together", name, head, (Line("hits", cells),)))
    lines = (unverified(found),) if found.unverified else ()
    return Section("How far people came", "", tuple(tables), lines, found.definitions)


def _number(part: int, path: str) -> Cell:
    return Cell(credit(part), json.dumps(number(part)), path)


def _money(amount: int | None, currency: str, path: str) -> Cell:
    if amount is None or not currency:
        return Cell(DASH, "" if amount is None else money.plain(amount, currency), path)
    return Cell(money.say(amount, currency), money.plain(amount, currency), path)


def _about(amount: int | None, currency: str, path: str) -> Cell:
    return _money(amount, currency, path)._replace(text=about(amount, currency))


def _rate(rate: float | None, path: str) -> Cell:
    return Cell(percent(rate), _exact(rate), path)


def _published(figure: int, path: str) -> Cell:
    return Cell(said(figure), str(figure), path)


def _exact(value: float | None) -> str:
    return "" if value is None else json.dumps(value)
