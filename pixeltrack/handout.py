"""messages.csv: which file goes to whom, and what else a sending program must know."""

from __future__ import annotations

import csv

from pixeltrack.copies import Copy
from pixeltrack.headers import ONE_CLICK
from pixeltrack.output import Output
from pixeltrack.urls import Addresses

_COLUMNS = (
    *("email", "file", "tracked", "token"),
    *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
)


class MessageTable:
    """The table of a run's copies, in their order."""

    def __init__(self, output: Output, addresses: Addresses) -> None:
        self._addresses = addresses
        self._write = csv.writer(output.open_text("messages.csv"), lineterminator="\n").writerow
        self._write(_COLUMNS)

    def add(self, copy: Copy, file: str) -> None:
        values, addresses = copy.values, self._addresses
        self._write(
            (
                copy.recipient.address,
                file,
                "yes" if copy.tracked else "no",
                values["message"] if copy.tracked else "",
                f"<{addresses.unsubscribe(values['unsubscribe'])}>",
                ONE_CLICK,
                addresses.preferences(values["preferences"]),
            )
        )
