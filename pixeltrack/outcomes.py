"""What became of a campaign's messages, read from the store; ``reached`` has the rules."""

from __future__ import annotations

from pixeltrack.reached import FAILED, Reached, reached
from pixeltrack.store import Store


def of_campaign(store: Store, campaign_id: int) -> Reached | None:
    """Return what became of a campaign's messages; None where nothing was reported of them."""
    return reached(store.outcomes(campaign_id)) if store.has_deliveries(campaign_id) else None


class Delivered:
    """The messages of a campaign that were delivered; without a report all of them were."""

    def __init__(self, store: Store, campaign_id: int, got: Reached | None) -> None:
        self._told = got is not None and got.told
        wanted = ("delivered",) if self._told else FAILED
        self._messages = store.messages_with(campaign_id, wanted) if got else frozenset[int]()

    def __contains__(self, message: int) -> bool:
        return (message in self._messages) == self._told
