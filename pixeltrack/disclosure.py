"""What the settings let be measured and kept, mode by mode: what notice, register and screening say.

A field is named by the key of its text (``templates/notice``). What a mode does not store is not among
its fields; ``tests/test_notice.py`` compares them with what a collector has stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from pixeltrack import retention
from pixeltrack.config import OBJECTING, Ip, Moment, Preset, Settings
from pixeltrack.model import BY_HIT, MODES, RANK, TOGETHER, Axis, Mode
from pixeltrack.terms import free


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The facts. ``opens`` and ``clicks`` are the modes that a mailing may have, what tells most first.

    ``free`` are those of them that are used without asking, where consent is asked for at all
    (``asked``). Times are in the units of their names.
    """

    preset: Preset | None
    opens: tuple[Mode, ...]
    clicks: tuple[Mode, ...]
    asked: bool
    free: frozenset[Mode]
    moment: Moment
    ip: Ip
    ip_days: int | None
    country: bool
    events_days: int
    consent_years: int

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Return the modes of either axis."""
        return tuple(mode for mode in reversed(MODES) if mode in {*self.opens, *self.clicks})

    @property
    def by_hit(self) -> bool:
        """Whether single opens or clicks may be kept."""
        return not BY_HIT.isdisjoint(self.modes)

    @property
    def by_row(self) -> bool:
        """Whether rows of recipients may be kept."""
        return not TOGETHER.issuperset(self.modes)

    @property
    def together(self) -> bool:
        """Whether people may be counted together."""
        return not TOGETHER.isdisjoint(self.modes)

    @property
    def needs_consent(self) -> tuple[Mode, ...]:
        """Return the modes that are used only with an agreement."""
        return tuple(mode for mode in self.modes if self.asked and mode not in self.free)

    def axes(self, mode: Mode) -> tuple[Axis, ...]:
        """Return what may be measured in a mode."""
        return tuple(axis for axis in ("opens", "clicks") if mode in getattr(self, axis))

    def fields(self, mode: Mode) -> tuple[str, ...]:
        """Return what is stored in a mode, by the keys of its texts."""
        axes = self.axes(mode)
        if not axes:
            return ()
        if mode == "hygiene":
            return ("f_last_open",)
        if mode in TOGETHER:
            counted = ("f_hour_links" if "clicks" in axes else "f_hour", "f_class")
            return (*counted, *(("f_group", "f_group_facts") if mode == "company" else ()), "f_recipients")
        which = "both" if len(axes) == 2 else axes[0]
        return (
            f"f_what_{which}",
            "f_person" if mode == "individual" else "f_number",
            f"f_moment_{self.moment}",
            "f_agent",
            "f_headers",
            "f_network",
            *(("f_country",) if self.country else ()),
            *(("f_day_number",) if self.moment == "exact" else ()),
            *((f"f_ip_{self.ip}",) if self.ip != "none" else ()),
            "f_machine",
        )


def disclose(settings: Settings) -> Disclosure:
    """Return the facts of some settings: every mode that ``inject`` would take with them is among them."""
    basis = "requested" if settings.preset == "fr" else settings.mail_basis  # a run may say so
    opens, clicks = _up_to(settings.opens), _up_to(settings.clicks)
    asked = settings.consent == "required"
    return Disclosure(
        preset=settings.preset,
        opens=opens,
        clicks=tuple(mode for mode in clicks if mode != "hygiene"),
        asked=asked,
        free=free(settings.preset, basis) & {*opens, *clicks} if asked else frozenset(),
        moment=settings.moment,
        ip=settings.ip,
        ip_days=settings.ip_days,
        country=settings.country_db is not None,
        events_days=settings.events_days or retention.EVENTS,
        consent_years=settings.consent_years,
    )


def _up_to(most: Mode) -> tuple[Mode, ...]:
    return tuple(mode for mode in reversed(MODES) if mode != "off" and RANK[mode] <= RANK[most])


def is_european(preset: Preset | None) -> bool:
    """Whether a preset is of the European Economic Area, or of the UK, whose laws are alike here."""
    return preset is not None and preset not in OBJECTING
