"""Why a hit was taken for what it is: facts, rules, verdict; as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.agents import AgentFacts, describe
from pixeltrack.explain import Explanation, Listed
from pixeltrack.judging import Verdict
from pixeltrack.judging.trail import Step
from pixeltrack.model import Campaign, EventKind, Flag
from pixeltrack.show.reasons import reason
from pixeltrack.show.text import DASH, clean, count, iso


def explanation_json(said: Explanation) -> str:
    """Return an explanation as an object."""
    fact = said.fact
    return json.dumps(
        {
            "hit": fact.event_id,
            "campaign": said.campaign.name,
            "kind": _kind(fact.kind),
            "link": fact.link or None,
            "destination": said.link.url if said.link else None,
            "at": iso(fact.at),
            "sent": iso(said.campaign.sent),
            "seconds_after_sending": _delay(said),
            "agent": fact.agent,
            "device": said.about.device,
            "system": said.about.os,
            "browser": said.about.browser,
            "client": said.about.client,
            "hidden_by": said.about.proxy,
            "headers": list(said.signs) if fact.flags & Flag.HEADERS else None,
            "network": fact.network or None,
            "address_known": bool(fact.address),
            "other_hits_of_the_message": said.others,
            **_verdict(said.verdict),
            "counted_as": said.counted,
            "rules": [
                {
                    "rule": step.code,
                    "asks": step.asks,
                    "answer": step.answer,
                    "decides": step.decides if step.answer == "yes" else None,
                    "points": step.points if step.answer == "yes" else None,
                    "why_silent": step.why or None,
                }
                for step in said.steps
            ],
            "rules_version": said.rules_version,
        },
        indent=2,
        ensure_ascii=False,
    )


def show_explanation(console: Console, said: Explanation, *, every: bool = False) -> None:
    """Print what is known of a hit, the rules that said yes (or every one), and the verdict."""
    facts = Table.grid(padding=(0, 3))
    for name, value in _facts(said):
        facts.add_row(Text(name, "dim"), Text(clean(value, 400)))
    console.print(Text(f"hit {said.fact.event_id}   {clean(said.campaign.name)}", "bold"))
    console.print(facts)
    if every or any(step.answer == "yes" for step in said.steps):
        console.print(_rules(said.steps, every=every))
    for answer, words in (("no", "asked, and no"), ("silent", "not to be asked")):
        codes = [step.code + (f" ({step.why})" if step.why else "") for step in said.steps]
        some = [code for code, step in zip(codes, said.steps, strict=True) if step.answer == answer]
        if some and not every:
            console.print(Text(f"{words}: {', '.join(some)}", "dim"))
    verdict = Text.assemble(("verdict  ", "dim"), (said.verdict.label, "bold"))
    if said.verdict.score:
        verdict.append(f", {said.verdict.score} points")
    verdict.append(f": {clean(reason(said.verdict.reason))}")
    console.print(verdict)
    console.print(Text.assemble(("counted  ", "dim"), said.counted))
    console.print(Text(f"rules    {clean(said.rules_version)}", "dim"))


def hits_json(campaign: Campaign, hits: Sequence[Listed]) -> str:
    """Return a message's hits as an object."""
    return json.dumps(
        {
            "campaign": campaign.name,
            "hits": [
                {
                    "hit": each.fact.event_id,
                    "at": iso(each.fact.at),
                    "kind": _kind(each.fact.kind),
                    "link": each.fact.link or None,
                    "agent": each.fact.agent,
                    **_verdict(each.verdict),
                }
                for each in hits
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def show_hits(console: Console, campaign: Campaign, hits: Sequence[Listed]) -> None:
    """Print a message's hits, one line each."""
    console.print(Text(clean(campaign.name), "bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("hit", justify="right", no_wrap=True)
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", overflow="fold")
    table.add_column("reader", overflow="fold")
    for each in hits:
        fact = each.fact
        table.add_row(
            str(fact.event_id),
            (iso(fact.at) or DASH)[:19].replace("T", " "),
            f"click {fact.link}" if fact.kind == EventKind.CLICK else "open",
            each.verdict.label,
            Text(clean(reason(each.verdict.reason))),
            Text(clean(_reader(describe(fact.agent))), "dim"),
        )
    console.print(table)


def _rules(steps: Sequence[Step], *, every: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    table.add_column("asks", overflow="fold")
    table.add_column("", no_wrap=True)
    table.add_column("worth", justify="right", no_wrap=True)
    for step in steps:
        if every or step.answer == "yes":
            style = "bold" if step.answer == "yes" else "dim"
            table.add_row(
                Text(clean(step.code), style), Text(step.asks, style), Text(step.answer, style), _worth(step)
            )
    return table


def _facts(said: Explanation) -> list[tuple[str, str]]:
    fact = said.fact
    what = "open: the pixel was loaded"
    if fact.kind == EventKind.CLICK:
        named = f" “{said.link.text}” {said.link.url}" if said.link else " (not in the link table)"
        what = f"click on link {fact.link}{named}"
    delay = _delay(said)
    headers = ", ".join(said.signs) or "nothing particular"
    return [
        ("what", what),
        ("when", f"{(iso(fact.at) or DASH).replace('T', ' ')[:23]} UTC"),
        ("sending", "time not known" if delay is None else f"{delay:,.1f} s before the hit"),
        ("agent", fact.agent or "none"),
        ("reader", _reader(said.about) or "not known"),
        ("headers", headers if fact.flags & Flag.HEADERS else f"not looked at; {headers}"),
        ("network", fact.network or "in no list"),
        ("address", "told apart that day, not stored" if fact.address else "not known"),
        ("beside", f"{count(said.others)} other hit{'s' * (said.others != 1)} of the same message"),
    ]


def _reader(about: AgentFacts) -> str:
    known = [each for each in (about.client, about.device, about.os, about.browser) if each]
    return ", ".join([*known, *([f"hidden by {about.proxy}"] if about.proxy else [])])


def _worth(step: Step) -> Text:
    if step.answer != "yes":
        return Text("")
    return Text(step.decides, "bold") if step.decides else Text(f"{step.points:+}", "bold")


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"verdict": verdict.label, "score": verdict.score, "reasons": list(verdict.reasons)}


def _delay(said: Explanation) -> float | None:
    return None if said.campaign.sent is None else (said.fact.at - said.campaign.sent) / 1000


def _kind(kind: int) -> str:
    return EventKind(kind).name.lower()
