"""The link tables as a map for nginx, which then redirects clicks without us.

nginx knows no key: it redirects whoever has the shape of a click to where the link table says, and
``ingest`` verifies the tokens later. Nobody is redirected to anything that stands in a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pixeltrack.hrefs import host, location
from pixeltrack.links import has_field
from pixeltrack.model import Campaign, LinkRow
from pixeltrack.tokens import Keyring
from pixeltrack.urls import CLICK_PATTERN

_LONGEST = 4_000  # of a word: nginx reads its configuration through a buffer of 4,096 bytes

_HEAD = """\
# Where wrapped links lead: from pixeltrack links --nginx-map. Include it in http {{ }}; after another
# inject make it again, and reload nginx.
map_hash_bucket_size 512;
map_hash_max_size {size};
geo $pixeltrack_dollar {{ default "$"; }}
map $uri $pixeltrack_link {{
    "~{pattern}" $pixeltrack_key;
}}
map $pixeltrack_link $pixeltrack_destination {{
"""


class Unmapped(NamedTuple):
    """A link that nginx cannot redirect, and why: the collector still can."""

    campaign: str
    number: int
    reason: str


def lines(
    tables: Iterable[tuple[Campaign, Sequence[LinkRow]]], keyring: Keyring, left: list[Unmapped]
) -> Iterator[str]:
    """Yield the lines of the map; what cannot be in it is added to left."""
    entries: list[str] = []
    for campaign, links in tables:
        entries.append(f"    # {_comment(campaign.name)}")
        keys = keyring.campaign(campaign.code, campaign.key_id)
        for link in links:
            where, reason = _where(link.url)
            if where is None:
                left.append(Unmapped(campaign.name, link.number, reason))
                entries.append(f"    # link {link.number} is left to pixeltrack serve: {reason}")
                continue
            name = host(link.url)
            entries.append(f'    "{campaign.code}/{link.number}" {where};')
            entries.append(
                f'    "{campaign.code}/{link.number}/{name}~{keys.host_seal(link.number, name)}" {where};'
            )
    yield from _HEAD.format(size=max(2_048, 2 * len(entries)), pattern=CLICK_PATTERN).splitlines()
    yield from entries
    yield "}"


def _where(url: str) -> tuple[str | None, str]:
    """Return a destination as a word of nginx' configuration, or None and why there is none."""
    if has_field(url):
        return None, "its destination is different for each person"
    where = location(url)
    if where is None:
        return None, "its destination is no address that one can be redirected to"
    # A variable is the only way to write a dollar sign where nginx looks for variables.
    word = where.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${pixeltrack_dollar}")
    if len(word) > _LONGEST:
        return None, "its destination is longer than nginx reads"
    return f'"{word}"', ""


def _comment(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
