"""The range lists as files: one a label, a few lines about it, then one prefix a line.

::

    # label: google
    # date: 2026-11-01
    # source: https://www.gstatic.com/ipranges/goog.json
    # covers: ...

    8.8.8.0/24
    2001:4860::/32

IPv4 stands before IPv6, as ``write`` puts it: then a file is read at some 0.5 µs a prefix.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from operator import and_
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from struct import unpack

from pixeltrack.errors import InputError

#: The lists that come with pixeltrack.
SHIPPED = Path(__file__).with_name("data")
LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
BROADEST = {4: 8, 6: 16}  # nobody who is listed has more; 0.0.0.0/0 would be everybody
_HEAD = re.compile(r"#\s*([a-z]+):\s*(.*?)\s*")
_HOST_4 = [(1 << 32 - length) - 1 for length in range(33)]
_HOST_6 = [(1 << 128 - length) - 1 for length in range(129)]


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Prefixes of one IP version: where each starts, and its length in bits."""

    starts: tuple[int, ...] | array[int] = ()
    lengths: tuple[int, ...] | list[int] = ()


@dataclass(frozen=True, slots=True)
class RangeList:
    """One list. ``shipped`` is False for a list of the user's own folder."""

    label: str
    date: str  # of the publisher's file, as 2026-11-01
    source: str
    covers: str
    path: Path
    shipped: bool
    v4: Prefixes
    v6: Prefixes

    @property
    def name(self) -> str:
        """The label and the date of the list, as an event carries it."""
        return f"{self.label}/{self.date}"

    @property
    def ranges(self) -> int:
        return len(self.v4.starts) + len(self.v6.starts)


def read_lists(folder: Path | None) -> list[RangeList]:
    """Return the lists by label: those in the user's folder, and the shipped ones of other labels.

    folder need not exist. Raises InputError for a file that is no list, with its line.
    """
    found = {path.stem: path for path in SHIPPED.glob("*.txt")}
    if folder is not None:
        found |= {path.stem: path for path in folder.glob("*.txt") if LABEL.fullmatch(path.stem)}
    return [read(found[label]) for label in sorted(found)]


def read(path: Path) -> RangeList:
    """Read one list."""
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the network list {path}: {error}") from None
    head, body = _split(text)
    if head.get("label") != path.stem:
        raise InputError(f"{path} is the list of {head.get('label')!r}, not of {path.stem!r}", hint=_HINT)
    try:
        date.fromisoformat(head.get("date", ""))
    except ValueError:
        raise InputError(f"{path}: the date is {head.get('date')!r}", hint=_HINT) from None
    try:
        v4, v6 = _prefixes(body)
    except (OSError, ValueError, IndexError, OverflowError):
        raise _misread(path, text) from None
    return RangeList(
        *(path.stem, head["date"], head.get("source", ""), head.get("covers", "")),
        *(path, path.parent == SHIPPED, v4, v6),
    )


def write(head: Mapping[str, str], prefixes: list[str]) -> str:
    """Return a list's file. prefixes are in order, IPv4 first."""
    lines = [f"# {name}: {value}" for name, value in head.items()]
    return "\n".join([*lines, "", *prefixes, ""])


_HINT = "write it with pixeltrack networks update, or delete it to have the shipped list again"


def _split(text: str) -> tuple[dict[str, str], str]:
    """Return what the lines at the top say, and the rest."""
    head: dict[str, str] = {}
    at = 0
    while text.startswith(("#", "\n"), at):
        end = text.find("\n", at) % (len(text) + 1)
        if found := _HEAD.fullmatch(text, at, end):
            head[found[1]] = found[2]
        at = end + 1
    return head, text[at:]


def _prefixes(body: str) -> tuple[Prefixes, Prefixes]:
    """Return the prefixes of both versions; raise one of four errors when anything is wrong."""
    first = body.find(":")
    cut = len(body) if first < 0 else body.rfind("\n", 0, first) + 1
    addresses, lengths = _words(body[:cut])
    starts = array("I", b"".join(map(partial(inet_pton, AF_INET), addresses)))
    if sys.byteorder == "little":
        starts.byteswap()
    _check(lengths, BROADEST[4], any(map(and_, starts, map(_HOST_4.__getitem__, lengths))))
    v4 = Prefixes(starts, lengths)
    addresses, lengths = _words(body[cut:])
    raw = b"".join(map(partial(inet_pton, AF_INET6), addresses))
    halves = unpack(f">{2 * len(addresses)}Q", raw)
    wide = tuple(high << 64 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    _check(lengths, BROADEST[6], any(map(and_, wide, map(_HOST_6.__getitem__, lengths))))
    return v4, Prefixes(wide, lengths)


def _words(lines: str) -> tuple[list[str], list[int]]:
    """Return the addresses and the lengths of lines that each are one prefix."""
    words = lines.replace("/", " ").split()
    if lines.count("/") * 2 != len(words) or lines.count("\n") != lines.count("/"):
        raise ValueError
    return words[::2], list(map(int, words[1::2]))


def _check(lengths: list[int], broadest: int, outside: bool) -> None:
    if outside or (lengths and min(lengths) < broadest):
        raise ValueError


def _misread(path: Path, text: str) -> InputError:
    """Return the error that names the first wrong line."""
    _, body = _split(text)
    skipped = text[: len(text) - len(body)].count("\n")
    later = False
    for number, line in enumerate(body.split("\n"), start=skipped + 1):
        try:
            v4, v6 = _prefixes(f"{line}\n")
        except (OSError, ValueError, IndexError, OverflowError):
            return InputError(f"{path} line {number} is no prefix: {line[:60]!r}", hint=_HINT)
        if later and v4.starts:
            return InputError(f"{path} line {number} is IPv4 behind IPv6: {line!r}", hint=_HINT)
        later = later or bool(v6.starts)
    return InputError(f"{path} does not end with a line end: it is cut off", hint=_HINT)
