"""Which links are tracked, and what a link's address means: pure rules, values in, values out.

The numbers in comments are the cases of the rewriting specification; each decision comes with a
reason that the link table shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from html.entities import html5
from typing import Literal
from unicodedata import normalize
from urllib.parse import quote, unquote

from pixeltrack.urls import Owns

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

# Merge tags of the usual mail systems: {{ }}, {% %}, *|X|*, %%x%%, <% %>, [[ ]], ${x}, {x}, %x%.
_MERGE_TAG = re.compile(
    r"\{\{|\{%|\*\||%%[\w-]|<%|\[\[|[$#]\{|\{[A-Za-z_][\w.|: -]*\}|%(?![0-9A-Fa-f]{2})[A-Za-z_][\w.-]{2,}%"
)

# Unsubscribe, preference and view-in-browser links (case 58), by address and by visible text, in the
# languages that pixeltrack's own pages will speak.
_SERVICE_ADDRESS = re.compile(
    r"unsubscri|opt-?out|/preferences\b|email-?preferences|manage-?(?:subscription|preferences)"
    r"|list-manage|subscription-?center|view-?in-?browser|webversion|web-version",
    re.IGNORECASE,
)
_SERVICE_TEXT = re.compile(
    r"\bunsubscribe|\bopt[ -]?out\b|\b(?:manage|update|change|edit|email|communication|subscription)"
    r"(?: your)?(?: email)? (?:preferences|subscriptions?)\b|\bin (?:your|a|the) (?:web ?)?browser\b"
    r"|\bweb version\b|\bview (?:it |this )?(?:email )?online\b|\babmelden\b|\babbestellen\b"
    r"|\bim browser\b|d[ée]sabonn|d[ée]sinscri|dans (?:votre|le) navigateur|disiscriv|nel browser"
    r"|darse de baja|cancelar (?:la |su )?suscripci|en (?:el|su) navegador",
    re.IGNORECASE,
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_WEB = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_DROPPED = re.compile(r"[\t\n\r]")  # removed inside a URL, by the URL standard, section 4.4
_C0_AND_SPACE = "".join(map(chr, range(0x21)))  # trimmed at both ends, by the same
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(:[0-9]{0,5})?")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\x00-\x20\x7f<>\"^`{|}\\%]+")
_DOT = re.compile("[.\u3002\uff0e\uff61]")  # what separates the labels of a host (RFC 3490, section 3.1)
_JOINER = re.compile("[\u200c\u200d]")
# Characters of an address that may stand in an HTTP header as they are; the rest is percent-encoded.
_AS_WRITTEN = "!#$%&'()*+,-./0123456789:;=?@[]^_{|}~\\"

_REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to one link, and why. ``destination`` is what a click on it must reach."""

    decision: Decision
    reason: str
    destination: str


def decode_attribute(raw: str) -> str:
    """Return an attribute value with its character references decoded once.

    A named reference without its semicolon that is followed by "=" or a letter or digit stays as it
    is: ``?a=1&copy=2`` is a query, not a copyright sign (HTML standard, 13.2.5.73).
    """
    raw = raw.replace("\0", "\ufffd")  # 13.2.5.36
    if "&" not in raw:
        return raw
    return _REFERENCE.sub(lambda found: _reference(found, raw), raw)


def _reference(found: re.Match[str], raw: str) -> str:
    name = found[1]
    if name[0] == "#":
        base, digits = (16, name[2:]) if name[1] in "xX" else (10, name[1:])
        code = int(digits.rstrip(";").lstrip("0")[:9] or "0", base)  # int() refuses thousands of digits
        # unescape knows the standard's replacements, but drops controls: those stay (case 25)
        return unescape(f"&#{code};") or chr(code)
    if name in html5 and (name[-1] == ";" or raw[found.end() : found.end() + 1] != "="):
        return html5[name]
    if name[-1] == ";" and name[:-1] in html5:
        return html5[name[:-1]] + ";"
    return found[0]


def clean(href: str) -> str:
    """Return a decoded href as browsers take it: trimmed, without tabs and line ends (cases 5, 6)."""
    return _DROPPED.sub("", href.strip(_C0_AND_SPACE))


def rule(href: str, *, text: str, attributes: Mapping[str, str], owns: Owns) -> Ruling:
    """Return what to do with one link.

    href is the decoded attribute value, text the link's visible text, attributes its other decoded
    attributes by lower-case name; owns tells our own URLs from others.
    """
    address = clean(href)
    placeholder = PLACEHOLDERS.get(address)
    if placeholder:
        return Ruling("fill", placeholder, address)
    if address.startswith("//"):
        address = f"https:{address}"  # case 31
    fault = _fault(address)
    if fault:
        return Ruling("leave", fault, address)
    if owns(address):
        return Ruling("leave", "already wrapped", address)  # case 33
    for name, value, owner in _OPT_OUTS:
        if name in attributes and value in (None, attributes[name].strip().lower()):
            return Ruling("leave", f"opted out by {name} ({owner})", address)
    if _SERVICE_ADDRESS.search(address) or _SERVICE_TEXT.search(text):
        return Ruling("leave", "unsubscribe, preferences or view in browser", address)
    return Ruling("wrap", "web link", address)


def _fault(address: str) -> str | None:
    """Return why an address cannot be tracked, or None when it can."""
    if not address:
        return "no address"
    if _MERGE_TAG.search(address):
        return "merge tag in the address"  # cases 38 to 41
    if address[0] == "#":
        return "a place in this mail"  # case 28
    scheme = _SCHEME.match(address)
    if scheme is None:
        return "relative address"  # cases 29, 32
    if scheme[1].lower() not in ("http", "https"):
        return f"{scheme[1].lower()}: link"  # case 26
    if location(address) is None:
        return "not a valid web address"
    return None


def location(address: str) -> str | None:
    """Return a destination as it goes into a Location header, or None when it must not go anywhere.

    Only http and https with a plain host pass. What an HTTP header cannot carry (spaces, controls,
    characters outside ASCII) is percent-encoded as UTF-8, the host as punycode; every other byte
    stays as the sender wrote it (cases 19 to 25). Backslashes before the query are refused, because
    browsers and libraries disagree on what host they leave.
    """
    matched = _WEB.fullmatch(address)
    if matched is None:
        return None
    scheme, authority, rest = matched.groups()
    userinfo, at, host_and_port = authority.rpartition("@")
    parts = _HOST_AND_PORT.fullmatch(host_and_port)
    if parts is None or "\\" in userinfo or "\\" in re.split(r"[?#]", rest, maxsplit=1)[0]:
        return None
    host, port = _ascii_host(parts[1]), parts[2] or ""
    if host is None or int(port[1:] or 0) > 65535:
        return None
    return f"{scheme}://{_encode(userinfo)}{at}{host}{port}{_encode(rest)}"


def _encode(part: str) -> str:
    return quote(part, safe=_AS_WRITTEN, errors="surrogatepass")


def _ascii_host(host: str) -> str | None:
    """Return a host in ASCII; None where that fails, or could be another host than a browser's."""
    try:
        host = unquote(host, errors="strict")  # %41 is A here too (URL standard, 4.4, host parsing)
    except UnicodeError:
        return None
    if host.isascii():
        return host if _HOST.fullmatch(host) else None
    if _JOINER.search(host):
        return None
    try:
        written = ".".join(map(_ascii_label, _DOT.split(host)))
    except UnicodeError:
        return None
    return written if _HOST.fullmatch(written) else None  # "℀" has become "a/c"


def _ascii_label(label: str) -> str:
    lower = "".join(map(str.lower, label))
    if "ß" in lower or "ς" in lower:  # IDNA 2003 makes "ss" and "σ" of them: another host (UTS 46, 7)
        return f"xn--{normalize('NFKC', lower).encode('punycode').decode()}"
    return label.encode("idna").decode()
