"""What is held of a person, to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pixeltrack.show.text import clean


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield an export of ``rights.export_of`` as lines: each part under its name."""
    for name, value in found.items():
        yield from _part(name.replace("_", " "), value, "")


def _part(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{indent}{name}:"
        for key, each in value.items():
            yield from _part(clean(str(key), 80).replace("_", " "), each, f"{indent}  ")
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield f"{indent}{name}: {len(value):,}"
        for each in value:
            told = (f"{key} {_said(it)}" for key, it in each.items() if it not in (None, [], ""))
            yield f"{indent}  {', '.join(told)}"
    else:
        yield f"{indent}{name}: {_said(value)}"


def _said(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(clean(str(each), 200) for each in value)
    return clean(str(value), 2_000)
