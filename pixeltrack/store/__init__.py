"""The store: campaigns, links, recipients, messages, events and opt-outs, behind one narrow class.

No SQL, connection or transaction leaks out of this package.
"""

from pixeltrack.store.campaigns import CampaignDraft, Drafting
from pixeltrack.store.consents import OptOut
from pixeltrack.store.crowds import Reader
from pixeltrack.store.deleting import Deletion, RepeatRow
from pixeltrack.store.deliveries import Delivery, Put, Refused
from pixeltrack.store.domains import Listed
from pixeltrack.store.exports import Holder
from pixeltrack.store.gathered import ONE_BY_ONE
from pixeltrack.store.health import Health, examine
from pixeltrack.store.hits import CHUNK, Placed, Seen, bucket_of
from pixeltrack.store.hooks import Hook, Tries
from pixeltrack.store.notices import NoticeVersion
from pixeltrack.store.retained import OldHits
from pixeltrack.store.rollups import Audience
from pixeltrack.store.sites import Goal, Site
from pixeltrack.store.sqlite import Store, open_store
from pixeltrack.store.tablefile import TableFile
from pixeltrack.store.verdicts import Moved, State
from pixeltrack.store.versions import BatchSize, Placing

__all__ = [
    "CHUNK",
    "ONE_BY_ONE",
    "Audience",
    "BatchSize",
    "CampaignDraft",
    "Deletion",
    "Delivery",
    "Drafting",
    "Goal",
    "Health",
    "Holder",
    "Hook",
    "Listed",
    "Moved",
    "NoticeVersion",
    "OldHits",
    "OptOut",
    "Placed",
    "Placing",
    "Put",
    "Reader",
    "Refused",
    "RepeatRow",
    "Seen",
    "Site",
    "State",
    "Store",
    "TableFile",
    "Tries",
    "bucket_of",
    "examine",
    "open_store",
]
