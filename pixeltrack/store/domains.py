"""The mail domains that a campaign went to."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pixeltrack.store.connect import explained
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query

_CACHE_KIB = 65_536  # recipients are looked up all over their table: the usual 2 MB are read twice


class Domains(Database):
    """The part of the store that knows at which domains messages' recipients are."""

    def domains(self, campaign_id: int) -> Iterator[tuple[str, list[int]]]:
        """Yield each mail domain, in lower case, with a campaign's tracked messages to it."""
        self._stay()
        with explained(self.path):
            self._connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
            rows = self._connection.execute(query("messages_by_domain"), {"campaign_id": campaign_id})
            found = [(domain, messages) for domain, messages in rows]
        for domain, messages in found:
            yield domain, json.loads(messages)
