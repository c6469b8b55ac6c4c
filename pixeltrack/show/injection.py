"""What an injection did, as text and as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pixeltrack.consent import NOT_ASKED
from pixeltrack.copies import Variant, variant_of
from pixeltrack.formats import UPLOADS
from pixeltrack.inject import Summary
from pixeltrack.lint import Finding
from pixeltrack.manifest import link_values
from pixeltrack.rewrite import Plan
from pixeltrack.show.consent import decided
from pixeltrack.show.text import clean

_PLACES = {
    **{"html": "html", "text": "text", "jsonl": "messages.jsonl", "eml": "eml"},
    **{"mbox": "messages.mbox", "maildir": "maildir"},
    **{"recipe": "template.html", "esp": "template.html"},
}


def plan_json(plans: Sequence[Plan]) -> str:
    """Return the link table of a mail as JSON; of several, a list of them with their names."""
    tables: list[dict[str, object]] = [
        {
            "links": [{"number": link.number, **link_values(link)} for link in plan.links],
            "pixel": plan.pixel_reason,
        }
        for plan in plans
    ]
    if len(plans) == 1:
        return json.dumps(tables[0], indent=2, ensure_ascii=False)
    named = [{"source": plan.source.name, **table} for plan, table in zip(plans, tables, strict=True)]
    return json.dumps(named, indent=2, ensure_ascii=False)


def summary_json(summary: Summary, plan: Plan | None, findings: Sequence[Finding] = ()) -> str:
    """Return the summary as JSON; plan is None for messages that each had one of their own."""
    values = {
        "campaign": summary.campaign,
        "code": summary.code,
        "out": str(summary.out),
        "format": summary.format,
        "messages": summary.messages,
        "bytes": summary.bytes,
        "earlier_messages": summary.earlier,
        **({} if plan is None else {"wrapped": len(plan.wrapped)}),
        "recipients": [
            {**decision._asdict(), "people": people} for decision, people in summary.modes.items()
        ],
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(values, indent=2, ensure_ascii=False)


def summary_lines(summary: Summary, plan: Plan, merge_tag: str | None, *, verbose: bool) -> Iterator[str]:
    """Yield the summary line by line, with what to do next; verbose tells each link left alone."""
    copies = "message" if summary.messages == 1 else "messages"
    yield f"{summary.campaign}: {summary.messages:,} {copies} in {summary.out / _PLACES[summary.format]}"
    if summary.resumed:
        yield f"  resumed after {summary.resumed:,}"
    yield f"  links   {_links(plan)}  (--dry-run lists them)"
    yield from _left_alone(plan, verbose=verbose)
    yield f"  pixel   {plan.pixel_reason}"
    yield from _people(summary)
    if summary.earlier > 0:
        yield (
            f"  earlier {summary.earlier:,} messages of this campaign that are not on this list still count"
            " in its report"
        )
    yield f"  checks  undo is identical, a second run changes nothing, {summary.proof.audit}"
    if summary.modes and not summary.messages:
        return
    if summary.format in ("recipe", "esp"):
        yield from _upload_lines(summary)
    elif summary.modes:
        yield _send_line(summary)
    elif summary.shared:
        yield "It is the same for everybody: send it as it is; its opens and clicks are only counted."
    elif merge_tag:
        yield f"Upload it to your mail system, which puts each recipient's id where {merge_tag} stands."
    else:
        yield (
            "This is a preview: its links work, and are never counted. For real ones give"
            " --recipients list.csv, or --merge-tag '*|UNIQID|*' for your mail system's own tag."
        )


def versions_json(summary: Summary, plans: Sequence[Plan], findings: Sequence[Sequence[Finding]]) -> str:
    """Return the summary of a mail in several versions: the same as for one, and each version's own."""
    versions = [
        {
            "name": name,
            "messages": messages,
            "wrapped": len(plan.wrapped),
            "findings": [asdict(finding) for finding in found],
        }
        for (name, messages), plan, found in zip(summary.versions, plans, findings, strict=True)
    ]
    whole = json.loads(summary_json(summary, None))
    del whole["findings"]
    return json.dumps({**whole, "versions": versions, "kept": summary.kept}, indent=2, ensure_ascii=False)


def versions_lines(summary: Summary, plans: Sequence[Plan], *, verbose: bool) -> Iterator[str]:
    """Yield the summary of a mail in several versions line by line, with what to do next."""
    yield f"{summary.campaign}: {summary.messages:,} messages in {summary.out / _PLACES[summary.format]}"
    if summary.resumed:
        yield f"  resumed after {summary.resumed:,}"
    for (name, messages), plan in zip(summary.versions, plans, strict=True):
        yield f"  version {name}: {messages:,} messages of {clean(plan.source.name)}, {_links(plan)}"
        yield from _left_alone(plan, verbose=verbose)
    if summary.kept:
        yield f"  people  {summary.kept:,} keep the version that they were given before"
    yield from _people(summary)
    yield f"  checks  undo is identical, a second run changes nothing, {summary.proof.audit}"
    if not summary.messages:
        return
    if summary.format in ("recipe", "esp"):
        names = ", ".join(name for name, messages in summary.versions if messages)
        yield (
            f"{summary.out} has for each version ({names}) a template and the table whose columns fill it in:"
            " template.NAME.html and upload.NAME.csv; untracked.NAME.html and upload-untracked.NAME.csv for"
            " people who may not be tracked."
        )
    else:
        yield _send_line(summary, ", all versions at the same time" if len(plans) > 1 else "")
    if len(plans) > 1:
        yield f"pixeltrack report --campaign {shlex.quote(summary.campaign)} --ab  compares the versions."


def addressed_lines(summary: Summary) -> Iterator[str]:
    """Yield the summary of messages that were each injected for whom they are addressed to."""
    copies = "message" if summary.messages == 1 else "messages"
    yield f"{summary.campaign}: {summary.messages:,} {copies} in {summary.out / _PLACES[summary.format]}"
    for decision, people in sorted(summary.modes.items()):
        yield f"  {people:,} {decided(decision)}: {decision.reason}"
    yield f"  checks  undo is identical, a second run changes nothing, {summary.proof.audit}"
    yield f"{summary.out / 'messages.csv'} says which file goes to whom."


def _links(plan: Plan) -> str:
    decisions = [link.decision for link in plan.links]
    parts = [f"{decisions.count('wrap')} wrapped", f"{decisions.count('leave')} left alone"]
    if "fill" in decisions:
        parts.append(f"{decisions.count('fill')} filled in with pages of your collector")
    return ", ".join(parts)


def _left_alone(plan: Plan, *, verbose: bool) -> Iterator[str]:
    for link in plan.links if verbose else ():
        if link.decision == "leave":
            yield f"  left    line {link.line}: {clean(link.destination) or link.tag} ({link.reason})"


def _people(summary: Summary) -> Iterator[str]:
    for decision, people in sorted(summary.modes.items()):
        yield f"  people  {people:,} {decided(decision)}: {decision.reason}"
    reasons = {each.reason for each in summary.modes if each.outcome != "suppressed"}
    if reasons == {NOT_ASKED}:
        yield "          (your settings ask for consent: the list needs a column consent that says granted)"


def _send_line(summary: Summary, when: str = "") -> str:
    table = summary.out / "messages.csv"
    if summary.format == "jsonl":
        return (
            f"Send them by a program of yours{when}: each line of messages.jsonl is a message, and for whom."
        )
    if summary.format in ("mbox", "maildir"):
        return f"Deliver them with your own mail system{when}; {table} has everybody's headers and token."
    return f"Send them with your own mail program{when}; {table} says which file goes to whom."


def _upload_lines(summary: Summary) -> Iterator[str]:
    variants = {variant_of(each.opens, each.clicks) for each in summary.modes if each.outcome != "suppressed"}
    for variant, (template, table) in UPLOADS.items():
        if variant not in variants:
            continue
        people = f"in {summary.out / f'{table}.csv'}"
        if variant == "both":
            yield f"Send {summary.out / 'template.html'} to the people {people}, whose columns fill it in."
        else:
            yield f"Send {summary.out / f'{template}.html'} to those {people}: {_UPLOADED[variant]}."


_UPLOADED: dict[Variant, str] = {
    "none": "they may not be tracked",
    "opens": "of them only opens may be tracked",
    "clicks": "of them only clicks may be tracked",
    "apart": "their opens and clicks are measured differently",
}
