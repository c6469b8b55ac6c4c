"""The privacy notice: sections of sentences by the keys of their texts, made of the settings.

It has no language and no format (``noticetext`` gives it both), so that all of them say the same, and the
same settings always give the same. GDPR articles 13 and 14 say what has to be in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pixeltrack.config import Settings
from pixeltrack.disclosure import Disclosure, disclose, is_european
from pixeltrack.model import TOGETHER, Mode
from pixeltrack.retention import LAST_OPENS

#: Authorities that take complaints, as they call themselves; where there are several, the reader's own.
AUTHORITIES = {
    "fr": "CNIL, www.cnil.fr",
    "it": "Garante per la protezione dei dati personali, www.garanteprivacy.it",
    "uk": "Information Commissioner’s Office, www.ico.org.uk",
}


class Given(str):
    """A text of the settings, as opposed to one of ours."""

    __slots__ = ()


class Sentence(NamedTuple):
    """A text by its key, and what its placeholders are filled with; several sentences make a list."""

    key: str
    values: tuple[tuple[str, Given | int | Sentence | tuple[Sentence, ...]], ...] = ()


def say(key: str, **values: Given | int | Sentence | tuple[Sentence, ...]) -> Sentence:
    return Sentence(key, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, or a list; of a list of what is not done it is said."""

    kind: Literal["heading", "paragraph", "list", "never"]
    sentences: tuple[Sentence, ...]


@dataclass(slots=True)
class Section:
    """A part of the notice below its title."""

    title: Sentence
    blocks: list[Block] = field(default_factory=list)

    def heading(self, sentence: Sentence) -> None:
        self.blocks.append(Block("heading", (sentence,)))

    def says(self, *sentences: Sentence) -> None:
        """Add paragraphs."""
        self.blocks.extend(Block("paragraph", (sentence,)) for sentence in sentences)

    def lists(self, sentences: Iterable[Sentence], kind: Literal["list", "never"] = "list") -> None:
        given = tuple(sentences)
        if given:
            self.blocks.append(Block(kind, given))


@dataclass(frozen=True, slots=True)
class Notice:
    """The whole notice."""

    title: Sentence
    intro: Sentence
    sections: tuple[Section, ...]


def notice_of(settings: Settings) -> Notice:
    """Return the notice that is true of some settings."""
    facts = disclose(settings)
    measured = bool(facts.modes)
    sections = [
        _who(settings),
        *([_how(facts)] if measured else []),
        _what(facts),
        _never(facts),
        *([_basis(facts)] if measured else []),
        _kept(facts),
        _recipients(settings),
        _rights(settings, facts),
        *([_california(facts)] if facts.preset == "us-ca" and measured else []),
        *([_stop(settings, facts)] if measured else []),
    ]
    axes = "both" if facts.opens and facts.clicks else _one_axis(facts)
    intro = say(f"intro_{axes}", sender=_given(settings.sender) or say("this_sender"))
    return Notice(say("title"), intro, tuple(sections))


def footer_of(settings: Settings) -> Sentence:
    """Return the sentence for a mail's footer."""
    facts = disclose(settings)
    if not facts.modes:
        return say("footer_off")
    kind = "together" if not facts.by_row else "required" if facts.needs_consent else "assumed"
    return say(f"footer_{kind}", what=_axes(bool(facts.opens), bool(facts.clicks)))


def _given(text: str | None) -> Given:
    """Return a text of the settings on one line, without control characters; empty for none."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text or "")
    return Given(" ".join(printable.split()))


def _one_axis(facts: Disclosure) -> str:
    return "opens" if facts.opens else "clicks" if facts.clicks else "off"


def _axes(opens: bool, clicks: bool) -> Sentence:
    return say("opens_and_clicks" if opens and clicks else "opens" if opens else "clicks")


def names(modes: Iterable[Mode]) -> tuple[Sentence, ...]:
    """Return what modes are called within a sentence."""
    return tuple(say(f"m_{mode}") for mode in modes)


def days(number: int) -> Sentence:
    return say("day") if number == 1 else say("days", n=number)


def years(number: int) -> Sentence:
    return say("year") if number == 1 else say("years", n=number)


def _who(settings: Settings) -> Section:
    section = Section(say("who"))
    controller = _given(settings.controller) or _given(settings.sender)
    section.says(say("controller", controller=controller) if controller else say("controller_unnamed"))
    contact = _given(settings.contact)
    section.says(say("contact", contact=contact) if contact else say("contact_reply"))
    if settings.dpo:
        section.says(say("dpo", dpo=_given(settings.dpo)))
    if settings.privacy_policy:
        section.says(say("policy", policy=_given(settings.privacy_policy)))
    return section


def _how(facts: Disclosure) -> Section:
    section = Section(say("how"))
    if facts.opens:
        section.says(say("how_open"))
    if facts.clicks:
        section.says(say("how_click"))
    same = "how_same_company" if "company" in facts.modes else "how_same"
    section.says(say("how_code" if facts.by_row else same))
    return section


def _what(facts: Disclosure) -> Section:
    section = Section(say("what"))
    if not facts.modes:
        section.lists([say("f_recipients")])
    if len(facts.modes) > 1:
        section.says(say("at_most"))
    if not ("individual" in facts.opens and "individual" in facts.clicks):
        section.says(say("earlier"))  # a copy is measured as it was made to be, whatever is decided later
    for mode in facts.modes:
        axes = facts.axes(mode)
        what = {} if mode == "hygiene" else {"what": _axes("opens" in axes, "clicks" in axes)}
        section.heading(say(f"by_{mode}", **what))
        section.says(say(f"for_{mode}"))
        section.lists(map(say, _fields(facts, mode)))
    if facts.by_row:
        section.heading(say("by_list"))
        section.lists([say("f_address"), say("f_copy")])
    if facts.together or not facts.by_row:
        section.says(say("list_not_kept"))
    section.heading(say("by_choices"))
    section.lists([say("f_choice")])
    return section


def _fields(facts: Disclosure, mode: Mode) -> tuple[str, ...]:
    """Return what is to be listed of a mode: not twice what the one above has too."""
    fields = facts.fields(mode)
    if mode != "pseudonymous" or facts.axes("individual") != facts.axes(mode):
        return fields
    return ("f_number", "f_as_above")


def _never(facts: Disclosure) -> Section:
    section = Section(say("never"))
    without_ip = facts.ip == "none" or not facts.by_hit
    keys = [*(["n_ip"] if without_ip else []), "n_device", "n_sites", "n_cookies"]
    section.lists(map(say, keys), "never")
    return section


def _basis(facts: Disclosure) -> Section:
    section = Section(say("basis"))
    if not facts.asked:
        section.says(say("b_assumed"), say("b_same"))
        return section
    law = facts.preset if facts.preset in ("eu", "fr", "it", "uk") else ""
    under = f"_{law}" if law else ""
    asked, free = facts.needs_consent, [mode for mode in facts.modes if mode in facts.free]
    lines = [say(f"b_consent{under}", modes=names(asked))] if asked else []
    lines += [say(f"b_free{under}", modes=names(free))] if free else []
    if law:
        lines.append(say("b_choices_uk" if law == "uk" else "b_choices_eu"))
    section.lists(lines)
    section.says(*([say("b_withdraw")] if asked else []), say("b_same"))
    return section


def _kept(facts: Disclosure) -> Section:
    section = Section(say("kept"))
    section.lists(times(facts))
    if facts.opens:
        section.says(say("k_open"))
    return section


def times(facts: Disclosure) -> Iterator[Sentence]:
    """Yield what is kept for how long."""
    if facts.by_hit:
        yield say("k_hits", time=days(facts.events_days))
        if facts.ip_days is not None:
            yield say("k_ip", time=days(facts.ip_days))
    if "hygiene" in facts.modes:
        yield say("k_last_open", time=days(LAST_OPENS))
    yield say("k_counts")
    if facts.by_row:
        yield say("k_list")
    yield say("k_consent", time=years(facts.consent_years))
    yield say("k_refusal")
    yield say("k_trail")


def _recipients(settings: Settings) -> Section:
    section = Section(say("recipients"))
    section.says(say("r_none"))
    if settings.data_recipients:
        section.says(say("r_named", recipients=_given("; ".join(settings.data_recipients))))
    if settings.transfers:
        section.says(say("r_transfers", transfers=_given(settings.transfers)))
    section.says(say("r_decisions"))
    return section


def _rights(settings: Settings, facts: Disclosure) -> Section:
    section = Section(say("rights"))
    american = facts.preset is not None and not is_european(facts.preset)
    keys = ["rt_access", "rt_correct", *([] if american else ["rt_restrict"])]
    items = [say(key) for key in (*keys, *(["rt_withdraw"] if facts.needs_consent else []))]
    authority = _given(settings.authority) or Given(AUTHORITIES.get(facts.preset or "", ""))
    if authority:
        items.append(say("rt_authority", authority=authority))
    elif not american:
        items.append(say("rt_complain"))
    section.lists(items)
    if settings.own_rights:
        section.says(say("rt_buttons"))
    if facts.together:
        section.says(say("rt_together"))
    section.says(say("rt_free"))
    return section


def _california(facts: Disclosure) -> Section:
    """Return what the CCPA asks of a notice at collection (Cal. Civ. Code 1798.100(a); 11 CCR 7012)."""
    section = Section(say("california"))
    section.says(say("c_categories"))
    kept = [say("c_identifiers_ip" if facts.ip != "none" else "c_identifiers")] if facts.by_row else []
    located = [say("c_location")] if facts.country and facts.by_hit else []
    section.lists([*kept, say("c_activity"), *located])
    section.says(say("c_sold"), say("c_rights"))
    return section


def _stop(settings: Settings, facts: Disclosure) -> Section:
    section = Section(say("stop"))
    section.says(say("s_links"), say("s_at_once_but" if facts.by_row else "s_from_then"))
    section.says(say("s_contact" if _given(settings.contact) else "s_reply"))
    if facts.clicks:
        alone = set(facts.clicks) <= TOGETHER - {"company"}
        section.says(say("s_signal_together" if alone else "s_signal"))
        if facts.opens:
            section.says(say("s_signal_opens"))
    return section
