"""Answers as values, and the pages among them with the headers that every page carries."""

from __future__ import annotations

from typing import Any

from pixeltrack.pages import Pages

Headers = list[tuple[str, str]]
Answer = tuple[str, Headers, bytes]  # status line, headers without Content-Length, body

NO_STORE = ("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0, private")
#: What every answer says unless it says otherwise itself (ASVS 5.0: 3.4.3 to 3.4.6, 14.3.2).
_GUARDS: Headers = [
    NO_STORE,
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

    def page(self, name: str, status: str = "200 OK", **values: Any) -> Answer:
        """Return a page by its template's name; values are what the template shows."""
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            NO_STORE,
            ("Content-Security-Policy", self._pages.content_security_policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Robots-Tag", "noindex, nofollow"),
        ]
        return status, headers, self._pages.render(name, **values)

    def done(self, title: str, message: str, status: str = "200 OK") -> Answer:
        """Return a page that says one thing."""
        return self.page("done.html", status, title=title, message=message)

    def try_again(self, what: str) -> Answer:
        """Return the page for what could not be done just now."""
        message = f"{what} Please try again in a minute."
        return self.done("This did not work", message, "503 Service Unavailable")

    def missing(self) -> Answer:
        """Return the fixed page for everything that is not ours: it never says why."""
        return self.page("missing.html", "404 Not Found")
