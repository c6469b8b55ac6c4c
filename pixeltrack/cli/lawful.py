"""What a campaign needs before it may measure anybody, once a consent preset is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pixeltrack import mime
from pixeltrack.errors import NotLawful
from pixeltrack.links import is_opt_out

if TYPE_CHECKING:
    from pixeltrack.cli.asked import Asked
    from pixeltrack.cli.common import Call
    from pixeltrack.config import Settings
    from pixeltrack.consent import Rules
    from pixeltrack.listing import RecipientList
    from pixeltrack.rewrite import Plan

ASSUMED = "assumed: everybody may be tracked who has not refused; pixeltrack init --preset eu changes that"
_PROOF = ("consent_at", "consent_method", "consent_source", "consent_text_id")  # of consent import
UNSTOPPABLE = '%s gives its readers no way to stop tracking; put <a href="pixeltrack:preferences"> into it'
_PAGES = {"unsubscribe": "Unsubscribe", "preferences": "Preferences"}
_WHAT = {"unsubscribe": "no way to unsubscribe", "preferences": "no link to the reader's preferences"}


class Ways(NamedTuple):
    """How a mail's copies are made, as far as that decides what can be in them.

    ``headers`` says that ``inject`` adds List-Unsubscribe and its one-click POST; ``instead`` is what to
    do where a copy cannot have links of its reader's own.
    """

    headers: bool = False
    instead: str = ""


_SHARED = Ways(instead="give --recipients: each reader then has their own links, and the mode stays")
_MERGED = Ways(instead="give --recipients and --format esp, whose table has each reader's own links")


def require(settings: Settings, asked: Asked, rules: Rules, plan: Plan, name: str) -> None:
    """Refuse a mail that is to be measured, and lacks what a preset asks for; without one nothing is.

    That is who does it and how to reach them (GDPR art. 13(1)(a)), and in the mail a way to unsubscribe and a
    link to the preferences, where measuring is stopped (art. 7(3)); of mail that is only counted, too, for
    who is in it has to be informed and able to object. Raises NotLawful, which names all that lacks.
    """
    if settings.preset is None or asked.test or rules.opens == rules.clicks == "off":
        return
    ways = _ways(asked, plan)
    unnamed = [key for key in ("controller", "contact") if not (getattr(settings, key) or "").strip()]
    missing = [page for page in _PAGES if page not in {*_reached(plan, ways)}]
    if not (unnamed or missing):
        return
    hints = []
    if unnamed:
        lines = " and ".join(f'{key} = "..."' for key in unnamed)
        hints.append(f"write {lines} below [sender] in {settings.config or 'pixeltrack.toml'}")
    if missing:
        hints.append(ways.instead or f"put this into {name}: {_line(plan, missing)}")
    lacks = [*(f"nobody is named as sender.{key}" for key in unnamed), *(_WHAT[page] for page in missing)]
    raise NotLawful(
        f"consent.preset is {settings.preset!r}, and {name} must not be measured: {', '.join(lacks)}",
        hint="; ".join(hints),
    )


def _ways(asked: Asked, plan: Plan) -> Ways:
    if plan.kind == "message":
        return Ways(headers=asked.list_file is not None)
    if asked.list_file is not None:
        return Ways()
    return _SHARED if asked.merge_tag is None else _MERGED


def _reached(plan: Plan, ways: Ways) -> Iterator[str]:
    """Yield the pages that a reader gets to; of ways to unsubscribe a sender's own are as good as ours."""
    if ways.headers:
        yield "unsubscribe"
    if plan.kind == "message" and "List-Unsubscribe" in mime.split_headers(plan.source.data)[0]:
        yield "unsubscribe"
    for link in plan.links:
        if link.decision == "fill":
            yield link.reason
        elif ours := plan.policy.owns(link.destination):  # injected before
            yield ours
        elif link.decision == "leave" and is_opt_out(link.destination, link.text):
            yield "unsubscribe"
    if plan.personal:
        yield from (page for page in _PAGES if f"{page}_url" in plan.source.view)


def _line(plan: Plan, missing: list[str]) -> str:
    if plan.kind == "text":
        return " · ".join(f"{_PAGES[page]}: pixeltrack:{page}" for page in missing)
    links = " · ".join(f'<a href="pixeltrack:{page}">{_PAGES[page]}</a>' for page in missing)
    return f"<p>{links}</p>"


def with_warnings(people: RecipientList, call: Call) -> RecipientList:
    """Return a list; warn of columns that look as if they told of consent, and are plain fields to inject."""
    for column in people.columns:
        if column in ("consent_retargeting", "consent_export"):
            call.warn(f"column {column} changes nothing here; pixeltrack consent import records what it says")
        elif column.startswith("consent_") and column not in _PROOF:
            call.warn(
                f"column {column[:60]} says nothing of consent; consent, consent_opens and consent_clicks do"
            )
    return people
