"""A recipient's preferences: what is noted of them now, why, and the buttons that change it.

GET shows, only POST acts. A browser that asks not to be followed (Global Privacy Control, Do Not Track) is
heard on GET, too, but what follows from it for the person is put down with the next POST.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pixeltrack import languages
from pixeltrack.answers import Answer, Answers
from pixeltrack.asker import Asker, own_path
from pixeltrack.config import Settings
from pixeltrack.languages import Texts
from pixeltrack.ledger import Entry, holding
from pixeltrack.model import BY_HIT, Mode, Scope
from pixeltrack.standing import Choice, Noted, Sent, Standing, What, standing
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

log = logging.getLogger("pixeltrack.personal")

#: What each button does: the scope that is refused, and the text that confirms it.
STOPS: dict[str, tuple[Scope, str]] = {
    "stop": ("tracking", "stopped"),
    "stop-opens": ("opens", "stopped_opens"),
    "stop-clicks": ("clicks", "stopped_clicks"),
}
ACTIONS = frozenset({*STOPS, "no-retargeting"})
SIGNAL_METHOD, PAGE_METHOD = "browser signal", "preferences page"
_ORIGIN = "the recipient's own page"


class Preferences:
    """The preferences of whoever comes. clock returns milliseconds UTC."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        answers: Answers,
        settings: Settings,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._answers = answers
        self._settings = settings
        self._clock = clock

    def show(self, who: Asker) -> Answer:
        """Show what is noted of somebody. Raises PixeltrackError where that cannot be read."""
        stands = self._standing(who)
        texts = self._answers.texts(who.language)
        refused = self._store.refused_by(who.subject or b"")
        return self._answers.page(
            "preferences.html",
            sender=self._settings.sender,
            preview=who.is_preview,
            action=f"/p/{who.token}{who.kept}",
            language=who.language,
            tracking=_tracking(stands),
            noted=[self._noted(each) for each in stands.noted],
            choices=[self._choice(each, texts) for each in stands.choices],
            by_person=stands.by_person,
            never=self._never() if stands.by_person else [],
            signal=who.signal,
            retargeting=self._choice(stands.retargeting, texts) if stands.retargeting else None,
            may_refuse=_may_refuse_retargeting(who, stands),
            own_rights=self._settings.own_rights,
            unsubscribed=next((languages.day(each.at, texts) for each in refused if each.scope == "all"), ""),
            unsubscribe_url=own_path(self._keyring, "unsubscribe", who.person),
            privacy_url=f"/privacy?lang={who.language}",
        )

    def act(self, action: str, who: Asker) -> Answer:
        """Do what a button asks for, one of ``ACTIONS``, and say so only when it is on the disk.

        Raises PixeltrackError where it cannot be stored.
        """
        if action == "no-retargeting":
            self._refuse_retargeting(who, PAGE_METHOD)
            return self._said("no_retargeting", who)
        return self.refuse(who, *STOPS[action])

    def refuse(self, who: Asker, scope: Scope, text: str) -> Answer:
        """Store a refusal; who is known. Raises PixeltrackError where that cannot be."""
        person = who.person
        self._store.opt_out(person.code, person.pseudonym, who.subject or b"", scope, self._clock())
        more = ""
        if scope != "all" and any(each.counted for each in self._standing(who).noted):
            more = self._answers.texts(who.language)["counted_stays"]
        return self._said(text, who, more)

    def honour(self, who: Asker) -> None:
        """Put down, once, that a browser's signal refuses retargeting (11 CCR § 7025)."""
        if who.signal:
            self._refuse_retargeting(who, SIGNAL_METHOD)

    def _refuse_retargeting(self, who: Asker, method: str) -> None:
        subject = who.subject or b""
        given = [entry for entry in self._store.consents_of(subject) if entry.purpose == "retargeting"]
        last = holding(given)
        if last is not None and last.decision != "granted":
            return
        now = self._clock()
        entry = Entry(subject, "retargeting", "denied", now, now, method, "", None, _ORIGIN)
        self._store.record_consents([entry], {}, of=method, actor="recipient")

    def _standing(self, who: Asker) -> Standing:
        """Return how somebody stands; of a preview, how a recipient of that mail does."""
        subject, store, person = who.subject or b"", self._store, who.person
        sent = store.sent_to(subject)
        campaign = store.campaign_by_code(person.code)
        number = campaign.campaign_id if campaign else 0
        this = next((each for each in sent if each[:2] == (number, person.pseudonym)), None)
        others = [each for each in sent if each is not this]
        if this is None and campaign is not None:
            this = (
                store.counted_in(number)
                if person.subject is not None
                else Sent(number, 0, campaign.opens, campaign.clicks)
            )
        return standing(
            this or Sent(number, 0, 0, 0),
            others,
            store.refused_by(subject),
            store.consents_of(subject),
            self._settings.consent,
        )

    def _noted(self, noted: Noted) -> dict[str, Any]:
        """Return what the page shows of it: ``fields`` of this mail, ``more`` of others, as keys of texts."""
        more = self._fields(noted.what, noted.elsewhere) if noted.elsewhere else []
        return {**noted._asdict(), "fields": self._fields(noted.what, noted.mode), "more": more}

    def _fields(self, what: What, mode: Mode) -> list[str]:
        """Return what is stored of a hit in a mode, by the settings."""
        told, settings = _told(what, mode), self._settings
        if mode in BY_HIT:
            told += ["noted_country"] if settings.country_db is not None else []
            told += [f"noted_address_{settings.ip}"] if settings.ip != "none" else []
            if settings.moment != "exact":  # then there is no number of the day, which needs seconds
                told = [each for each in told if each != "noted_day_number"] + [f"moment_{settings.moment}"]
        return told

    def _never(self) -> list[str]:
        return [*(["never_ip"] if self._settings.ip == "none" else []), "never_browser", "never_elsewhere"]

    def _choice(self, choice: Choice, texts: Texts) -> dict[str, Any]:
        """Return what the page shows of a decision, with the words that were shown with it."""
        shown: dict[str, Any] = {"what": choice.what, "why": choice.why, "method": choice.method}
        shown |= {"date": "", "iso": "", "wording": "", "mark": ""}
        if choice.at is not None:
            shown |= {"date": languages.day(choice.at, texts), "iso": languages.iso_day(choice.at)}
        if choice.wording is not None:
            text = self._store.wording(choice.wording)
            shown |= {"mark": choice.wording.hex()}
            shown |= {"wording": text.decode("utf-8", "replace") if text is not None else ""}
        return shown

    def _said(self, text: str, who: Asker, more: str = "") -> Answer:
        back = own_path(self._keyring, "preferences", who.person) + who.kept
        return self._answers.says(text, who.language, more=more, back=back)


def _told(what: What, mode: Mode) -> list[str]:
    """Return what is stored of a hit in a mode, as keys of the pages' texts."""
    links = what != "opens"
    if mode in BY_HIT:
        seen = [*(["noted_open"] if what != "clicks" else []), *(["noted_click"] if links else [])]
        return [*seen, "noted_device", "noted_network", "noted_day_number", "noted_program"]
    if mode == "hygiene":
        return ["noted_last_day"]
    if mode == "off":
        return []
    company = ["counted_company"] if mode == "company" else []
    return ["counted_hour", *(["counted_link"] if links else []), "counted_device", *company]


def _tracking(stands: Standing) -> str:
    """Return of what something is still noted: "on" for both kinds, "opens", "clicks", or "off"."""
    return {2: "on", 0: "off"}.get(len(stands.measured)) or next(iter(stands.measured))


def _may_refuse_retargeting(who: Asker, stands: Standing) -> bool:
    """Return whether to offer that: where the ledger knows of it for this person, or the browser asks."""
    known = stands.retargeting
    refused = known is not None and known.why in ("denied", "withdrawn")
    return not refused and (who.signal or known is not None)
