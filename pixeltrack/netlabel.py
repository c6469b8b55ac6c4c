"""The label that an event carries of its client's network: the list that has it, and the country before it.

google/2026-11-01       a list and its date
DE:google/2026-11-01    the same, and the country, when the user has given a file of countries
DE:                     a country, and in no list
                        nothing is known
"""

from __future__ import annotations


def labelled(country: str, network: str) -> str:
    """Return the label of a network (as "google/2026-11-01", or empty) in a country (as "DE", or empty)."""
    return f"{country}:{network}" if country else network


def country_of(label: str) -> str | None:
    """Return the country of a label as two letters (ISO 3166-1); None when it is not known."""
    country, colon, _network = label.partition(":")
    return country if colon else None


def network_of(label: str) -> str:
    """Return a label without its country."""
    return label.rpartition(":")[2]
