"""manifest.json: what was done to a mail, link by link."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path

from pixeltrack.compile import Compiled, Task
from pixeltrack.copies import Variant
from pixeltrack.model import CampaignKind
from pixeltrack.rewrite import Link, Plan
from pixeltrack.store import CampaignDraft
from pixeltrack.template import Tokens


def link_values(link: Link) -> dict[str, object]:
    """Return what is told of a link wherever links are listed for programs."""
    return {
        "line": link.line,
        "column": link.column,
        "tag": link.tag,
        "text": link.text,
        "destination": link.destination,
        "decision": link.decision,
        "reason": link.reason,
    }


def manifest(
    task: Task, compiled: Compiled, kind: CampaignKind, messages: int, format_: str, known: Tokens
) -> bytes:
    """Return manifest.json: every link with what was done to it, and what takes that back.

    known are the values of slots that are the same in every copy, such as a mail system's tags.
    """
    record = {
        **_head(task, compiled.draft, kind, format_),
        "messages": messages,
        **_mail(task, compiled, known),
    }
    return _json(record)


def versions_manifest(
    mails: Sequence[tuple[Task, Compiled]], messages: Mapping[str, int], format_: str, known: Tokens
) -> bytes:
    """Return the manifest of a mail in several versions: the same as ``manifest``, for each by its name.

    messages says how many copies there are of each version.
    """
    (task, compiled), *_others = mails
    record = {
        **_head(task, compiled.draft, "recipients", format_),
        "messages": sum(messages.values()),
        "versions": {
            each.version: {"messages": messages[each.version], **_mail(each, made, known)}
            for each, made in mails
        },
    }
    return _json(record)


def _mail(task: Task, compiled: Compiled, known: Tokens) -> dict[str, object]:
    """Return what was done to a mail, and what takes that back."""
    plan, numbers = task.plan, compiled.numbers
    return {
        "source": {
            "name": Path(plan.source.name).name,
            "bytes": len(plan.original),
            "sha256": sha256(plan.original).hexdigest(),
            "charset": plan.source.charset,
        },
        "pixel": {"offset": plan.pixel_at, "where": plan.pixel_reason},
        "links": [
            {
                "position": link.number,
                "number": numbers.get(link.number),
                **link_values(link),
                "written": plan.source.text(plan.source.view[link.start : link.end]),
            }
            for link in plan.links
        ],
        "checks": {
            "undo_is_identical": compiled.proof.undo,
            "second_run_changes_nothing": compiled.proof.second_run,
            "audit": compiled.proof.audit,
        },
        "undo": undo_record(plan, compiled, known),
    }


def addressed_manifest(task: Task, draft: CampaignDraft, messages: int, format_: str) -> bytes:
    """Return the manifest of messages that each had their own text: undo.jsonl has a line for each."""
    record = {
        **_head(task, draft, "recipients", format_),
        "messages": messages,
        "links": [
            {"position": row.position, "number": row.number, "text": row.text, "destination": row.url}
            for row in draft.links
        ],
    }
    return _json(record)


def _head(task: Task, draft: CampaignDraft, kind: CampaignKind, format_: str) -> dict[str, object]:
    return {
        "pixeltrack_manifest": 1,
        "campaign": draft.campaign.name,
        "code": draft.campaign.code,
        "kind": kind,
        "format": format_,
        "base_url": task.addresses.base,
    }


def _json(record: dict[str, object]) -> bytes:
    return json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"


def undo_record(plan: Plan, compiled: Compiled, known: Tokens) -> dict[str, object]:
    """Return what takes a copy back to the mail as it was given, byte for byte.

    ``tracked`` and ``untracked`` are the changes of such a copy: where (in characters of the mail),
    what was there, and what stands there now; ``opens``, ``clicks`` and ``apart`` those of other kinds of
    copies, where the run has made some. ``parts`` are those that stand decoded in that count, ``recoded``
    those that only such copies have in quoted-printable.
    """
    named: dict[Variant, str] = {"both": "tracked", "none": "untracked"}
    compiled.copy("none")
    made = {named.get(variant, variant): copy for variant, copy in compiled.made.items()}
    return {
        "sha256": sha256(plan.original).hexdigest(),
        "codec": plan.source.codec,
        "kind": plan.kind,
        "personal": plan.personal,
        "known": {str(slot): value for slot, value in known.items()},
        "parts": [
            {"start": region.start, "end": region.end, "written": region.written.decode("latin-1")}
            for region in plan.regions
        ],
        "recoded": {name: copy.leaves for name, copy in made.items()},
        **{name: [astuple(change) for change in copy.changes] for name, copy in made.items()},
    }
