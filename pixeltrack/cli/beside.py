"""``report --compare`` and ``report --ab``: what was asked for, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixeltrack.cli.printed import Form, printed

if TYPE_CHECKING:
    from pixeltrack.store import Store
    from pixeltrack.verdicts import Failed, Progress


@dataclass(frozen=True, slots=True)
class Beside:
    """Campaigns to compare, or the one of which the versions are to be."""

    campaigns: tuple[str, ...]
    ab: bool
    form: Form

    def steps(self, store: Store) -> int:
        return 0

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Callable[[], None]:
        """Return what prints the figures; raise InputError where there is nothing to compare."""
        if self.ab:
            from pixeltrack import ab
            from pixeltrack.show import ab as shown_ab

            return printed(self.form, shown_ab, ab.build(store, self.campaigns[0], progress, failed))
        from pixeltrack import compare
        from pixeltrack.show import compare as shown

        return printed(self.form, shown, compare.build(store, self.campaigns, progress, failed))
