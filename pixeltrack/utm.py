"""UTM tags: the query keys by which web analytics know a campaign, added to destinations.

The five keys are Google Analytics' (https://support.google.com/analytics/answer/10917952), with its
newer ``utm_id``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from pixeltrack.errors import InputError

KEYS = ("source", "medium", "campaign", "term", "content", "id")
PLACES = ("campaign", "label", "group", "number", "version")

_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Utm:
    """What is added, in order: ``(key, value)`` with ``{campaign}``, ``{label}`` … in the values."""

    tags: tuple[tuple[str, str], ...]
    off: bool = False  # a link's own word: no tags on me

    def add(self, address: str, values: Mapping[str, str]) -> str:
        """Return an address with its tags: before the fragment, never over a key that is there.

        values fill the places; a tag that comes out empty is left out.
        """
        before, hash_, fragment = address.partition("#")
        _path, mark, query = before.partition("?")
        there = {unquote_plus(pair.partition("=")[0]).lower() for pair in query.split("&")}
        added = []
        for key, pattern in self.tags:
            value = _PLACE.sub(lambda found: values[found[1]], pattern).strip()
            if value and f"utm_{key}" not in there:
                added.append(f"utm_{key}={quote(value, safe='')}")
        if not added:
            return address
        joint = "" if mark and (not query or query.endswith("&")) else "&" if mark else "?"
        return f"{before}{joint}{'&'.join(added)}{hash_}{fragment}"

    def overridden(self, other: Utm) -> Utm:
        """Return these tags with another's in the place of those of the same key."""
        return other if other.off else Utm(tuple({**dict(self.tags), **dict(other.tags)}.items()))


def parse(written: str, where: str) -> Utm:
    """Read ``source=news,medium=email,campaign={campaign}``.

    where names the option or the line in an error. Raises InputError for keys that are no UTM tag
    and for places that nothing fills.
    """
    tags: dict[str, str] = {}
    for piece in filter(None, map(str.strip, written.split(","))):
        key, equals, value = piece.partition("=")
        key = key.strip().lower().removeprefix("utm_")
        if not equals or key not in KEYS:
            raise InputError(
                f"{where}: {piece!r} is no UTM tag",
                hint=f"write key=value with a key of {', '.join(KEYS)}",
            )
        for place in _PLACE.findall(value):
            if place not in PLACES:
                raise InputError(
                    f"{where}: nothing fills {{{place}}}",
                    hint=f"there are {', '.join(f'{{{name}}}' for name in PLACES)}",
                )
        tags[key] = value.strip()
    return Utm(tuple(tags.items()))
