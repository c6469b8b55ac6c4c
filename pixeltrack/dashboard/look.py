"""How the dashboard looks: the pages of reports, with a bar above them and a script that keeps them up."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from pixeltrack.dashboard.figures import Figures
from pixeltrack.figures import CampaignReport
from pixeltrack.show.page import VARIABLES, ReportPages

#: Stands in a page where the mark of each visitor's form is to be.
HOLE = b"@@mark@@"
_AROUND = {"script", "note", "hole", "address", "sheet"}
_LIVE = {"report.html": "dashboard-report.html", "report-overview.html": "dashboard-overview.html"}
_LOGIN = "dashboard-login.html"
_SAYING = "dashboard-saying.html"


class DashboardPages(ReportPages):
    """Every page of the dashboard. Raises InputError for a folder or template of the user's that cannot work.

    ``content_security_policy`` is the header value to send with each. It admits the one script of ours by its
    hash. Styles are free, as the mail that a report shows has its own; nothing can be loaded.
    """

    def __init__(self, user_templates: Path | None = None) -> None:
        super().__init__(user_templates)
        from markupsafe import Markup

        for name, other in _LIVE.items():
            self._looks.check(other, VARIABLES[name] | _AROUND | {"report"})
        self._looks.check(_LOGIN, {"mark", "said", "sheet"})
        self._looks.check(_SAYING, {"title", "said", "again", "sheet"})
        script = self._looks.source("dashboard.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; "
            "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        self._script = Markup(script)  # noqa: S704 - our own
        self._sheet = Markup(self._looks.source("dashboard.css"))  # noqa: S704 - our own
        self._note = ""

    def live(self, figures: Figures) -> bytes:
        """Return the page of one campaign or of all, with ``HOLE`` where the visitor's mark goes.

        Not for several threads.
        """
        self._note = figures.note
        counted = figures.counted
        if counted is None:
            return b""
        if isinstance(counted, CampaignReport):
            return self.campaign(counted, figures.mails)
        return self.overview(counted)

    def login(self, mark: str, said: str = "") -> bytes:
        """Return the page that asks for the token, and says what was wrong with the last one."""
        return super()._page(_LOGIN, sheet=self._sheet, mark=mark, said=said)

    def saying(self, title: str, said: str, *, again: int = 0) -> bytes:
        """Return a page that says one thing; it is asked for again after some seconds unless that is 0."""
        return super()._page(_SAYING, sheet=self._sheet, title=title, said=said, again=again)

    def _page(self, name: str, **values: object) -> bytes:
        around: dict[str, object | Callable[[str], str]] = {
            "script": self._script,
            "sheet": self._sheet,
            "note": self._note,
            "hole": HOLE.decode(),
            "address": address,
        }
        return super()._page(_LIVE[name], **values, **around)


def address(campaign: str) -> str:
    """Return where a campaign's page is."""
    return f"/campaign?name={quote(campaign, safe='')}"
