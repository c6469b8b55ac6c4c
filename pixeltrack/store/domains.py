"""The mail domains that a campaign went to."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pixeltrack.store.database import Database
from pixeltrack.store.schema import query

_CACHE_KIB = 65_536  # recipients are looked up all over their table: the usual 2 MB are read twice


class Domains(Database):
    """The part of the store that knows at which domains recipients are. Domains are in lower case."""

    def tracked_domains(self, campaign_id: int) -> list[tuple[str, int]]:
        """Return each mail domain with the number of a campaign's tracked messages to it."""
        return self._looked_up("tracked_by_domain", {"campaign_id": campaign_id})

    def domains_of(self, campaign_id: int, messages: Iterable[int]) -> list[tuple[str, int]]:
        """Return the domains of some messages' recipients, each with a message; unknown ones are left out."""
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        return self._looked_up("domains_of", asked)

    def _looked_up(self, name: str, values: dict[str, object]) -> list[tuple[str, int]]:
        self._plain(f"pragma cache_size = -{_CACHE_KIB}")
        return self._plain(query(name), values)
