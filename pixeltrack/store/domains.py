"""The mail domains that a campaign went to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pixeltrack.rates import Tracked
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query

_CACHE_KIB = 65_536  # recipients are looked up all over their table: the usual 2 MB are read twice


class Listed(NamedTuple):
    """A message, its modes (as in ``model.MODES``), its recipient's mail domain, the list's other columns."""

    message: int
    opens: int
    clicks: int
    domain: str
    fields: dict[str, str]


class Domains(Database):
    """The part of the store that knows at which domains recipients are. Domains are in lower case."""

    def tracked_domains(self, campaign_id: int) -> list[tuple[str, Tracked]]:
        """Return each mail domain with a campaign's measured messages to it, pseudonymous ones left out."""
        found = self._looked_up("tracked_by_domain", {"campaign_id": campaign_id})
        return [(domain, Tracked(*numbers)) for domain, *numbers in found]

    def domains_of(self, campaign_id: int, messages: Iterable[int]) -> list[tuple[str, int, int]]:
        """Return the domains of some messages' recipients, each with a message and its axes.

        Axes are 1 where opens are measured, 2 where clicks are, 3 where both. Unknown messages are left out.
        """
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        return self._looked_up("domains_of", asked)

    def listed(self, campaign_id: int, messages: Iterable[int]) -> list[Listed]:
        """Return what the sender's list says of some messages' recipients; unknown ones are left out."""
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        return [
            Listed(message, opens, clicks, domain, json.loads(fields))
            for message, opens, clicks, domain, fields in self._looked_up("holders_fields", asked)
        ]

    def _looked_up(self, name: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        self._plain(f"pragma cache_size = -{_CACHE_KIB}")
        return self._plain(query(name), values)
