"""What is kept of hits that are gone: campaigns' totals, from which every count begins."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pixeltrack.cells import Cell, Rollup
from pixeltrack.store.hits import Hits
from pixeltrack.store.schema import query


class Kept(NamedTuple):
    """What a campaign's deleted hits have left.

    ``gone_before`` (ms UTC): hits before it are deleted; None where only those of single people are.
    """

    rollup: Rollup
    gone_before: int | None


class KeptTotals(Hits):
    """The part of the store that reads it."""

    def kept(self, campaign_id: int) -> Kept | None:
        """Return what is kept of a campaign's deleted hits; None where none are deleted."""
        rows = self._plain(
            "select begun, first, last, gone_before from kept where campaign_id = ?", [campaign_id]
        )
        if not rows:
            return None
        cells = self._plain("select cell, number from kept_cells where campaign_id = ?", [campaign_id])
        return Kept(
            Rollup(Counter({cell_of(text): number for text, number in cells}), *rows[0][:3]), rows[0][3]
        )

    def gone_before(self, campaign_id: int) -> int | None:
        """Return since when (ms UTC) a campaign's hits are there; None where none were deleted as old."""
        rows = self._plain("select gone_before from kept where campaign_id = ?", [campaign_id])
        return rows[0][0] if rows else None

    def gone_from(self, campaign_id: int, since: int | None) -> int | None:
        """Return before when hits are deleted that came since a time (ms UTC; None: ever), if any are."""
        gone = self.gone_before(campaign_id)
        return gone if gone is not None and (since is None or since < gone) else None

    def later(self, campaign_id: int, firsts: Mapping[int, int]) -> frozenset[int]:
        """Return which messages' hits are to be counted alone: their people are counted already, or may be.

        ``firsts`` has the number of the first hit of each message that is there.
        """
        if not firsts or not self._plain("select 1 from kept where campaign_id = ?", [campaign_id]):
            return frozenset()
        asked = {"campaign_id": campaign_id, "firsts": json.dumps([*firsts.items()])}
        return frozenset(message for (message,) in self._plain(query("later_messages"), asked))


def text_of(cell: Cell) -> str:
    """Return a cell as it is stored."""
    return json.dumps(cell, separators=(",", ":"))


def cell_of(text: str) -> Cell:
    return tuple(json.loads(text))
