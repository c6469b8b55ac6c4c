"""Which links are tracked, and what a link's address means: pure rules, values in, values out.

The numbers in comments are the cases of the rewriting specification; each decision comes with a
reason that the link table shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urljoin

from pixeltrack import destinations
from pixeltrack.errors import InputError
from pixeltrack.hrefs import clean, host, location
from pixeltrack.urls import Owns
from pixeltrack.utm import Utm

Decision = Literal["wrap", "leave", "fill"]

#: What pixeltrack itself fills in when one of these is the whole href.
PLACEHOLDERS = {
    "pixeltrack:unsubscribe": "unsubscribe",
    "pixeltrack:preferences": "preferences",
    "pixeltrack:privacy": "privacy",
}

# Opt-outs that senders already write into their templates (cases 57): attribute, its value (None:
# any), whose it is.
_OPT_OUTS: tuple[tuple[str, str | None, str], ...] = (
    ("data-pt-skip", None, "pixeltrack"),
    ("data-no-track", None, "pixeltrack, Kannon"),
    ("clicktracking", "off", "SendGrid"),
    ("data-pm-no-track", None, "Postmark"),
    ("mc:disable-tracking", None, "Mandrill"),
    ("data-msys-clicktrack", "0", "SparkPost"),
    ("ses:no-track", None, "Amazon SES"),
    ("mautic:disable-tracking", None, "Mautic"),
    ("data-mautic-disable-tracking", None, "Mautic"),
    ("data-skip-click", None, "ahoy_email"),
    ("disable-tracking", None, "Mailgun"),
)

# Merge tags of the usual mail systems: {{ }}, {% %}, *|X|*, %%x%%, <% %>, [[ ]], ${x}, {x}, %x%. One
# with a quote in it ends where the address does, before its own end (case 41).
_MERGE_TAG = re.compile(
    r"\{\{|\{%|\*\||%%[\w-]|<%|\[\[|[$#]\{|\{[A-Za-z_](?:[\w.|: -]*\}|[^{}]*\Z)"
    r"|%(?![0-9A-Fa-f]{2})[A-Za-z_][\w.-]{2,}%"
)

# Unsubscribe and preference links, and view-in-browser links (case 58), by address and by visible text,
# in the languages that pixeltrack's own pages will speak.
_OPT_OUT_ADDRESS = re.compile(
    r"unsubscri|opt-?out|/preferences\b|email-?preferences|manage-?(?:subscription|preferences)"
    r"|list-manage\.com/profile|subscription-?center",
    re.IGNORECASE,
)
_OPT_OUT_TEXT = re.compile(
    r"\bunsubscribe|\bopt[ -]?out\b|\b(?:manage|update|change|edit|email|communication|subscription)"
    r"(?: your)?(?: email)? (?:preferences|subscriptions?)\b|\babmelden\b|\babbestellen\b|d[ée]sabonn"
    r"|d[ée]sinscri|disiscriv|darse de baja|cancelar (?:la |su )?suscripci",
    re.IGNORECASE,
)
_BROWSER_ADDRESS = re.compile(r"view-?in-?browser|webversion|web-version", re.IGNORECASE)
_BROWSER_TEXT = re.compile(
    r"\bin (?:your|a|the) (?:web ?)?browser\b|\bweb version\b|\bview (?:it |this )?(?:email )?online\b"
    r"|\bim browser\b|dans (?:votre|le) navigateur|nel browser|en (?:el|su) navegador",
    re.IGNORECASE,
)

# Reasons for leaving a link alone that others tell apart.
MERGE_TAG = "merge tag in the address"
RELATIVE = "relative address"
INVALID = "not a valid web address"
SHOWN = "its text shows an address; --wrap-visible-urls wraps it"

# Postal's opt-out: it takes the suffix off the scheme when it sends.
_NO_TRACK = re.compile(r"(https?)\+notrack(?=:)", re.IGNORECASE)
_NO_SCHEME = re.compile(r"https?/|www\.", re.IGNORECASE)  # meant otherwise than it says (case 32)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FIELD = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")  # the plainest tag of Jinja2: a field's name alone


@dataclass(frozen=True, slots=True)
class Policy:
    """What the sender has decided about links. Without anything said, the defaults of the tool.

    owns tells our own URLs from others; tracking_host is the collector's. fields are the list's
    columns when the mail is personalised here, empty when it is not.
    """

    owns: Owns
    tracking_host: str = ""
    skip_hosts: tuple[str, ...] = ()
    skip_patterns: tuple[re.Pattern[str], ...] = ()
    wrap_sensitive: bool = False
    wrap_visible: bool = False
    fields: frozenset[str] = frozenset()
    utm: Utm | None = None
    pixel: Literal["top", "bottom", "none"] = "bottom"
    resolve_base: bool = False  # relative links are taken as the mail's <base> says
    skip_schemeless: bool = False  # //host is left alone
    strip_labels: bool = False  # data-pt-label and the like are taken out of the copies
    listed: frozenset[str] = frozenset()  # what the message's own List-Unsubscribe says


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to one link, and why. ``destination`` is what a click on it must reach."""

    decision: Decision
    reason: str
    destination: str


def rule(href: str, *, text: str, attributes: Mapping[str, str], policy: Policy, base: str = "") -> Ruling:
    """Return what to do with one link.

    href is the decoded attribute value, text the link's visible text, attributes its other decoded
    attributes by lower-case name, base the address by which a relative one is resolved. Raises
    InputError for a pixeltrack: link that names no page.
    """
    address = clean(href)
    if address[:11].lower() == "pixeltrack:":
        placeholder = PLACEHOLDERS.get(f"pixeltrack:{address[11:]}")
        if placeholder is None:
            raise InputError(
                f"{address[:60]!r} is no page of ours", hint=f"there are {', '.join(PLACEHOLDERS)}"
            )
        return Ruling("fill", placeholder, address)
    if _NO_TRACK.match(address):
        return Ruling("leave", "opted out by +notrack (Postal)", _NO_TRACK.sub(r"\1", address, count=1))
    schemeless = address.startswith("//")
    if schemeless:
        address = f"https:{address}"  # case 31
    elif base and not address.startswith("{{") and _is_relative(address):
        address = urljoin(base, address)  # case 29
    personal = is_personal(address, policy.fields)
    fault = _fault(_FIELD.sub("x", address) if personal else address)
    if fault:
        return Ruling("leave", fault, address)
    if policy.owns(address):
        return Ruling("leave", "already wrapped", address)  # case 33
    for name, value, owner in _OPT_OUTS:
        if name in attributes and value in (None, attributes[name].strip().lower()):
            return Ruling("leave", f"opted out by {name} ({owner})", address)
    if schemeless and policy.skip_schemeless:
        return Ruling("leave", "--skip-schemeless", address)
    where = host(_FIELD.sub("x", address))
    for skipped in policy.skip_hosts:
        if where == skipped or where.endswith(f".{skipped}"):
            return Ruling("leave", f"--skip-host {skipped}", address)
    for pattern in policy.skip_patterns:
        if pattern.search(address):
            return Ruling("leave", f"--skip-pattern {pattern.pattern}", address)
    named = "unsubscribe" in attributes.get("rel", "").lower().split()
    opts_out = named or address in policy.listed or is_opt_out(address, text)
    if opts_out or _BROWSER_ADDRESS.search(address) or _BROWSER_TEXT.search(text):
        return Ruling("leave", "unsubscribe, preferences or view in browser", address)
    sensitive = None if policy.wrap_sensitive else destinations.sensitive(address, text)
    if sensitive:
        return Ruling("leave", f"{sensitive}; --wrap-sensitive wraps it", address)
    shown = "" if policy.wrap_visible else destinations.shown_host(text)
    if shown and not destinations.same_base_domain(shown, policy.tracking_host):
        return Ruling("leave", SHOWN, address)
    return Ruling("wrap", "personal destination" if personal else "web link", address)


def _is_relative(address: str) -> bool:
    return _fault(_FIELD.sub("x", address)) == RELATIVE and not _NO_SCHEME.match(address)


def usable_base(href: str) -> str:
    """Return the address that a decoded href of <base> means; empty for one that resolves nothing."""
    address = clean(href)
    address = f"https:{address}" if address.startswith("//") else address
    return "" if _fault(address) else address


def is_opt_out(address: str, text: str) -> bool:
    """Return whether a link is for unsubscribing or for preferences."""
    return bool(_OPT_OUT_ADDRESS.search(address) or _OPT_OUT_TEXT.search(text))


def has_tag(text: str) -> bool:
    """Return whether a mail system's merge tag is in a text."""
    return _MERGE_TAG.search(text) is not None


def is_personal(address: str, fields: frozenset[str]) -> bool:
    """Return whether an address has fields of the list, and no other tag, after its host (case 39)."""
    found = _FIELD.findall(address)
    if not found or not fields.issuperset(found) or _MERGE_TAG.search(_FIELD.sub("x", address)):
        return False
    return _FIELD.sub("x", address[: address.find("{{")]).count("/") >= 3


def has_field(address: str) -> bool:
    """Return whether a stored destination is different for each person."""
    return "{{" in address and _FIELD.search(address) is not None


def fill_in(address: str, fields: Mapping[str, str]) -> str:
    """Return a personal destination for one person; a field that is not there is empty."""
    return _FIELD.sub(lambda found: quote(fields.get(found[1], ""), safe=""), address)


def _fault(address: str) -> str | None:
    """Return why an address cannot be tracked, or None when it can."""
    if not address:
        return "no address"
    if _MERGE_TAG.search(address):
        return MERGE_TAG  # cases 38 to 41
    if address[0] == "#":
        return "a place in this mail"  # case 28
    scheme = _SCHEME.match(address)
    if scheme is None:
        return RELATIVE  # cases 29, 32
    if scheme[1].lower() not in ("http", "https"):
        return f"{scheme[1].lower()}: link"  # case 26
    if location(address) is None:
        return INVALID
    return None
