"""What was recorded, as files for other programs: events, links, people and days.

``columns`` has the tables' columns, ``events`` and ``sums`` make their rows from the store, a stretch at a
time, and ``texts``, ``parquet`` and the store's own ``TableFile`` write them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from pixeltrack.export import conversions, events, parquet, sums
from pixeltrack.export.columns import INDEXES, TABLES, Column, Kind, Row, Table
from pixeltrack.export.scope import Scope, Steps
from pixeltrack.export.texts import iso, write_csv, write_jsonl
from pixeltrack.store import Store, TableFile

__all__ = ["TABLES", "Format", "Scope", "Steps", "Table", "write", "write_sqlite"]

Format = Literal["csv", "jsonl", "parquet", "sqlite"]

_ROWS: dict[Table, Callable[[Store, Scope, Steps], Iterator[Row]]] = {
    "events": events.rows,
    "links": sums.links,
    "people": sums.people,
    "daily": sums.daily,
    "together": sums.together,
    "conversions": conversions.rows,
}
_DECLARED: dict[Kind, str] = {
    "text": "text",
    "integer": "integer",
    "boolean": "integer",
    "time": "text",
    "date": "text",
}


def write(
    store: Store, table: Table, scope: Scope, kind: Format, out: IO[bytes], steps: Steps, *, raw: bool
) -> int:
    """Write one table to a stream of bytes; return how many rows it has. ``raw`` is for CSV."""
    columns, rows = TABLES[table], _ROWS[table](store, scope, steps)
    if kind == "csv":
        return write_csv(columns, rows, out, raw=raw)
    if kind == "jsonl":
        return write_jsonl(columns, rows, out)
    if kind == "parquet":
        return parquet.write_parquet(columns, rows, out)
    raise ValueError(f"{kind} is no stream")


def write_sqlite(
    store: Store, tables: Sequence[Table], scope: Scope, path: Path, steps: Steps
) -> dict[Table, int]:
    """Write tables into the empty file at a path, as a SQLite database; return how many rows each has."""
    with TableFile(path) as file:
        return {
            table: file.put(
                table,
                [_declaration(column) for column in TABLES[table]],
                _plain(TABLES[table], _ROWS[table](store, scope, steps)),
                INDEXES[table],
            )
            for table in tables
        }


def _declaration(column: Column) -> tuple[str, str]:
    return column.name, _DECLARED[column.kind] + ("" if column.optional else " not null")


def _plain(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[list[Any]]:
    """Yield rows with times and dates as texts, which SQLite's functions and people can read."""
    changed: list[tuple[int, Callable[[Any], str]]] = [
        (place, iso if column.kind == "time" else str)
        for place, column in enumerate(columns)
        if column.kind in ("time", "date")
    ]
    for row in rows:
        values = list(row)
        for place, change in changed:
            if values[place] is not None:
                values[place] = change(values[place])
        yield values
