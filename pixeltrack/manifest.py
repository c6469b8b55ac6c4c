"""manifest.json: what was done to a mail, link by link."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from pixeltrack.compile import Compiled, Task
from pixeltrack.model import CampaignKind
from pixeltrack.rewrite import Link


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


def manifest(task: Task, compiled: Compiled, kind: CampaignKind, messages: int, format_: str) -> bytes:
    """Return manifest.json: the record of what was done to the mail: enough to know every link again."""
    plan, campaign = task.plan, compiled.draft.campaign
    numbers = {row.position: row.number for row in compiled.draft.links}
    record = {
        "pixeltrack_manifest": 1,
        "campaign": campaign.name,
        "code": campaign.code,
        "kind": kind,
        "format": format_,
        "base_url": task.addresses.base,
        "source": {
            "name": Path(plan.source.name).name,
            "bytes": len(plan.source.data),
            "sha256": sha256(plan.source.data).hexdigest(),
            "charset": plan.source.charset,
        },
        "messages": messages,
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
    }
    return json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"
