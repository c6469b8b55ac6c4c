"""What a campaign needs before it may measure anybody, once a consent preset is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pixeltrack.cli.planning import can_be_stopped
from pixeltrack.errors import PixeltrackError

if TYPE_CHECKING:
    from pixeltrack.config import Settings
    from pixeltrack.rewrite import Plan

ASSUMED = "assumed: everybody may be tracked who has not refused; pixeltrack init --preset eu changes that"
UNSTOPPABLE = '%s gives its readers no way to stop tracking; put <a href="pixeltrack:preferences"> into it'


def require(settings: Settings, plans: Mapping[str, Plan]) -> None:
    """Refuse tracked mails, by their names, that lack what a preset asks for; raise PixeltrackError."""
    require_named(settings)
    for name, plan in plans.items():
        require_stoppable(settings, plan, name)


def require_named(settings: Settings) -> None:
    """Refuse tracking for nobody in particular (GDPR art. 13(1)(a)).

    Raises PixeltrackError, naming what lacks. Without a preset nothing is asked for.
    """
    if settings.preset is None:
        return
    for key, value in (("controller", settings.controller), ("contact", settings.contact)):
        if not (value or "").strip():
            raise PixeltrackError(
                f"consent.preset is {settings.preset!r}, and nobody is named as sender.{key}",
                hint=f'write {key} = "..." below [sender] in {settings.config or "pixeltrack.toml"}',
            )


def require_stoppable(settings: Settings, plan: Plan, name: str) -> None:
    """Refuse a tracked mail that does not lead to where its reader stops it (GDPR art. 7(3)).

    Raises PixeltrackError. Without a preset nothing is asked for.
    """
    if settings.preset is not None and not can_be_stopped(plan):
        raise PixeltrackError(
            f"consent.preset is {settings.preset!r}, and {name} gives its readers no way to stop tracking",
            hint='put <a href="pixeltrack:preferences"> and <a href="pixeltrack:unsubscribe"> into it',
        )
