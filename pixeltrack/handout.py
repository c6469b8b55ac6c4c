"""messages.csv: which file goes to whom, and what else a sending program must know."""

from __future__ import annotations

from pixeltrack.copies import Copy, Variant
from pixeltrack.headers import ONE_CLICK
from pixeltrack.output import Output
from pixeltrack.urls import Addresses

_COLUMNS = (
    *("email", "file", "tracked", "token"),
    *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
)
# What the column tracked says.
_TOLD: dict[Variant, str] = {
    "both": "yes",
    "apart": "yes",
    "opens": "opens",
    "clicks": "clicks",
    "none": "no",
}


class MessageTable:
    """The table of a run's copies, in their order.

    Nothing in a row needs quotes: addresses have no comma, quote or white space, URLs of ours neither.
    """

    def __init__(self, output: Output, addresses: Addresses, *, versions: bool = False) -> None:
        """With versions a last column says which version of the mail each copy is."""
        self._versions = versions
        self._file = output.open_text("messages.csv")
        self._unsubscribe, self._preferences = addresses.unsubscribe(""), addresses.preferences("")
        self._file.write(",".join((*_COLUMNS, *(("version",) if versions else ()))) + "\n")

    def add(self, copy: Copy, file: str) -> None:
        values = copy.values
        told = f"{_TOLD[copy.variant]},{values['message'] if copy.tracked else ''}"
        version = f",{copy.version}" if self._versions else ""
        self._file.write(
            f"{copy.recipient.address},{file},{told},<{self._unsubscribe}{values['unsubscribe']}>,"
            f"{ONE_CLICK},{self._preferences}{values['preferences']}{version}\n"
        )
