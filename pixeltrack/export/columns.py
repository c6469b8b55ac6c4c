"""The columns of every table: their names and types are a promise to who reads the files.

A column may be added at the end of a table. None is renamed, moved or given another meaning.
docs/export.md says what each one holds, and a test compares that page with this file.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Table = Literal["events", "links", "people", "daily", "together", "conversions"]
Kind = Literal["text", "integer", "boolean", "time", "date"]  # time: ms UTC; date: a datetime.date
Value = str | int | bool | None | object
Row = tuple[Value, ...]


class Column(NamedTuple):
    """``optional`` is whether a cell may be empty."""

    name: str
    kind: Kind
    optional: bool = False


EVENTS = (
    Column("hit", "integer", True),
    Column("at", "time"),
    Column("campaign", "text"),
    Column("kind", "text"),
    Column("link", "integer", True),
    Column("link_text", "text", True),
    Column("link_url", "text", True),
    Column("message", "text"),
    Column("recipient", "text", True),
    Column("provider", "text", True),
    Column("hits", "integer"),
    Column("counted", "text"),
    Column("verdict", "text"),
    Column("score", "integer"),
    Column("reason", "text"),
    Column("reasons", "text"),
    Column("test", "boolean"),
    Column("device", "text", True),
    Column("system", "text", True),
    Column("browser", "text", True),
    Column("client", "text", True),
    Column("hidden_by", "text", True),
    Column("agent", "text"),
    Column("headers", "text", True),
    Column("network", "text", True),
)
LINKS = (
    Column("campaign", "text"),
    Column("link", "integer"),
    Column("position", "integer"),
    Column("line", "integer"),
    Column("link_text", "text"),
    Column("link_url", "text"),
    Column("link_group", "text", True),
    Column("role", "text"),
    Column("people", "integer"),
    Column("clicks", "integer"),
    Column("machine_clicks", "integer"),
    Column("unknown_clicks", "integer"),
)
PEOPLE = (
    Column("campaign", "text"),
    Column("message", "text"),
    Column("recipient", "text", True),
    Column("provider", "text", True),
    Column("tracked", "boolean", True),
    Column("opened", "boolean"),
    Column("clicked", "boolean"),
    Column("opens", "integer"),
    Column("clicks", "integer"),
    Column("first_open", "time", True),
    Column("last_open", "time", True),
    Column("first_click", "time", True),
    Column("last_click", "time", True),
    Column("machine_opens", "integer"),
    Column("machine_clicks", "integer"),
    Column("unknown_opens", "integer"),
    Column("unknown_clicks", "integer"),
    Column("unsubscribed", "boolean"),
    Column("stopped_tracking", "boolean"),
)
DAILY = (
    Column("campaign", "text"),
    Column("day", "date"),
    Column("zone", "text"),
    Column("people", "integer"),
    Column("openers", "integer"),
    Column("clickers", "integer"),
    Column("opens", "integer"),
    Column("clicks", "integer"),
    Column("machine_opens", "integer"),
    Column("machine_clicks", "integer"),
    Column("unknown_opens", "integer"),
    Column("unknown_clicks", "integer"),
)
TOGETHER = (
    Column("campaign", "text"),
    Column("by", "text"),
    Column("name", "text"),
    Column("says", "text", True),
    Column("recipients", "integer", True),
    Column("loads", "integer", True),
    Column("clicks", "integer"),
    Column("machine_loads", "integer", True),
    Column("machine_clicks", "integer", True),
    Column("counted_until", "time"),
)
CONVERSIONS = (
    Column("goal", "text"),
    Column("order", "text", True),
    Column("at", "time"),
    Column("verified", "boolean"),
    Column("refunded", "boolean"),
    Column("way", "text"),
    Column("campaign", "text", True),
    Column("link", "integer", True),
    Column("message", "text", True),
    Column("touched", "time", True),
    Column("credit", "integer"),
    Column("value", "integer"),
    Column("taken", "integer"),
    Column("currency", "text", True),
)
TABLES: dict[Table, tuple[Column, ...]] = {
    "events": EVENTS,
    "links": LINKS,
    "people": PEOPLE,
    "daily": DAILY,
    "together": TOGETHER,
    "conversions": CONVERSIONS,
}

# What is asked for most, for formats that can have it.
INDEXES: dict[Table, tuple[tuple[str, ...], ...]] = {
    "events": (("campaign", "message"), ("at",)),
    "links": (("campaign", "link"),),
    "people": (("campaign", "message"), ("recipient",)),
    "daily": (("campaign", "day"),),
    "together": (("campaign", "by"),),
    "conversions": (("campaign",), ("goal", "order")),
}
