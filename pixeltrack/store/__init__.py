"""The store: campaigns, links, recipients, messages, events and opt-outs, behind one narrow class.

No SQL, connection or transaction leaks out of this package.
"""

from pixeltrack.store.campaigns import CampaignDraft, Drafting
from pixeltrack.store.health import Health, examine
from pixeltrack.store.sqlite import Store, open_store

__all__ = ["CampaignDraft", "Drafting", "Health", "Store", "examine", "open_store"]
