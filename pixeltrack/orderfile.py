"""Orders as a shop exports them: CSV with a header, each row read with the number of its line."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from pixeltrack.errors import InputError
from pixeltrack.siteasks import Asked

COLUMNS = ("order", "value", "currency", "at", "email", "pt", "refund")
Row = tuple[int, Asked]  # the line, 0 for none, and what it says, as a call does


def read(path: str) -> Iterator[Row]:
    """Yield the rows of a file, "-" being standard input; raise InputError, with the line, for a wrong one.

    What stands under refund makes a row one: it takes the order back, all of it where there is no value,
    and is the refund's id where there is one.
    """
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not in UTF-8", hint="export it again as CSV in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check(header, path)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path} line {reader.line_num}: {len(cells)} cells, but {len(header)} columns"
                )
            yield reader.line_num, _said(dict(zip(header, map(str.strip, cells), strict=True)))
    except csv.Error as error:
        raise InputError(f"{path} line {reader.line_num}: {error}") from None


def _check(header: list[str], path: str) -> None:
    wrong = [name for name in header if name not in COLUMNS]
    if wrong or len(set(header)) < len(header) or "order" not in header:
        what = f"no column {wrong[0][:40]!r}" if wrong else "each column once, and order among them"
        raise InputError(f"{path} line 1: {what}", hint=f"columns are {', '.join(COLUMNS)}")


def _said(cells: dict[str, str]) -> Asked:
    said = {name: text for name, text in cells.items() if text}
    refund = said.pop("refund", "")
    if refund:
        said["refund"] = said.pop("order", "")
        said["id"] = refund
    return {name: text for name, text in said.items() if text}
