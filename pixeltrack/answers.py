"""Answers as values, and the pages among them; and the headers that every answer carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pixeltrack.languages import DEFAULT, Texts, choose
from pixeltrack.pages import Pages

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Headers = list[tuple[str, str]]
Answer = tuple[str, Headers, bytes]  # status line, headers without Content-Length, body

#: What every answer says unless it says otherwise itself (ASVS 5.0: 3.4.3 to 3.4.6, 14.3.2).
_GUARDS: Headers = [
    ("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0, private"),
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),  # else a token in the address leaks to where a link leads
]


def guarded(headers: Headers) -> Headers:
    """Return headers with those that every answer has."""
    there = {name for name, _value in headers}
    return [*headers, *(each for each in _GUARDS if each[0] not in there)]


class Answers:
    """Makes the answers that are pages."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._missing: dict[str, Answer] = {}  # by language

    def page(self, name: str, status: str = "200 OK", **values: Any) -> Answer:
        """Return a page by its template's name; values are what the template shows."""
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", self._pages.content_security_policy),
            ("X-Robots-Tag", "noindex, nofollow"),
        ]
        return status, headers, self._pages.render(name, **values)

    def texts(self, language: str) -> Texts:
        """Return the pages' texts in a language."""
        return self._pages.texts[language]

    def done(
        self, title: str, message: str, status: str = "200 OK", *, back: str = "", **values: str
    ) -> Answer:
        """Return a page that says one thing; back is the address of the preferences, if it leads there."""
        return self.page("done.html", status, title=title, message=message, back=back, **values)

    def says(
        self,
        what: str,
        language: str,
        status: str = "200 OK",
        *,
        title: str = "",
        more: str = "",
        back: str = "",
    ) -> Answer:
        """Return a page that says one of the texts in a language, below the title that belongs to it.

        more is said behind it.
        """
        texts = self._pages.texts[language]
        message = f"{texts[what]} {more}" if more else texts[what]
        return self.done(texts[title or f"{what}_title"], message, status, back=back, language=language)

    def try_again(self, what: str, language: str = DEFAULT) -> Answer:
        """Return the page for what could not be done just now."""
        return self.says(what, language, "503 Service Unavailable", title="failed_title")

    def missing(self, language: str = DEFAULT) -> Answer:
        """Return the fixed page for everything that is not ours: it never says why."""
        if language not in self._missing:
            self._missing[language] = self.page("missing.html", "404 Not Found", language=language)
        return self._missing[language]


def language_of(environ: WSGIEnvironment, fallback: str) -> str:
    """Return the language that a request asks for: by hand (``?lang=``), else by its browser, if any."""
    (asked, *_) = parse_qs(environ.get("QUERY_STRING", "")).get("lang", [""])
    return choose(environ.get("HTTP_ACCEPT_LANGUAGE", ""), asked, fallback=fallback)
