"""Which hits an export is of, and who may be named in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pixeltrack.attribution import Rule
from pixeltrack.model import MODES, Campaign
from pixeltrack.providers import provider_of
from pixeltrack.store import Holder
from pixeltrack.times import Zone

Progress = Callable[[int], None]

_INDIVIDUAL = MODES.index("individual")
_EVERY = 5_000  # steps between two words to whoever watches


@dataclass(frozen=True, slots=True)
class Scope:
    """Some campaigns, and hits from ``since`` to before ``until`` (ms UTC). Days are the zone's.

    ``rule`` is how conversions are shared out.
    """

    campaigns: tuple[Campaign, ...]
    zone: Zone
    since: int = -(1 << 62)
    until: int = 1 << 62
    rule: Rule = field(default_factory=Rule)


class Steps:
    """Counts the steps of long work, and tells of some."""

    def __init__(self, tell: Progress | None) -> None:
        self._tell = tell
        self._done = self._told = 0

    def add(self, steps: int) -> None:
        self._done += steps
        if self._tell and self._done - self._told >= _EVERY:
            self._told = self._done
            self._tell(self._done)


def message_name(message: int) -> str:
    """Return the pseudonym of a message as 16 hexadecimal digits: JSON's numbers are too short for it."""
    return f"{message & (1 << 64) - 1:016x}"


def recipient(holder: Holder | None) -> str | None:
    """Return the address of whom a message went to, or None for who is not measured (any more).

    That is what an untracked copy and stopping mean (docs/privacy.md): nothing that was seen is told
    together with the name. Where the sender's own mail system fills in the recipients nobody is known.
    """
    return holder.identity if holder and _is_individual(holder) and not holder.silenced else None


def provider(holder: Holder | None) -> str | None:
    """Return the mailbox provider of whom a tracked message went to, as reports count it."""
    return provider_of(holder.identity.rpartition("@")[2]) if holder and _is_individual(holder) else None


def _is_individual(holder: Holder) -> bool:
    """Return whether something is measured of a person by name: not by pseudonym, and not with others."""
    return _INDIVIDUAL in (holder.opens, holder.clicks)
