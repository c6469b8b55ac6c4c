"""Tables as CSV, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from pixeltrack.formula import safe

Cell = str | int | float | None


class AsIs(str):
    """A text that is written as it is: an address, which ``recipients`` has looked at."""

    __slots__ = ()


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV (RFC 4180, but lines end in LF). What is undefined is an empty cell.

    Texts are made safe for spreadsheets, as exports have them, but for those that are ``AsIs``.
    """
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_plain(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _plain(cell: Cell) -> Cell:
    return safe(cell) if isinstance(cell, str) and not isinstance(cell, AsIs) else cell
