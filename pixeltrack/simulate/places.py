"""Networks and their addresses: a home for every reader, and a few machines for every service.

The label of a network is the one that pixeltrack's lists have for the range. Homes and offices stand
in ranges that are nobody's: 198.18.0.0/15 is kept for tests (RFC 2544), 2001:db8::/32 for examples
(RFC 3849).
"""

from __future__ import annotations

import random

from pixeltrack.simulate.hits import Place

# One range of each network, and how many of its addresses are used: image proxies and gateways share a
# few among many mailboxes, relays have many, rented machines are all over theirs.
_POOLS: dict[str, tuple[str, int]] = {
    "apple-relay": ("140.248.0.", 250),
    "google": ("66.249.84.", 120),
    "yahoo": ("98.137.66.", 60),
    "ms-eop": ("40.107.22.", 200),
    "microsoft": ("52.98.10.", 200),
    "proofpoint": ("148.163.148.", 40),
    "mimecast": ("207.211.30.", 40),
    "barracuda-egd": ("209.222.82.", 30),
    "cisco-email": ("68.232.148.", 30),
    "aws": ("52.6.10.", 250),
    "azure": ("20.42.9.", 250),
    "gcp": ("34.68.5.", 250),
    "ovh": ("51.68.20.", 250),
}


def home(number: int) -> Place:
    """The place of a household or an office by its number; every number has its own."""
    if number % 3 == 2 or number >= 1 << 17:
        return Place("", f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::{number % 250 + 2:x}")
    spread = number * 40_503 % (1 << 17)  # odd: no two numbers below 131,072 meet
    return Place("", f"198.{18 + (spread >> 16)}.{spread >> 8 & 255}.{spread & 255}")


def carrier(chance: random.Random) -> Place:
    """One of the addresses that a mobile carrier's customers share (a range for examples, RFC 5737)."""
    return Place("", f"203.0.113.{chance.randint(1, 250)}")


def machine(network: str, chance: random.Random) -> Place:
    """One of the addresses that a service uses. "" is a machine that no list knows."""
    if not network:
        return Place("", f"198.51.100.{chance.randint(1, 250)}")  # for examples (RFC 5737)
    prefix, size = _POOLS[network]
    return Place(network, f"{prefix}{chance.randint(1, size)}")
