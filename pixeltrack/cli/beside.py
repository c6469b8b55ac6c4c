"""``report --compare`` and ``report --ab``: what was asked for, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from pixeltrack.abfigures import AbReport
    from pixeltrack.compare import Comparison
    from pixeltrack.store import Store
    from pixeltrack.verdicts import Failed, Progress

Form = Literal["terminal", "json", "csv"]


@dataclass(frozen=True, slots=True)
class Beside:
    """Campaigns to compare, or the one of which the versions are to be."""

    campaigns: tuple[str, ...]
    ab: bool
    form: Form

    def build(self, store: Store, progress: Progress | None, failed: Failed) -> Callable[[], None]:
        """Return what prints the figures; raise InputError where there is nothing to compare."""
        if self.ab:
            from pixeltrack import ab

            versions = ab.build(store, self.campaigns[0], progress, failed)
            return lambda: self._show_versions(versions)
        from pixeltrack import compare

        comparison = compare.build(store, self.campaigns, progress, failed)
        return lambda: self._show_campaigns(comparison)

    def _show_versions(self, report: AbReport) -> None:
        from rich.console import Console

        from pixeltrack.show import ab as show

        if self.form == "terminal":
            show.show(Console(highlight=False), report)
        else:
            _print(show.as_json(report) if self.form == "json" else show.as_csv(report))

    def _show_campaigns(self, comparison: Comparison) -> None:
        from rich.console import Console

        from pixeltrack.show import compare as show

        if self.form == "terminal":
            show.show(Console(highlight=False), comparison)
        else:
            _print(show.as_json(comparison) if self.form == "json" else show.as_csv(comparison))


def _print(text: str) -> None:
    click.echo(text, nl=not text.endswith("\n"))
