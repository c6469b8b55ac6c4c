"""Rows as CSV and as JSON lines, in UTF-8."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from typing import IO, Any

from pixeltrack.export.columns import Column, Kind, Row
from pixeltrack.formula import safe

# All that JSON may have as it is, but a terminal or an editor acts on: C1 controls, soft hyphens, marks of
# direction, zero-width characters, line separators. Escaped, it is the same JSON.
_INVISIBLE = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001-\U000e007f]"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """Return a time (ms UTC) in ISO 8601."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")


def write_csv(columns: Sequence[Column], rows: Iterable[Row], out: IO[bytes], *, raw: bool) -> int:
    """Write rows as RFC 4180 has them, under their names; return how many.

    Texts are made safe for spreadsheets, unless ``raw``. Numbers are never changed: there -1 is no formula.
    """
    changes = [_CSV[column.kind] if column.kind != "text" or not raw else str for column in columns]
    text = TextIOWrapper(out, "utf-8", errors="replace", newline="")
    written = 0
    try:
        writer = csv.writer(text)  # its own dialect: commas, CRLF, quotes where they are needed
        writer.writerow([column.name for column in columns])
        for row in rows:
            writer.writerow(
                [None if value is None else change(value) for change, value in zip(changes, row, strict=True)]
            )
            written += 1
    finally:
        text.detach()
    return written


def write_jsonl(columns: Sequence[Column], rows: Iterable[Row], out: IO[bytes]) -> int:
    """Write rows as one object each; return how many. Texts are exact: what is invisible is escaped."""
    names = [column.name for column in columns]
    changed = [(place, _JSON[column.kind]) for place, column in enumerate(columns) if column.kind in _JSON]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    written = 0
    for row in rows:
        values = list(row)
        for place, change in changed:
            if values[place] is not None:
                values[place] = change(values[place])
        line = encode(dict(zip(names, values, strict=True)))
        if not line.isascii() or "\x7f" in line:
            line = _INVISIBLE.sub(_escaped, line)
        out.write(f"{line}\n".encode("utf-8", "replace"))
        written += 1
    return written


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


def _word(value: Any) -> str:
    return "true" if value else "false"


_CSV: dict[Kind, Callable[[Any], Any]] = {
    "text": safe,
    "integer": int,
    "boolean": _word,
    "time": iso,
    "date": str,
}
_JSON: dict[Kind, Callable[[Any], Any]] = {"time": iso, "date": str}
