"""Reports as JSON: the same figures, times in ISO 8601."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pixeltrack.figures import CampaignReport
from pixeltrack.show import earnedplain, funnelplain
from pixeltrack.show.text import iso


def as_json(report: CampaignReport | Sequence[CampaignReport]) -> str:
    """Return one report as an object, or several as an array."""
    value = _plain(report) if isinstance(report, CampaignReport) else [_plain(each) for each in report]
    return json.dumps(value, indent=2, ensure_ascii=False)


def _plain(report: CampaignReport) -> dict[str, Any]:
    value = asdict(report)
    for moment in ("created", "begun", "first", "last", "since", "until", "gone_before"):
        value[moment] = iso(value[moment])
    if report.together:
        value["together"]["counted_until"] = iso(report.together.counted_until)
    for bucket in value["timeline"]:
        bucket["start"] = iso(bucket["start"])
    value["timeline_step_seconds"] = value.pop("timeline_step") // 1000
    value["definitions"] = dict(report.definitions)
    value["conversions"] = earnedplain.plain(report.conversions) if report.conversions else None
    value["funnel"] = funnelplain.plain(report.funnel) if report.funnel else None
    return value
