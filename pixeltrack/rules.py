"""The rules that are in force: those that pixeltrack brings, and what a user's own file adds.

Values are in ``rulebook``, reading and checking in ``rulefile``; both are given on from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from pixeltrack.errors import InputError
from pixeltrack.rulebook import (
    Client,
    Device,
    Exact,
    Machine,
    MachineKind,
    Network,
    Proxy,
    Rules,
    Sign,
    Sweep,
)
from pixeltrack.rulefile import add, parse, stands_alone

__all__ = [
    "Client",
    "Device",
    "Exact",
    "Machine",
    "MachineKind",
    "Network",
    "Proxy",
    "Rules",
    "Sign",
    "Sweep",
    "load",
    "parse",
    "rules",
    "shipped",
    "shipped_text",
    "using",
]

_SHIPPED = Path(__file__).with_name("rules.toml")
_in_force: list[Rules] = []


def rules() -> Rules:
    """The rules in force: those that pixeltrack brings, unless a command has chosen others."""
    return _in_force[-1] if _in_force else shipped()


@lru_cache(maxsize=1)
def shipped() -> Rules:
    """The rules that pixeltrack brings, read at the first call."""
    return parse(shipped_text(), _SHIPPED.name)


def shipped_text() -> str:
    """The rules that pixeltrack brings, as they are written."""
    return _SHIPPED.read_text(encoding="utf-8")


def load(path: Path | None, *, whole: bool = False) -> Rules:
    """Return the shipped rules with what a user's file adds to them.

    With ``whole`` a file that has a version of its own is complete and stands alone. Raises InputError
    when the file cannot be read or something in it is wrong.
    """
    if path is None:
        return shipped()
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None
    except OSError as error:
        raise InputError(
            f"cannot read the rules {path}: {error.strerror}",
            hint="name a rules file, or remove rules from [judging] in pixeltrack.toml",
        ) from None
    name = path.as_posix()
    return parse(text, name) if whole and stands_alone(text, name) else add(text, name, shipped())


@contextmanager
def using(book: Rules) -> Iterator[Rules]:
    """Put rules in force for a while, before anything is judged or described in it."""
    _in_force.append(book)
    try:
        yield book
    finally:
        _in_force.pop()
