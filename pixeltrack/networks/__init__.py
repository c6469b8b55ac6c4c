"""Whose network an address belongs to: range lists, shipped with date and source, and looked up.

Nothing is fetched: ``pixeltrack networks update`` reads files that the publishers offer. With a file of
countries that the user has, a label begins with the country.
"""

from pixeltrack.netlabel import country_of, network_of
from pixeltrack.networks.lists import RangeList, read_lists
from pixeltrack.networks.lookup import Networks

__all__ = ["Networks", "RangeList", "country_of", "network_of", "read_lists"]
