"""The entry for the register of processing (GDPR article 30(1)), made of the settings; in English.

What is recorded, for what and for how long is said in the notice's words. Measures are those that hold of
pixeltrack itself; what only the controller knows is listed as still to be said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pixeltrack import noticetext
from pixeltrack.config import Settings
from pixeltrack.disclosure import Disclosure, disclose
from pixeltrack.languages import Texts
from pixeltrack.model import Mode
from pixeltrack.notice import times

NAME = "Measuring of mailings (opens and clicks)"
PURPOSES: dict[Mode, str] = {
    "individual": "seeing which mails and links recipients find useful; better mails, fewer where unwanted",
    "pseudonymous": "seeing how readers find their way through a mailing, not who they are",
    "hygiene": "writing less often, or no longer, to people who have not opened a mail for a long time",
    "company": "statistics on which mails and links are useful to which companies",
    "aggregate": "statistics on which mails and links are useful",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry. ``lacks`` is what the settings do not say and somebody has to."""

    controller: str
    contact: str
    dpo: str
    purposes: tuple[tuple[str, str, tuple[str, ...]], ...]  # mode, purpose, data
    basis: str
    people: tuple[str, ...]
    data: tuple[str, ...]  # whatever is measured
    recipients: tuple[str, ...]
    transfers: str
    times: tuple[str, ...]
    measures: tuple[str, ...]
    lacks: tuple[str, ...]


def entry_of(settings: Settings) -> Entry:
    """Return the entry that is true of some settings."""
    facts, texts = disclose(settings), noticetext.texts_of()["en"]
    held = [*(("f_address", "f_copy") if facts.by_row else ()), "f_choice"]
    return Entry(
        controller=settings.controller or settings.sender or "",
        contact=settings.contact or "",
        dpo=settings.dpo or "",
        purposes=tuple(_purposes(facts, texts)),
        basis=_basis(facts),
        people=("recipients of the controller's mailings (in the words of the notice: you)",),
        data=tuple(texts[key] for key in held),
        recipients=settings.data_recipients,
        transfers=settings.transfers or "",
        times=tuple(noticetext.filled(sentence, texts) for sentence in times(facts)),
        measures=tuple(_measures(settings, facts)),
        lacks=tuple(_lacks(settings)),
    )


def as_json(entry: Entry) -> dict[str, Any]:
    """Return the entry as an object; the letters of article 30(1) are in its keys' order."""
    return {
        "name": NAME,
        "controller": entry.controller or None,
        "contact": entry.contact or None,
        "data_protection_officer": entry.dpo or None,
        "purposes": [
            {"mode": mode, "purpose": purpose, "data": list(data)} for mode, purpose, data in entry.purposes
        ],
        "legal_basis": entry.basis,
        "categories_of_people": list(entry.people),
        "categories_of_data": list(entry.data),
        "recipients": list(entry.recipients),
        "transfers": entry.transfers or None,
        "time_limits": list(entry.times),
        "security_measures": list(entry.measures),
        "to_be_completed": list(entry.lacks),
    }


def sections(entry: Entry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the entry as titles and their lines, for people to read."""
    officer = (f"data protection officer: {entry.dpo}",) if entry.dpo else ()
    named = entry.controller or "(not named)", f"contact: {entry.contact or '(not named)'}"
    yield "Controller (Art. 30(1)(a))", (*named, *officer)
    for mode, purpose, data in entry.purposes:
        yield f"Purpose (b): {mode}", (purpose, *data)
    yield "Legal basis", (entry.basis,)
    yield "Categories of people (c)", entry.people
    yield "Categories of data, whatever is measured (c)", entry.data
    yield "Recipients (d)", entry.recipients or ("none: the program passes nothing on",)
    yield "Transfers to other countries (e)", (entry.transfers or "none by the program",)
    yield "Time limits for erasure (f)", entry.times
    yield "Security measures (g)", entry.measures
    if entry.lacks:
        yield "Still to be said", entry.lacks


def written(entry: Entry, *, marked: bool) -> str:
    """Return the entry as Markdown (marked) or as plain text."""
    parts = [f"# {NAME}" if marked else f"{NAME}\n{'=' * len(NAME)}"]
    for title, lines in sections(entry):
        head = f"## {title}" if marked else f"{title}\n{'-' * len(title)}"
        items = (" ".join(line.split()) for line in lines)
        parts.append(
            head + "\n\n" + "\n".join(f"- {noticetext.escaped(it) if marked else it}" for it in items)
        )
    return "\n\n".join(parts) + "\n"


def _purposes(facts: Disclosure, texts: Texts) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for mode in facts.modes:
        axes = " and ".join(facts.axes(mode))
        yield f"{mode} ({axes})", PURPOSES[mode], tuple(texts[key] for key in facts.fields(mode))


def _basis(facts: Disclosure) -> str:
    if not facts.modes:
        return "nothing is measured"
    if not facts.asked:
        return "whoever has not refused is measured (no consent is asked for)"
    asked = ", ".join(facts.needs_consent)
    free = ", ".join(mode for mode in facts.modes if mode in facts.free)
    said = [f"consent (Art. 6(1)(a)): {asked}"] if asked else []
    said += [f"legitimate interest (Art. 6(1)(f)), with a right to object: {free}"] if free else []
    return "; ".join(said)


def _measures(settings: Settings, facts: Disclosure) -> Iterator[str]:
    yield "no mail address is in a link or picture; people are pseudonyms made with a secret key"
    yield "the key, the database and exported tables are for their owner alone; the key is a file apart"
    if facts.ip == "none":
        yield "IP addresses are not stored"
    else:
        how = "shortened" if facts.ip == "truncated" else "whole"
        yield f"IP addresses are stored {how}, in a table apart, for {facts.ip_days} days"
    yield "user agents are reduced; no referrer is stored, no cookie is set"
    yield "a refusal is checked within each write: it holds at once, also for mail already sent"
    yield "deleted rows are overwritten; erasing a person ends with a search of the files, byte by byte"
    yield "backups are made without deleted rows; restoring one carries out later erasures and refusals again"
    yield "a record of acts on the data, each row with the hash of the one before, that can only be added to"
    yield "links lead only to addresses that were recorded; following a link changes no choice of anybody"
    yield "the collector's log holds no address and no token"
    if settings.base_url.startswith("https:"):
        yield "the collector is reached over an encrypted connection (HTTPS)"


def _lacks(settings: Settings) -> Iterator[str]:
    where = settings.config or "pixeltrack.toml"
    for key, value in (("controller", settings.controller), ("contact", settings.contact)):
        if not (value or "").strip():
            yield f"who the {key} is: sender.{key} in {where}"
    if not settings.dpo:
        yield "the data protection officer, where there is one: notice.dpo"
    if not settings.data_recipients:
        yield "who else gets the data, such as the company that runs the server: notice.recipients"
    if settings.transfers is None:
        yield "whether any of them is outside the EEA or the UK, and with what safeguards: notice.transfers"
    if not settings.base_url.startswith("https:"):
        yield "how the connection to the collector is encrypted: base_url is not https"
    yield "who may use the machine, how its disks and backups are kept, and joint controllers, if any"
