"""A recipient's own pages: unsubscribe, preferences. GET shows, only POST acts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pixeltrack.answers import Answer, Answers
from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.languages import choose
from pixeltrack.ledger import Recorded
from pixeltrack.minting import Personal
from pixeltrack.model import Scope
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Person

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.personal")

_MAX_BODY = 8_192
# What each button of the preferences page does: the scope, and the text that confirms it.
_ACTIONS: dict[str, tuple[Scope, str]] = {
    "stop": ("tracking", "stopped"),
    "stop-opens": ("opens", "stopped_opens"),
    "stop-clicks": ("clicks", "stopped_clicks"),
}


class PersonalPages:
    """Answers for one collector. clock returns milliseconds UTC."""

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

    def unsubscribe(self, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        """Show the unsubscribe page, or act on a POST (RFC 8058: any body will do)."""
        language, kept = _language(environ)
        person = self._keyring.verify_personal("unsubscribe", token)
        if person is None:
            return self._answers.missing(language)
        if method == "POST":
            return self._opt_out(person, "all", "unsubscribed", language)
        return self._answers.page(
            "unsubscribe.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/u/{token}{kept}",
            language=language,
            preferences_url=self._personal_path("preferences", person),
        )

    def preferences(self, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        """Show what is recorded, or stop it on a POST."""
        language, kept = _language(environ)
        person = self._keyring.verify_personal("preferences", token)
        if person is None:
            return self._answers.missing(language)
        if method == "POST":
            (action, *more) = _form(environ).get("action", [""])
            if more or action not in _ACTIONS:
                return self._answers.says("unknown", language, "400 Bad Request")
            return self._opt_out(person, *_ACTIONS[action], language)
        try:
            subject = self._subject(person) or b""
            scopes, recorded = self._store.opt_outs_of(subject), self._store.recorded_of(subject)
        except PixeltrackError as error:
            log.error("preferences could not be read: %s", error)
            return self._failed("failed_read", language)
        return self._answers.page(
            "preferences.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/p/{token}{kept}",
            language=language,
            tracking=_tracking(scopes, recorded),
            unsubscribed="all" in scopes,
            unsubscribe_url=self._personal_path("unsubscribe", person),
            privacy_url="/privacy",
        )

    def _opt_out(self, person: Person, scope: Scope, text: str, language: str) -> Answer:
        """Store a refusal and say so only when it is on the disk."""
        if person.kind == "preview":
            return self._answers.says("preview_changed_nothing", language, title="preview_title")
        try:
            subject = self._subject(person)
            if subject is None:
                return self._answers.missing(language)
            if person.subject is not None and self._store.campaign_by_code(person.code) is None:
                return self._answers.missing(language)
            self._store.opt_out(person.code, person.pseudonym, subject, scope, self._clock())
        except PixeltrackError as error:
            log.error("an opt-out could not be stored: %s", error)
            return self._failed("failed_store", language)
        return self._answers.says(text, language)

    def _subject(self, person: Person) -> bytes | None:
        """Return who a token names, as a keyed hash of the address; None where nobody knows."""
        if person.subject is not None:
            return person.subject
        owner = self._store.owner(person.code, person.pseudonym)
        return self._keyring.subject(owner.identity) if owner else None

    def _failed(self, text: str, language: str) -> Answer:
        return self._answers.says(text, language, "503 Service Unavailable", title="failed_title")

    def _personal_path(self, purpose: Personal, person: Person) -> str:
        keys = self._keyring.campaign(person.code)
        if person.subject is not None:
            letter = "u" if purpose == "unsubscribe" else "p"
            return f"/{letter}/{keys.subject_token(purpose, person.subject)}"
        pseudonym = person.pseudonym.to_bytes(8, "big", signed=True)
        letter = "u" if purpose == "unsubscribe" else "p"
        return f"/{letter}/{keys.personal_token(purpose, pseudonym, person.kind)}"


def _tracking(scopes: frozenset[Scope], recorded: Recorded) -> str:
    """Return what is still measured of somebody: "on" for both kinds, "opens", "clicks", or "off".

    It is said of the person, not of one copy: an untracked copy says nothing of earlier mails.
    """
    both = "tracking" in scopes
    opens = not (both or "opens" in scopes or recorded.opens == "denied")
    clicks = not (both or "clicks" in scopes or recorded.clicks == "denied")
    return {(True, True): "on", (True, False): "opens", (False, True): "clicks"}.get((opens, clicks), "off")


def _language(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return the reader's language, and the query that keeps it where it was chosen by hand."""
    (asked, *_) = parse_qs(environ.get("QUERY_STRING", "")).get("lang", [""])
    language = choose(environ.get("HTTP_ACCEPT_LANGUAGE", ""), asked)
    return language, f"?lang={language}" if asked == language else ""


def _form(environ: WSGIEnvironment) -> dict[str, list[str]]:
    try:
        length = max(0, min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY))
    except ValueError:
        length = 0
    return parse_qs(environ["wsgi.input"].read(length).decode("latin-1"))
