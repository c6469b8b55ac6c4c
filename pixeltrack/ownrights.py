"""The rights that somebody uses on their own page: a copy of their data, and being erased.

Whoever has the link is taken for the person: the mail was sent to nobody else. A copy takes a look into
many tables; of a collector's time no more than a tenth goes into long ones. Erasing takes longer, and is
done by another process (``eraser``); from the answer on nothing is noted of the person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from hashlib import sha256

from pixeltrack.answers import Answer, Answers
from pixeltrack.asker import Asker, own_path
from pixeltrack.config import Settings
from pixeltrack.eraser import Eraser
from pixeltrack.held import canonical, export_of
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

_FREE = 0.05  # seconds that a copy may take
_PAUSE = 9  # times as long as the last copy took beyond that
_HOUR = 3_600_000  # ms: who presses the button again within it is noted once
_JSON = [
    ("Content-Type", "application/json; charset=utf-8"),
    ("Content-Disposition", 'attachment; filename="my-data.json"'),
    ("X-Robots-Tag", "noindex, nofollow"),
]


class OwnRights:
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
        self._clock = clock
        self._eraser = eraser
        self._rested = 0.0  # monotonic seconds, from when on there may be another copy

    def gone(self, who: Asker) -> Answer | None:
        """Return the page of somebody who is erased, or waits to be; None for anybody else."""
        self._eraser.tend()
        if who.is_preview:
            return None
        if who.subject is not None:
            if self._store.erasure_asked(who.subject) is not None:
                return self._answers.says("erasing", who.language)
            refused = {each.scope for each in self._store.refused_by(who.subject)}
            erased = "all" in refused and self._store.was_erased(who.subject)
        else:
            campaign = self._store.campaign_by_code(who.person.code)
            number = campaign.campaign_id if campaign else 0
            erased = self._store.is_silenced(number, who.person.pseudonym, 3)
        return self._answers.says("erased", who.language) if erased else None

    def copy(self, who: Asker) -> Answer:
        """Return all that is held of somebody as a file of JSON, and note that it was given."""
        begun = time.monotonic()
        if begun < self._rested:
            status, headers, body = self._answers.says(
                "busy", who.language, "503 Service Unavailable", title="failed_title", back=self._back(who)
            )
            return status, [*headers, ("Retry-After", "10")], body
        subject, now = who.subject or b"", self._clock()
        if not self._store.was_noted("subject", subject, "recipient", now - _HOUR):
            self._store.note("subject", subject=subject, actor="recipient", at=now)
        found = export_of(self._store, self._keyring, subject, self._settings, now)
        for row in found["audit"]:  # what the sender's people are called is not the person's to know
            row["actor"] = row["actor"] if row["actor"] == "recipient" else "sender"
        found["integrity"] = {"sha256": sha256(canonical(found)).hexdigest()}
        body = json.dumps(found, indent=2, ensure_ascii=True).encode()
        ended = time.monotonic()
        self._rested = ended + _PAUSE * max(0.0, ended - begun - _FREE)
        return "200 OK", _JSON, body

    def explain(self, who: Asker) -> Answer:
        """Show what would go and what would stay, with the button that erases."""
        return self._answers.page(
            "erase.html",
            sender=self._settings.sender,
            action=f"/p/{who.token}{who.kept}",
            language=who.language,
        )

    def erase(self, who: Asker) -> Answer:
        """Stop measuring somebody and preparing mail for them, and have them erased."""
        person, subject, now = who.person, who.subject or b"", self._clock()
        self._store.opt_out(person.code, person.pseudonym, subject, "tracking", now)
        self._store.opt_out(person.code, person.pseudonym, subject, "all", now)
        self._store.ask_erasure(subject, now)
        self._eraser.begin()
        return self._answers.says("erasing", who.language)

    def _back(self, who: Asker) -> str:
        return own_path(self._keyring, "preferences", who.person) + who.kept
