"""What may be wrong with a mail before it is sent: pure rules over its plan, values in, values out."""

from __future__ import annotations

from pixeltrack.lint import addresses, html, mail, tags
from pixeltrack.lint.finding import Context, Finding
from pixeltrack.lint.html import copy_bytes, html_bytes
from pixeltrack.rewrite import Plan

__all__ = ["Context", "Finding", "check", "copy_bytes", "html_bytes"]


def check(plan: Plan, context: Context) -> tuple[Finding, ...]:
    """Return what the rules find in a mail: warnings first, then notes, each in the order of lines.

    A rule reports once, however many links it is about. The links of a plain text are looked at only
    where there is no HTML part, which would have each of them again.
    """
    links = [link for link in plan.links if not plan.documents or link.tag != "text"]
    found = [
        *mail.check(plan, links, context),
        *html.check(plan, context),
        *addresses.check(links, plan.policy),
        *tags.check(links),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.severity != "warning", finding.line or 0)))
