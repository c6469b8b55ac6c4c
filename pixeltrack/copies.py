"""One recipient's copy, before it is written."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from pixeltrack.model import Mode, Recipient
from pixeltrack.template import Slot

# What is written into a copy: pixel and links, with one token or, in "apart", with one for each; only one
# of the two; or nothing, but for links to our own pages.
Variant = Literal["both", "apart", "opens", "clicks", "none"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
OPENED: frozenset[Variant] = frozenset({"both", "apart", "opens"})
CLICKED: frozenset[Variant] = frozenset({"both", "apart", "clicks"})


def variant_of(opens: Mode, clicks: Mode, *, bound: bool = False) -> Variant:
    """Return the kind of copy in which opens and clicks are measured so. Bound tokens are apart anyway."""
    if opens == "off":
        return "none" if clicks == "off" else "clicks"
    if clicks == "off":
        return "opens"
    return "both" if opens == clicks or bound else "apart"


class Copy(NamedTuple):
    """What is known of a copy when it is rendered. ``values`` are its tokens by slot."""

    number: int
    recipient: Recipient
    variant: Variant
    name: str  # unlike any other copy's, and the same in every run
    values: dict[Slot, str]
    where: str  # the recipient's place in the list, for errors
    version: str = ""  # of the mail, where it has any

    @property
    def tracked(self) -> bool:
        return self.variant != "none"
