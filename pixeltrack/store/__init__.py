"""The store: campaigns, links, recipients, messages, events and opt-outs, behind one narrow class.

No SQL, connection or transaction leaks out of this package.
"""

from pixeltrack.store.campaigns import CampaignDraft, Drafting
from pixeltrack.store.health import Health, examine
from pixeltrack.store.hits import CHUNK, Placed, Seen, bucket_of
from pixeltrack.store.sqlite import Store, open_store
from pixeltrack.store.verdicts import Moved, State
from pixeltrack.store.versions import BatchSize, Placing

__all__ = [
    "CHUNK",
    "BatchSize",
    "CampaignDraft",
    "Drafting",
    "Health",
    "Moved",
    "Placed",
    "Placing",
    "Seen",
    "State",
    "Store",
    "bucket_of",
    "examine",
    "open_store",
]
