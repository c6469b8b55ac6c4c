"""Whose network an address belongs to: range lists, shipped with date and source, and looked up.

Nothing is fetched: ``pixeltrack networks update`` reads files that the publishers offer.
"""

from pixeltrack.networks.lists import RangeList, read_lists
from pixeltrack.networks.lookup import Networks

__all__ = ["Networks", "RangeList", "read_lists"]
