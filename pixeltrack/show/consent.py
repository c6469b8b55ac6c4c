"""What the consent ledger says, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pixeltrack import objection
from pixeltrack.consent import Decision, Rules, Said, decide
from pixeltrack.consentlist import Claims
from pixeltrack.ledger import PURPOSES, Entry, Purpose, holding, recorded
from pixeltrack.show.text import clean, iso, moment
from pixeltrack.store import NoticeVersion, OptOut

_SCOPES = {
    "all": "unsubscribed",
    "tracking": "stopped tracking",
    "opens": "stopped tracking of opens",
    "clicks": "stopped tracking of clicks",
}


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of one person's consent; wordings are texts by their SHA-256, None if not kept."""

    address: str
    entries: Sequence[Entry]
    opt_outs: Sequence[OptOut]
    rules: Rules  # of a campaign that has what the settings allow at most
    wordings: Mapping[bytes, bytes | None]
    notices: Mapping[bytes, Sequence[NoticeVersion]] = field(default_factory=dict)  # that wordings are

    def holding(self, purpose: Purpose) -> Entry | None:
        """Return the entry that decides about a purpose, or None: never asked."""
        return holding(entry for entry in self.entries if entry.purpose == purpose)

    @property
    def mode(self) -> Decision:
        """How the next mail goes to them, if its list says nothing."""
        said = recorded((entry.purpose, entry.at, entry.decision) for entry in self.entries)
        opt_outs = frozenset(each.scope for each in self.opt_outs)
        return decide(self.rules, Said(recorded=said, opt_outs=opt_outs))


def person_lines(person: Person) -> Iterator[str]:
    """Yield what holds now, for each purpose, and the words that were shown."""
    yield clean(person.address)
    shown: dict[bytes, None] = {}
    for purpose in PURPOSES:
        entry = person.holding(purpose)
        if entry is None:
            yield f"  {purpose:<12} unknown    never asked"
            continue
        yield f"  {purpose:<12} {entry.decision:<9}  {_when(entry.at)}  {_how(entry)}"
        if entry.wording:
            shown[entry.wording] = None
    for each in person.opt_outs:
        yield f"  {_page(each)}"
    said, policy = decided(person.mode), person.rules.policy
    said = "gets no mail" if person.mode.outcome == "suppressed" else said
    yield f"  next mail    {said}: {person.mode.reason} (policy {policy}, a list that says nothing)"
    for digest in shown:
        yield f"wording {digest.hex()}"
        yield from (f"  {_version(each)}" for each in person.notices.get(digest, ()))
        text = person.wordings.get(digest)
        lines = ["(the text itself is not kept here)"] if text is None else _text(text).splitlines()
        yield from (f"  | {clean(line, 2_000)}" for line in lines)


def decided(mode: Decision) -> str:
    """Return how somebody's copies are measured, in a word where all of it is measured by person."""
    if mode.outcome == "suppressed":
        return "left out"
    if mode.outcome == "untracked":
        return "untracked"
    if mode.opens == mode.clicks == "individual":
        return "tracked"
    return f"opens {mode.opens}, clicks {mode.clicks}"


def said_by_themselves(person: Person) -> str:
    """Return what a person did on the collector's pages."""
    return " and ".join(dict.fromkeys(_SCOPES[each.scope] for each in person.opt_outs))


def history_lines(person: Person) -> Iterator[str]:
    """Yield every entry and every act on the collector's pages, the oldest first."""
    lines = [
        (
            *(entry.at, entry.recorded),
            f"{_when(entry.at)}  {entry.purpose:<12} {entry.decision:<9}  {_how(entry)};"
            f" recorded {moment(entry.recorded)} from {clean(entry.origin)}"
            + (f"; wording {entry.wording.hex()[:12]}…" if entry.wording else ""),
        )
        for entry in person.entries
    ] + [(each.at, each.at, _page(each)) for each in person.opt_outs]
    yield from (text for _at, _recorded, text in sorted(lines))


def person_json(person: Person) -> str:
    """Return what holds now as an object."""
    purposes: dict[str, Any] = {}
    for purpose in PURPOSES:
        entry = person.holding(purpose)
        purposes[purpose] = {"state": "unknown"} if entry is None else _state(entry, person)
    mode = {**person.mode._asdict(), "policy": person.rules.policy}
    value = {"address": person.address, "purposes": purposes, "opt_outs": _opt_outs(person), "mode": mode}
    return json.dumps(value, indent=2, ensure_ascii=False)


def history_json(person: Person) -> str:
    """Return the whole history as an object."""
    entries = [{"purpose": entry.purpose, **_state(entry, person)} for entry in person.entries]
    value = {"address": person.address, "entries": entries, "opt_outs": _opt_outs(person)}
    return json.dumps(value, indent=2, ensure_ascii=False)


def import_lines(claims: Claims, added: int, name: str, *, dry: bool) -> Iterator[str]:
    """Yield what became of a list."""
    entries = f"{added:,} {'entry' if added == 1 else 'entries'}"
    yield f"{name}: {_rows(claims.rows)}, {entries} {'would be ' if dry else ''}recorded"
    known = len(claims.entries) - added
    if known:
        yield f"  {known:,} {'entry' if known == 1 else 'entries'} that the ledger has already"
    if claims.silent:
        says = "says nothing: it changes" if claims.silent == 1 else "say nothing: they change"
        yield f"  {_rows(claims.silent)} that {says} nothing"
    if claims.twice:
        yield f"  {_rows(claims.twice)} about somebody who is in it already: the most restrictive was taken"


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def left_unknown(claims: Claims) -> Iterator[str]:
    """Yield what a list says that counts for nothing."""
    if claims.uninformed:
        yield (
            f"{_rows(claims.uninformed)} with {objection.WORD} left unknown: it counts with preset fr alone,"
            f" for addresses from before 2026-04-14 ({objection.COLLECTED}) whose people were told by"
            f" 2026-07-14 ({objection.TOLD})"
        )
    if claims.unclear_lines:
        shown = ", ".join(map(str, claims.unclear_lines[:20]))
        more = ", …" if len(claims.unclear_lines) > 20 else ""
        yield f"{_rows(len(claims.unclear_lines))} not understood, left unknown: line {shown}{more}"


def unproven(claims: Claims, reason: str = "") -> str:
    """Return which rows were left out, or accepted for a reason, and what they lack."""
    shown = ", ".join(map(str, claims.unproven_lines))
    more = ", …" if claims.unproven > len(claims.unproven_lines) else ""
    options = {"consent_at": "--at", "consent_method": "--method", "consent_text_id": "--wording"}
    lack = ", ".join(f"{column} (or {options[column]})" for column in sorted(claims.missing))
    became = "are accepted, and cannot be proved" if reason else "are left out, as they cannot be proved"
    return f"grants of {_rows(claims.unproven)} {became}: line {shown}{more}; missing: {lack}"


def import_json(claims: Claims, added: int, *, dry: bool) -> str:
    """Return what became of a list as an object."""
    value = {
        "rows": claims.rows,
        "recorded": added,
        "already_recorded": len(claims.entries) - added,
        "silent": claims.silent,
        "twice": claims.twice,
        "unproven": claims.unproven,
        "missing": sorted(claims.missing),
        "uninformed": claims.uninformed,
        "not_understood": len(claims.unclear_lines),
        "dry_run": dry,
    }
    return json.dumps(value, indent=2)


def _state(entry: Entry, person: Person) -> dict[str, Any]:
    text = person.wordings.get(entry.wording) if entry.wording else None
    return {
        "state": entry.decision,
        "at": iso(entry.at or None),
        "recorded": iso(entry.recorded),
        "method": entry.method,
        "source": entry.source,
        "wording_sha256": entry.wording.hex() if entry.wording else None,
        "wording": None if text is None else _text(text),
        "notice_versions": [
            {
                "language": each.language,
                "version": each.number,
                "since": iso(each.since),
                "until": iso(each.until),
            }
            for each in (person.notices.get(entry.wording, ()) if entry.wording else ())
        ],
        "origin": entry.origin,
    }


def _opt_outs(person: Person) -> list[dict[str, Any]]:
    return [
        {"act": _SCOPES[each.scope], "at": iso(each.at), "campaign": each.campaign}
        for each in person.opt_outs
    ]


def _when(at: int) -> str:
    """Return when it was decided, as wide whether that is known or not."""
    return f"{moment(at)} UTC" if at else "at no known time    "


def _version(notice: NoticeVersion) -> str:
    ended = f" until {moment(notice.until)} UTC" if notice.until is not None else ""
    named = f"privacy notice ({notice.language}), version {notice.number}"
    return f"{named}, in force since {moment(notice.since)} UTC{ended}"


def _how(entry: Entry) -> str:
    parts = [clean(part) for part in (entry.method, entry.source) if part]
    return ", ".join(parts)


def _page(each: OptOut) -> str:
    where = f"on the page of {clean(each.campaign)}" if each.campaign else "as was reported or asked for"
    return f"{moment(each.at)} UTC  {_SCOPES[each.scope]} {where}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").removeprefix("\ufeff")
