"""/privacy: the notice that the settings make, in the reader's language, with the id of its wording."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pixeltrack import noticetext
from pixeltrack.answers import Answer, Answers, language_of
from pixeltrack.config import Settings
from pixeltrack.disclosure import disclose
from pixeltrack.errors import PixeltrackError
from pixeltrack.notice import notice_of
from pixeltrack.pages import Pages
from pixeltrack.store import NoticeVersion, Store

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.noticepage")


class NoticePage:
    """Answers of one collector; each language is rendered once."""

    def __init__(self, store: Store, pages: Pages, answers: Answers, settings: Settings) -> None:
        self._store, self._pages, self._answers, self._settings = store, pages, answers, settings
        self._shown: dict[str, Answer] = {}

    def show(self, environ: WSGIEnvironment) -> Answer:
        """Show the notice."""
        language = language_of(environ, self._settings.language)
        if language not in self._shown:
            try:
                known = self._store.notices()
            except PixeltrackError as error:  # the notice is there all the same, without its number
                log.error("the versions of the privacy notice cannot be read: %s", error)
                return self._page(language, [])
            self._shown[language] = self._page(language, known)
        return self._shown[language]

    def _page(self, language: str, known: list[NoticeVersion]) -> Answer:
        values = page_values(self._settings, self._pages, language, known)
        return self._answers.page("privacy.html", language=language, **values)


def page_values(
    settings: Settings, pages: Pages, language: str, known: list[NoticeVersion] | None = None
) -> dict[str, Any]:
    """Return what ``privacy.html`` shows. known are the versions of the notice, to say which it is."""
    texts, notice = pages.notice_texts[language], notice_of(settings)
    digest = noticetext.wording_id(noticetext.plain(notice, texts))
    version = next(
        (
            texts["version"].format(number=each.number, date=_day(each.since))
            for each in known or ()
            if (each.language, each.wording.hex(), each.until) == (language, digest, None)
        ),
        None,
    )
    return {
        "notice": noticetext.html(notice, texts),
        "version": version,
        "wording": texts["wording"].format(id=digest),
        "sender": settings.sender,
        "controller": settings.controller,
        "contact": settings.contact,
        "retention_days": disclose(settings).events_days,
        "consent_required": settings.consent == "required",
        "country_noted": settings.country_db is not None,
    }


def register(store: Store, settings: Settings, pages: Pages, now: int) -> dict[str, int]:
    """Keep the notice in each language as the version in force, and return the numbers; now is ms UTC.

    Where a page of the user's stands in its place nothing is kept: it may say something else.
    """
    if pages.own_notice:
        return {}
    return store.register_notices(noticetext.wordings(notice_of(settings), pages.notice_texts), now)


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
