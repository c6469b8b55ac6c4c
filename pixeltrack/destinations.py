"""What an address is for, where that decides whether it may be tracked: pure rules, no network."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# A link that lets its holder in, or moves money, is nobody else's business: a redirect would write it
# into one more log, and a scanner that follows it could use it up.
_SENSITIVE_PATHS = (
    ("password reset", r"reset[-_]?(?:your[-_]?)?passw|passw(?:or)?d[-_/]?(?:reset|recover|forgot)"
     r"|forgot(?:ten)?[-_]?passw|/wp-login"),
    ("magic sign-in link", r"magic[-_]?link|(?:email|passwordless|auto)[-_]?(?:login|sign[-_]?in)"
     r"|/sso/|/oauth"),
    ("one-time link", r"one[-_]?time|/otp\b|/(?:confirm|verify|validate|activate)[-_/]?(?:your[-_]?)?"
     r"(?:e?mail|account|address)|/invit(?:e|ation)s?/(?=[^/?#]*\d)[\w-]{12,}"),
    ("payment link", r"/(?:pay|payments?|invoices?)(?:[/?#]|$)"),
)  # fmt: skip
_SENSITIVE_PATH = [(name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _SENSITIVE_PATHS]
_SENSITIVE_TEXT = (
    ("password reset", re.compile(r"\b(?:reset|change|recover|forgot)\b.{0,12}\bpassword\b", re.I)),
    ("magic sign-in link", re.compile(r"\bmagic link\b|\b(?:sign|log) ?in with one click\b", re.I)),
    ("one-time link", re.compile(r"\b(?:confirm|verify|activate)\b.{0,12}\b(?:e?-?mail|account)\b", re.I)),
    ("payment link", re.compile(r"\bpay (?:now|invoice|your (?:bill|invoice))\b", re.I)),
)
# Query keys of pre-signed URLs: Amazon S3 and CloudFront, Google Cloud Storage, Azure SAS.
_SIGNATURES = frozenset(
    ("x-amz-signature", "x-goog-signature", "awsaccesskeyid", "googleaccessid", "key-pair-id", "sig")
)
_SECRETS = frozenset(
    (
        *("token", "access_token", "id_token", "auth_token", "login_token", "reset_token", "jwt", "otp"),
        *("confirmation_token", "reset_password_token", "invitation_token", "ticket", "magic", "session"),
        *("sessionid", "session_id", "signature", "hash", "secret", "apikey", "api_key"),
    )
)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+/=-]{16,}")
_PAYMENT_HOSTS = re.compile(
    r"(?:^|\.)(?:checkout|pay|invoice|buy|billing)\.stripe\.com$|(?:^|\.)paypal\.me$|(?:^|\.)paypal\.com$"
    r"|(?:^|\.)checkout\.(?:square\.site|shopify\.com)$|(?:^|\.)pay\.(?:google|gocardless)\.com$"
)
_SHOWN = re.compile(
    r"(?:https?://|//)?(?P<host>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24})(?::\d{1,5})?(?:[/?#]\S*)?",
    re.IGNORECASE,
)


def sensitive(address: str, text: str) -> str | None:
    """Return what makes a link one that should not pass through a tracker, or None.

    Password resets, sign-in and one-time links, pre-signed URLs (by the query keys that Amazon, Google
    and Azure document), payment pages.
    """
    try:
        parts = urlsplit(address)
        host, query = (parts.hostname or "").lower(), parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return None
    keys = {key.lower() for key, _value in query}
    if "sig" in keys and not {"se", "sv"} <= keys:
        keys.discard("sig")  # Azure's, only beside its own expiry and version
    if keys & _SIGNATURES:
        return "pre-signed link"
    for name, pattern in _SENSITIVE_PATH:
        if pattern.search(parts.path):
            return name
    if _PAYMENT_HOSTS.search(host):
        return "payment link"
    if any(key.lower() in _SECRETS and _RANDOM.fullmatch(value) for key, value in query):
        return "one-time link"
    return next((name for name, pattern in _SENSITIVE_TEXT if pattern.search(text)), None)


def shown_host(text: str) -> str:
    """Return the host that a link's visible text shows as an address; empty when it shows none.

    Mail clients warn of phishing where such a text and the link's target differ.
    """
    found = _SHOWN.fullmatch(text.strip())
    if found is None:
        return ""
    host = found["host"].lower()
    spelled = found[0].lower().startswith(("http", "//", "www.")) or "/" in found[0]
    return host if spelled or _is_public(host) else ""


def base_domain(host: str) -> str:
    """Return what one registers, such as example.co.uk of shop.example.co.uk; a host without is itself.

    By the public suffix list (https://publicsuffix.org) as the installed ``publicsuffixlist`` has it.
    """
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return _suffixes().privatesuffix(host.lower().rstrip(".")) or host.lower()
    return host


def same_base_domain(one: str, other: str) -> bool:
    return bool(one and other) and base_domain(one) == base_domain(other)


def related(one: str, other: str) -> bool:
    """Return whether two hosts are of one base domain, or one is below the other.

    The second is for domains that the public suffix list does not know, such as a company's own.
    """
    return same_base_domain(one, other) or one.endswith(f".{other}") or other.endswith(f".{one}")


def is_suffix(host: str) -> bool:
    """Return whether names below a host are registered by anybody, as below co.uk, by the same list."""
    return bool(_suffixes().is_public(host))


def _is_public(host: str) -> bool:
    """Whether a text such as "Node.js" could be a host at all."""
    return bool(_suffixes().is_public(host.rsplit(".", 1)[-1]))


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)
