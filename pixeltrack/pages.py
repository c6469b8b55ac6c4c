"""The pages that recipients see: a user's templates first, ours second."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from pixeltrack import languages, noticetext
from pixeltrack.looks import Looks
from pixeltrack.resources import templates_dir

# What each page may use. A template that names anything else is refused when the server starts,
# rather than when someone wants to unsubscribe.
VARIABLES = {
    "unsubscribe.html": {"sender", "preview", "action", "preferences_url"},
    "preferences.html": {
        *("sender", "preview", "action", "tracking", "noted", "choices", "never", "unsubscribed"),
        *("by_person", "own_rights", "signal", "retargeting", "may_refuse", "unsubscribe_url", "privacy_url"),
    },
    "privacy.html": {
        *("notice", "version", "wording"),
        *("sender", "controller", "contact", "retention_days", "consent_required", "country_noted"),
    },
    "erase.html": {"sender", "action"},
    "done.html": {"title", "message", "back"},
    "missing.html": set[str](),
}

_EVERYWHERE = {"language", "t", "names"}  # the page's language, its texts, and what languages are called


class Pages:
    """Every page, compiled and checked once; templates that change later are not read again.

    ``user_templates`` may hold any of our files under the same name, ``style.css`` included.
    Raises InputError for a folder or template that cannot work.

    ``content_security_policy`` is the header value to send with each page. It admits the text of
    ``style.css`` and nothing else, so that a page can neither run a script nor load anything; a
    ``base.html`` of the user's has to print that text as ours does: ``<style>{{ style }}</style>``.
    """

    content_security_policy: str

    def __init__(self, user_templates: Path | None = None) -> None:
        ours = templates_dir() / "pages"
        self._looks = Looks(ours, user_templates, {"filled": _filled})
        self.texts = languages.read(ours / "texts", user_templates / "texts" if user_templates else None)
        self.notice_texts = noticetext.texts_of(user_templates)
        #: Whether the privacy notice that is shown is a page of the user's, and may say something else.
        self.own_notice = bool(user_templates and (user_templates / "privacy.html").is_file())
        style = self._looks.style("style.css")
        self._looks.check("base.html", _EVERYWHERE.union(*VARIABLES.values()))
        for name, known in VARIABLES.items():
            self._looks.check(name, known | _EVERYWHERE)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )

    def render(self, name: str, language: str = languages.DEFAULT, **values: object) -> bytes:
        """Return the page as UTF-8. ``name`` is a key of VARIABLES, which lists its values."""
        everywhere = {"language": language, "t": self.texts[language], "names": languages.LANGUAGES}
        # A value from the command line may hold lone surrogates; the page is shown all the same.
        return self._looks.render(name, everywhere | values).encode("utf-8", "replace")


def _filled(text: str, **values: object) -> object:
    """Return a text with its placeholders filled in; what is not markup is escaped."""
    from markupsafe import escape

    return escape(text).format(**values)
