"""``report --compare`` and ``report --ab``: what was asked for, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.abfigures import AbReport
    from pixeltrack.compare import Comparison
    from pixeltrack.report import Failed
    from pixeltrack.store import Store
    from pixeltrack.verdicts import Progress

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


def asked(
    more: Sequence[str], campaign: str | None, compared: Sequence[str], *, ab: bool, csv: bool, json: bool
) -> Beside | None:
    """Return what is to be put beside each other, None for a report as always; raise for what is neither.

    more are names without an option before them, as in ``--compare spring summer``.
    """
    if csv and json:
        raise InputError("--csv and --json exclude each other")
    form: Form = "json" if json else "csv" if csv else "terminal"
    if compared and (campaign is not None or ab):
        raise InputError(
            f"--compare and {'--ab' if ab else '--campaign'} exclude each other",
            hint="--campaign NAME --ab puts the versions of one campaign beside each other",
        )
    if compared:
        return Beside((*compared, *more), False, form)
    if more:
        raise click.UsageError(
            f"Got unexpected extra argument ({more[0]}). One campaign is --campaign {more[0]}."
        )
    if ab and campaign is None:
        raise InputError("--ab needs --campaign", hint="the versions are those of one campaign")
    if ab and campaign is not None:
        return Beside((campaign,), True, form)
    if csv:
        raise InputError("--csv needs --compare or --ab", hint="--json has everything of one report")
    return None


def _print(text: str) -> None:
    click.echo(text, nl=not text.endswith("\n"))
