"""Who has come to their own page: whom the token names, in which language, and what their browser asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pixeltrack import languages
from pixeltrack.headerfacts import signalled
from pixeltrack.minting import Personal
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Person

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_MAX_BODY = 8_192
_LETTER = {"unsubscribe": "u", "preferences": "p"}


@dataclass(frozen=True, slots=True)
class Asker:
    """One request of a person to a page of theirs.

    subject is the keyed hash of their address, None where the store does not know them (any more); kept is
    the query that keeps a language which was chosen by hand; signal says that the browser asks not to be
    followed.
    """

    token: str
    person: Person
    subject: bytes | None
    language: str
    kept: str
    signal: bool

    @property
    def is_preview(self) -> bool:
        return self.person.kind == "preview"


def asker(
    store: Store, keyring: Keyring, person: Person, token: str, environ: WSGIEnvironment, fallback: str
) -> Asker:
    """Return who has come with a token that names a person.

    The language is the one chosen by hand, else the one that the list says, else the browser's, else the
    fallback. Raises PixeltrackError where the store cannot be read.
    """
    subject = person.subject or subject_of(store, keyring, person)
    own = languages.of_person(store.columns_of(subject)) if subject is not None else ""
    language, kept = _language(environ, own, fallback)
    return Asker(token, person, subject, language, kept, signalled(environ))


def without_store(person: Person, token: str, environ: WSGIEnvironment, fallback: str) -> Asker:
    """Return the same where the store cannot be read."""
    language, kept = _language(environ, "", fallback)
    return Asker(token, person, person.subject, language, kept, signalled(environ))


def subject_of(store: Store, keyring: Keyring, person: Person) -> bytes | None:
    """Return who a token names, as a keyed hash of the address; None where nobody knows."""
    owner = store.owner(person.code, person.pseudonym)
    return keyring.subject(owner.identity) if owner else None


def own_path(keyring: Keyring, purpose: Personal, person: Person) -> str:
    """Return the path of another page of the same person."""
    keys = keyring.campaign(person.code)
    if person.subject is not None:
        return f"/{_LETTER[purpose]}/{keys.subject_token(purpose, person.subject)}"
    pseudonym = person.pseudonym.to_bytes(8, "big", signed=True)
    return f"/{_LETTER[purpose]}/{keys.personal_token(purpose, pseudonym, person.kind)}"


def action_of(environ: WSGIEnvironment) -> str:
    """Return what a button of a form asks for; empty where it does not ask for one thing."""
    (action, *more) = _form(environ).get("action", [""])
    return "" if more else action


def _language(environ: WSGIEnvironment, own: str, fallback: str) -> tuple[str, str]:
    (asked, *_) = parse_qs(environ.get("QUERY_STRING", "")).get("lang", [""])
    language = languages.choose(environ.get("HTTP_ACCEPT_LANGUAGE", ""), asked, own, fallback)
    return language, f"?lang={language}" if asked == language else ""


def _form(environ: WSGIEnvironment) -> dict[str, list[str]]:
    try:
        length = max(0, min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY))
    except ValueError:
        length = 0
    return parse_qs(environ["wsgi.input"].read(length).decode("latin-1"))
