"""A recipient's own pages: unsubscribe, preferences, privacy. GET shows, only POST acts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pixeltrack.answers import Answer, Answers, language_of
from pixeltrack.asker import Asker, action_of, asker, own_path, without_store
from pixeltrack.config import Settings
from pixeltrack.eraser import Eraser
from pixeltrack.errors import PixeltrackError
from pixeltrack.minting import Personal
from pixeltrack.ownrights import OwnRights
from pixeltrack.preferences import ACTIONS, Preferences
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.personal")


class PersonalPages:
    """Answers for one collector. clock returns milliseconds UTC."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        answers: Answers,
        settings: Settings,
        clock: Callable[[], int],
        eraser: Eraser,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._answers = answers
        self._settings = settings
        self._preferences = Preferences(store, keyring, answers, settings, clock)
        self._rights = OwnRights(store, keyring, answers, settings, clock, eraser)
        self._acts: dict[str, Callable[[Asker], Answer]] = {
            **{action: partial(self._preferences.act, action) for action in ACTIONS},
        }
        if settings.own_rights:
            self._acts |= {
                "data": self._rights.copy,
                "erase": self._rights.explain,
                "erase-now": self._rights.erase,
            }

    def unsubscribe(self, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        """Show the unsubscribe page, or act on a POST (RFC 8058: any body will do)."""
        return self._answered("unsubscribe", token, method, environ)

    def preferences(self, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        """Show what is recorded, or change it on a POST."""
        return self._answered("preferences", token, method, environ)

    def _answered(self, page: Personal, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        person = self._keyring.verify_personal(page, token)
        if person is None:
            return self._answers.missing(language_of(environ, self._settings.language))
        fallback = self._settings.language
        acts = method == "POST"
        try:
            who = asker(self._store, self._keyring, person, token, environ, fallback)
            if acts:
                return self._act(page, who, environ)
            gone = self._rights.gone(who)
            if gone is not None:
                return gone
            return self._preferences.show(who) if page == "preferences" else self._show_unsubscribe(who)
        except PixeltrackError as error:
            who = without_store(person, token, environ, fallback)
            if acts:
                log.error("an opt-out could not be stored: %s", error)
                return self._failed("failed_store", who)
            log.error("preferences could not be read: %s", error)
            return self._failed("failed_read", who) if page == "preferences" else self._show_unsubscribe(who)

    def _act(self, page: Personal, who: Asker, environ: WSGIEnvironment) -> Answer:
        action = action_of(environ) if page == "preferences" else ""
        if page == "preferences" and action not in self._acts:
            return self._answers.says("unknown", who.language, "400 Bad Request")
        if who.is_preview:
            return self._answers.says("preview_changed_nothing", who.language, title="preview_title")
        if who.subject is None or self._store.campaign_by_code(who.person.code) is None:
            return self._rights.gone(who) or self._answers.missing(who.language)
        if action != "no-retargeting":  # which says the same by hand
            self._preferences.honour(who)
        if page == "preferences":
            return self._acts[action](who)
        return self._preferences.refuse(who, "all", "unsubscribed")

    def _show_unsubscribe(self, who: Asker) -> Answer:
        return self._answers.page(
            "unsubscribe.html",
            sender=self._settings.sender,
            preview=who.is_preview,
            action=f"/u/{who.token}{who.kept}",
            language=who.language,
            preferences_url=own_path(self._keyring, "preferences", who.person),
        )

    def _failed(self, text: str, who: Asker) -> Answer:
        return self._answers.says(text, who.language, "503 Service Unavailable", title="failed_title")

    def privacy(self) -> Answer:
        """Show the privacy notice, made from the settings."""
        settings = self._settings
        return self._answers.page(
            "privacy.html",
            sender=settings.sender,
            controller=settings.controller,
            contact=settings.contact,
            retention_days=settings.events_days,
            consent_required=settings.consent == "required",
            country_noted=settings.country_db is not None,
        )
