"""What an href means: its address as a browser reads it, and as a redirect may say it."""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5
from unicodedata import normalize
from urllib.parse import quote, unquote

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


def host(address: str) -> str:
    """Return the host of a web address in ASCII and lower case; empty when it has none."""
    matched = _WEB.fullmatch(address)
    parts = _HOST_AND_PORT.fullmatch(matched[2].rpartition("@")[2]) if matched else None
    return (_ascii_host(parts[1]) or "").lower() if parts else ""


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
    name, port = _ascii_host(parts[1]), parts[2] or ""
    if name is None or int(port[1:] or 0) > 65535:
        return None
    return f"{scheme}://{_encode(userinfo)}{at}{name}{port}{_encode(rest)}"


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
