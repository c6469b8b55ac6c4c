"""From what a user gave as the mail to its plan: HTML, a whole message, or HTML to be made into one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixeltrack.cli import inputs
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.links import Policy
    from pixeltrack.rewrite import Plan
    from pixeltrack.source import Source

_TITLE = re.compile(r"<title[^>]*>([^<]{1,500})</title", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail as given. ``message`` says whether it is a whole message."""

    path: Path
    data: bytes
    name: str
    message: bool


def read(path: Path) -> Mail:
    from pixeltrack.message import is_message

    data = inputs.read_mail(path)
    name = "standard input" if str(path) == "-" else str(path)
    return Mail(path, data, name, is_message(data))


def plan_mail(
    mail: Mail, policy: Policy, format_: str, *, personalize: bool, options: Mapping[str, Any]
) -> Plan:
    """Return the plan of a mail for a format; raise InputError where the two do not go together."""
    from pixeltrack import message, rewrite
    from pixeltrack.formats import MESSAGE_FORMATS

    wraps_text = options["text"]
    if mail.message:
        if format_ not in MESSAGE_FORMATS:
            raise InputError(
                f"{mail.name} is a whole message, which --format {format_} does not hold",
                hint=f"use one of {', '.join(MESSAGE_FORMATS)}, or give the mail's HTML",
            )
        if not options["resign_later"]:
            message.refuse_signed(mail.data, mail.name)
        return message.plan_message(mail.data, mail.name, policy, text=wraps_text, anew=personalize)
    html = inputs.read_html(mail.data, mail.name, options["encoding"])
    if format_ not in MESSAGE_FORMATS:
        return rewrite.plan(html, policy)
    composed = _composed(html, mail, options)
    return message.plan_message(composed, mail.name, policy, text=wraps_text, anew=personalize)


def _composed(html: Source, mail: Mail, options: Mapping[str, Any]) -> bytes:
    from pixeltrack import message

    if not options["from_"]:
        raise InputError(
            "a message needs a sender", hint="for instance --from 'Garden Shop <news@example.com>'"
        )
    given = options["text_part"]
    beside = mail.path.with_suffix(".txt")
    text = given or (beside if beside.is_file() and beside != mail.path else None)
    title = _TITLE.search(html.text(html.view))
    subject = options["subject"] or (" ".join(unescape(title[1]).split()) if title else "")
    for value, option in ((options["from_"], "--from"), (subject, "--subject")):
        if not value.isprintable():
            raise InputError(f"{option} {value!r} has a line end or control character in it")
    if not subject:
        raise InputError("a message needs a subject", hint="give --subject, or a <title> in the mail")
    headers = [("From", options["from_"]), ("Subject", subject)]
    return message.compose(html.data, html.charset, text.read_bytes() if text else None, headers)
