"""A recipient's own pages: unsubscribe, preferences, privacy. GET shows, only POST acts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pixeltrack.answers import Answer, Answers
from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.ledger import Recorded
from pixeltrack.minting import Personal
from pixeltrack.model import Scope
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Person

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.personal")

_MAX_BODY = 8_192
_STILL = "This takes effect at once, also in mails that you already have. Their links keep working."
# What each button of the preferences page does: the scope, and the words that confirm it.
_ACTIONS: dict[str, tuple[Scope, str, str]] = {
    "stop": (
        "tracking",
        "Tracking is off",
        "You keep getting the mails. Nothing that you open or click in them is recorded any"
        " more, also in mails that you already have.",
    ),
    "stop-opens": (
        "opens",
        "Opens are not noted any more",
        f"You keep getting the mails. Whether you open them is not recorded any more. {_STILL}",
    ),
    "stop-clicks": (
        "clicks",
        "Clicks are not noted any more",
        f"You keep getting the mails. What you click in them is not recorded any more. {_STILL}",
    ),
}
_UNSUBSCRIBED: tuple[Scope, str, str] = (
    "all",
    "You are unsubscribed",
    "You will not get these mails any more. This takes effect at once.",
)


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

    def unsubscribe(self, token: str, method: str) -> Answer:
        """Show the unsubscribe page, or act on a POST (RFC 8058: any body will do)."""
        person = self._keyring.verify_personal("unsubscribe", token)
        if person is None:
            return self._answers.missing()
        if method == "POST":
            return self._opt_out(person, *_UNSUBSCRIBED)
        return self._answers.page(
            "unsubscribe.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/u/{token}",
            preferences_url=self._personal_path("preferences", person),
        )

    def preferences(self, token: str, method: str, environ: WSGIEnvironment) -> Answer:
        """Show what is recorded, or stop it on a POST."""
        person = self._keyring.verify_personal("preferences", token)
        if person is None:
            return self._answers.missing()
        if method == "POST":
            (action, *more) = _form(environ).get("action", [""])
            if more or action not in _ACTIONS:
                return self._answers.done(
                    "Nothing was changed", "This form asks for something unknown.", "400 Bad Request"
                )
            return self._opt_out(person, *_ACTIONS[action])
        try:
            owner = self._store.owner(person.code, person.pseudonym)
            subject = self._keyring.subject(owner.identity) if owner else b""
            scopes, recorded = self._store.opt_outs_of(subject), self._store.recorded_of(subject)
        except PixeltrackError as error:
            log.error("preferences could not be read: %s", error)
            return self._answers.try_again("We could not read your choices just now.")
        return self._answers.page(
            "preferences.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/p/{token}",
            tracking=_tracking(scopes, recorded),
            unsubscribed="all" in scopes,
            unsubscribe_url=self._personal_path("unsubscribe", person),
            privacy_url="/privacy",
        )

    def _opt_out(self, person: Person, scope: Scope, title: str, message: str) -> Answer:
        """Store a refusal and say so only when it is on the disk."""
        if person.kind == "preview":
            return self._answers.done("This was a preview", "Nothing was changed: this mail is a preview.")
        try:
            owner = self._store.owner(person.code, person.pseudonym)
            if owner is None:
                return self._answers.missing()
            subject = self._keyring.subject(owner.identity)
            self._store.opt_out(person.code, person.pseudonym, subject, scope, self._clock())
        except PixeltrackError as error:
            log.error("an opt-out could not be stored: %s", error)
            return self._answers.try_again("We could not store your choice just now.")
        return self._answers.done(title, message)

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

    def _personal_path(self, purpose: Personal, person: Person) -> str:
        keys = self._keyring.campaign(person.code)
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


def _form(environ: WSGIEnvironment) -> dict[str, list[str]]:
    try:
        length = max(0, min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY))
    except ValueError:
        length = 0
    return parse_qs(environ["wsgi.input"].read(length).decode("latin-1"))
