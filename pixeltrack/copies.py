"""One recipient's copy, before it is written."""

from __future__ import annotations

from typing import NamedTuple

from pixeltrack.model import Recipient
from pixeltrack.template import Slot


class Copy(NamedTuple):
    """What is known of a copy when it is rendered. ``values`` are its tokens by slot."""

    number: int
    recipient: Recipient
    tracked: bool
    name: str  # unlike any other copy's, and the same in every run
    values: dict[Slot, str]
    where: str  # the recipient's place in the list, for errors
    version: str = ""  # of the mail, where it has any
