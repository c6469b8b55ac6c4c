"""Rows as a Parquet file, through pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO, Any

from pixeltrack.errors import PixeltrackError
from pixeltrack.export.columns import Column, Row

_GROUP = 50_000  # rows that are held and written together


def check() -> None:
    """Raise PixeltrackError unless pyarrow is there: to be asked before any work is done."""
    _pyarrow()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise PixeltrackError(
            "Parquet files are written by the package pyarrow, which is not installed",
            hint="pip install 'pixeltrack[parquet]', or choose --format csv, jsonl or sqlite",
        ) from None
    return pyarrow


def write_parquet(columns: Sequence[Column], rows: Iterable[Row], out: IO[bytes]) -> int:
    """Write rows with their types; return how many. Times are UTC to the millisecond."""
    pa = _pyarrow()
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("ms", tz="UTC"),
        "date": pa.date32(),
    }
    schema = pa.schema(
        [pa.field(column.name, types[column.kind], nullable=column.optional) for column in columns]
    )
    written, remaining = 0, iter(rows)
    with pa.parquet.ParquetWriter(out, schema) as writer:
        while chunk := list(islice(remaining, _GROUP)):
            cells = zip(*chunk, strict=True)  # by column
            arrays = [pa.array(values, field.type) for values, field in zip(cells, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            written += len(chunk)
    return written
