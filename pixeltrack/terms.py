"""Which modes a run may use: what the settings allow at most, what was asked for, and whose law holds.

Asking for more than the settings allow is an error and no silent clamp: whoever asked would else believe
that they got it.
"""

from __future__ import annotations

from typing import NamedTuple

from pixeltrack.config import OBJECTING, MailBasis, Preset, Settings
from pixeltrack.consent import Rules, least
from pixeltrack.errors import InputError
from pixeltrack.model import MODES, RANK, Axis, Campaign, Mode

_TOGETHER: frozenset[Mode] = frozenset({"aggregate", "company"})
_ASKED_FOR: tuple[MailBasis, ...] = ("requested", "transactional")


class Asked(NamedTuple):
    """What was asked for on the command line; None is nothing."""

    mode: Mode | None = None
    opens: Mode | None = None
    clicks: Mode | None = None
    without: Mode | None = None
    mail_basis: MailBasis | None = None

    @property
    def names_modes(self) -> bool:
        return bool(self.mode or self.opens or self.clicks)


class Terms(NamedTuple):
    """The rules of a run; ``fixed`` says that its modes were named, and must be the campaign's."""

    rules: Rules
    fixed: bool = False

    def within(self, campaign: Campaign) -> Rules:
        """Return the rules of a run of a campaign that may be there already: never above its ceiling.

        Raises InputError where another one was asked for: it was decided with the first mail.
        """
        opens, clicks = campaign.modes
        if self.fixed and (self.rules.opens, self.rules.clicks) != (opens, clicks):
            raise InputError(
                f"campaign {campaign.name!r} is measured as opens {opens}, clicks {clicks}, which cannot be"
                " changed once its mail is made",
                hint="leave --mode, --opens and --clicks out, or name another campaign with --campaign",
            )
        return self.rules._replace(
            opens=least(opens, self.rules.opens), clicks=least(clicks, self.rules.clicks)
        )


def free(preset: Preset | None, basis: MailBasis | None) -> frozenset[Mode]:
    """Return the modes that need no consent by a preset.

    France exempts only mail that was asked for (CNIL 2026-042), Italy only what is the same for all
    (Garante 284/2026), the UK statistics (ICO, 29 April 2026).
    """
    if preset is None or preset in OBJECTING:
        return _TOGETHER | {"hygiene"}
    if preset == "fr":
        return _TOGETHER | {"hygiene"} if basis in _ASKED_FOR else frozenset()
    by_preset: dict[str, frozenset[Mode]] = {
        **{"uk": _TOGETHER, "eu": _TOGETHER},
        "it": frozenset({"aggregate"}),
    }
    return by_preset.get(preset, frozenset())


NOTHING_ASKED = Asked()


def terms(settings: Settings, asked: Asked = NOTHING_ASKED) -> Terms:
    """Return the terms of a run. Raises InputError for what the settings or the preset do not allow."""
    basis = asked.mail_basis or settings.mail_basis
    opens = _ceiling("opens", asked.opens or asked.mode, settings.opens)
    if asked.clicks == "hygiene":
        raise InputError(
            "clicks cannot be measured in hygiene mode, which keeps the day of the last open alone",
            hint="--mode hygiene measures no clicks; --clicks aggregate counts them together",
        )
    of_mode: Mode | None = "off" if asked.mode == "hygiene" else asked.mode
    clicks = _ceiling("clicks", asked.clicks or of_mode, settings.clicks)
    without = asked.without or settings.without
    needless = free(settings.preset, basis)
    for option, mode in (("opens", opens), ("clicks", clicks), ("without consent", without)):
        if settings.preset == "fr" and mode in ("aggregate", "company", "hygiene") and mode not in needless:
            raise InputError(
                f"preset 'fr' allows {mode} ({option}) only for mail that was asked for",
                hint="say so, if it is: --mail-basis requested, or transactional",
            )
    if without != "off" and without not in needless:
        allowed = ", ".join(mode for mode in MODES if mode in needless) or "off alone"
        whose = f"preset {settings.preset!r}" if settings.preset else "pixeltrack"
        raise InputError(
            f"{whose} does not allow {without} without consent", hint=f"without consent it allows: {allowed}"
        )
    if asked.without and RANK[without] > max(RANK[opens], RANK[clicks]):
        raise InputError(
            f"--without-consent {without} is more than the campaign may have at most",
            hint=f"that is opens {opens}, clicks {clicks}",
        )
    rules = Rules(settings.consent, opens, clicks, without, needless)
    return Terms(rules, asked.names_modes)


def _ceiling(axis: Axis, asked: Mode | None, most: Mode) -> Mode:
    if asked is None:
        return most
    if RANK[asked] > RANK[most]:
        raise InputError(
            f"{axis} as {asked} are more than the settings allow, which is {most}",
            hint=f"consent.{axis} in pixeltrack.toml says so",
        )
    return asked
