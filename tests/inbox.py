"""What recipients hold after an injection: the addresses in their copies, as paths on the collector."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from pixeltrack.inject import Summary


@dataclass(frozen=True)
class Copy:
    """One recipient's copy."""

    address: str
    code: str
    token: str
    unsubscribe: str
    preferences: str

    @property
    def open(self) -> str:
        return f"/o/{self.code}/{self.token}.gif"

    def click(self, link: int) -> str:
        return f"/c/{self.code}/{link}/{self.token}"


def copies(summary: Summary) -> list[Copy]:
    """Return what messages.csv says of every copy that was written, in the order of the list."""
    with (summary.out / "messages.csv").open(encoding="utf-8", newline="") as file:
        return [
            Copy(
                row["email"],
                summary.code,
                row["token"],
                "/u/" + row["list_unsubscribe"].strip("<>").rpartition("/")[2],
                "/p/" + row["preferences_url"].rpartition("/")[2],
            )
            for row in csv.DictReader(file)
        ]
