"""Refreshing the lists from files: all of it is read and checked before anything is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path
from tempfile import NamedTemporaryFile

from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.networks.lists import LABEL, RangeList, read_lists, write
from pixeltrack.networks.lookup import Networks
from pixeltrack.networks.publishers import Network, Published, published

_LEAST_LEFT = 0.1  # of the addresses of the list that is replaced
_SURE = 0.8  # of a file's networks in one list: then it is that list's


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of one label. ``before`` is None for a new one."""

    label: str
    date: str
    ranges: int
    before: int | None  # ranges
    changed: bool
    path: Path


def update(
    files: Sequence[tuple[str, str]], folder: Path, *, label: str, day: str, force: bool, today: str
) -> list[Updated]:
    """Put the lists of publishers' files (name and text) into the user's folder.

    Several files of one label are one list. label and day are for files that do not tell, and win
    over those that do. An empty list, and one that has lost more than 90 % of its addresses (of IPv6:
    of the /32 blocks that it has part in), are refused without force. Raises InputError, with nothing
    changed.
    """
    if label and not LABEL.fullmatch(label):
        raise InputError(f"label {label!r} is none", hint="lower-case letters, digits and dashes, at most 32")
    known = {each.label: each for each in read_lists(folder)}
    parts: dict[str, list[Published]] = {}
    for name, text in files:
        found = published(name, text)
        if not found.networks and not force:
            raise InputError(
                f"{name} has no network in it", hint="--force makes an empty list; nothing was changed"
            )
        parts.setdefault(label or found.label or _owner(name, found, known), []).append(found)
    made = [_made(each, parts[each], known.get(each), day or "", today, force) for each in sorted(parts)]
    try:
        folder.mkdir(exist_ok=True)
        return [_put(folder, each, known.get(each.label)) for each in made]
    except OSError as error:
        raise PixeltrackError(
            f"cannot write to {error.filename or folder}: {error.strerror}",
            hint="choose another folder with networks = in pixeltrack.toml",
        ) from None


@dataclass(frozen=True, slots=True)
class _Made:
    label: str
    date: str
    networks: tuple[Network, ...]
    text: str


def _owner(name: str, found: Published, known: dict[str, RangeList]) -> str:
    """Return the label of the list that has most of a file's networks already."""
    networks = Networks(known.values)
    votes = Counter(networks.label(str(each.network_address)).partition("/")[0] for each in found.networks)
    votes.pop("", None)
    ((best, count),) = votes.most_common(1) or [("", 0)]
    if count < _SURE * len(found.networks):
        said = f"; {count} of its {len(found.networks)} networks are in {best}" if best else ""
        raise InputError(f"{name} does not say whose networks these are{said}", hint="give it with --label")
    return best


def _made(
    label: str, parts: list[Published], before: RangeList | None, day: str, today: str, force: bool
) -> _Made:
    v4 = [each for part in parts for each in part.networks if isinstance(each, IPv4Network)]
    v6 = [each for part in parts for each in part.networks if isinstance(each, IPv6Network)]
    networks: tuple[Network, ...] = (*collapse_addresses(v4), *collapse_addresses(v6))
    if before is not None and not force:
        _compare(label, networks, before)
    newest = day or max(part.date for part in parts) or today
    head = {
        "label": label,
        "date": date.fromisoformat(newest).isoformat(),
        "source": " ".join(dict.fromkeys(_clean(part.source) for part in parts)),
        "covers": "; ".join(dict.fromkeys(_clean(part.covers) for part in parts)),
        "made": "pixeltrack networks update",
    }
    return _Made(label, head["date"], networks, write(head, [str(each) for each in networks]))


def _clean(text: str) -> str:
    """Return what a file says of itself as one line of printable ASCII."""
    return "".join(each if " " <= each <= "~" else "?" for each in text[:300])


def _compare(label: str, networks: tuple[Network, ...], before: RangeList) -> None:
    """Refuse a list that has shrunk, as one that was cut off has.

    Of IPv6 the /32 blocks are compared that a list has part in: a shipped list is coarse there.
    """
    had_4 = sum(1 << 32 - length for length in before.v4.lengths)
    has_4 = sum(each.num_addresses for each in networks if each.version == 4)
    had_6 = len({start >> 96 for start in before.v6.starts})
    has_6 = len({int(each.network_address) >> 96 for each in networks if each.version == 6})
    for what, had, has in (("addresses", had_4, has_4), ("IPv6 blocks", had_6, has_6)):
        if has < had * _LEAST_LEFT:
            raise InputError(
                f"the new list of {label} has {has:,} {what}, that of {before.date} has {had:,}",
                hint="give all the publisher's files, each with --from; --force takes it as it is",
            )


def _put(folder: Path, made: _Made, before: RangeList | None) -> Updated:
    """Write one list, whole or not at all, unless it is there already."""
    path = folder / f"{made.label}.txt"
    changed = not path.exists() or path.read_bytes() != made.text.encode("ascii")
    if changed:
        with NamedTemporaryFile(
            "wb", prefix=f".{path.name}-", suffix=".partial", dir=folder, delete=False
        ) as file:
            try:
                file.write(made.text.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
                os.replace(file.name, path)  # noqa: PTH105 - from where the file has its name
            except BaseException:
                os.unlink(file.name)  # noqa: PTH108
                raise
    return Updated(
        made.label, made.date, len(made.networks), before.ranges if before else None, changed, path
    )
