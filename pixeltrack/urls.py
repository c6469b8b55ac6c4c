"""The shapes of our URLs, built and parsed here only.

A URL in sent mail is a promise for ever: every shape below is pinned by a literal in a test.

    /o/<campaign>/<token>.gif     open pixel
    /c/<campaign>/<link>/<token>  click
    /c/<campaign>/<link>/<host>~<seal>/<token>  the same, and readable: the host only informs
    /u/<token>                    unsubscribe
    /p/<token>                    preferences
    /s/<host>.gif                 a page of a site was seen; /s/<host>.js tells of it by script
    /v/<goal>.gif                 a goal was reached; POST /v/<goal> says so with a signature
    /privacy   /healthz   /metrics   /robots.txt
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from pixeltrack.errors import InputError

ByToken = Literal["open", "click", "unsubscribe", "preferences"]
RouteKind = ByToken | Literal["privacy", "health", "metrics", "robots", "page", "script", "goal", "call"]
Owns = Callable[[str], RouteKind | None]  # see Addresses.owns

_CODE = r"[a-z2-7]{8}"
_OPEN = re.compile(rf"/o/({_CODE})/([\x20-\x7e]{{1,200}})\.gif")
_CLICK = re.compile(
    rf"/c/({_CODE})/([1-9][0-9]{{0,6}})/(?:([a-z0-9.:\[\]-]{{1,253}})~([A-Za-z0-9_-]{{8}})/)?([\x20-\x7e]{{1,200}})"
)
#: The same for other programs (PCRE); the key is what a link table is asked for.
CLICK_PATTERN = (
    rf"^/c/(?<pixeltrack_key>{_CODE}/[1-9][0-9]{{0,6}}(?:/[a-z0-9.:\[\]-]{{1,253}}~[A-Za-z0-9_-]{{8}})?)"
    r"/[A-Za-z0-9_-]{28}(?:\..+)?$"
)
_TOKEN = re.compile(
    r"[A-Za-z0-9_-]{28}(?:\..+)?|[A-Za-z0-9_-]{40}(?:[A-Za-z0-9_-]{8})?", re.DOTALL
)  # as pixeltrack.tokens makes them
_TAG = re.compile(  # what a mail system fills in when it sends
    r"\*\||\{\{|%%?[\w.-]+%|\[\[|[$#]\{|<%|\{[A-Za-z_][\w.]*\}"
)
_PLAIN_TOKEN = rb"([A-Za-z0-9_-]{28}(?:\.[A-Za-z0-9_~.-]{1,64}|))"
#: The paths of most hits, as bytes: groups code, token of an open; code, link, token of a click. What may be
#: there or not is written as x| and not as x?, which re does faster.
PLAIN_PATH = (
    rb"/(?:o/([a-z2-7]{8})/"
    + _PLAIN_TOKEN
    + rb"\.gif|c/([a-z2-7]{8})/([1-9][0-9]{0,6})/"
    + _PLAIN_TOKEN
    + rb")"
)
_SITE = re.compile(r"/s/([a-z0-9.-]{1,253})\.(gif|js)", re.ASCII)
#: How the parameter may be called that says at a site who has clicked.
ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,19}", re.ASCII)
#: How a goal may be called.
GOAL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_GOAL = re.compile(rf"/v/({GOAL_NAME.pattern})(\.gif)?", re.ASCII)
_ACT = re.compile(r"/([up])/([A-Za-z0-9_-]{1,200})")
_TAGGED_ACT = re.compile(rf"/([up])/(?:{_TAG.pattern})")
_ORIGIN = re.compile(r"https?://(?:\[(?P<ipv6>[0-9a-f:.]+)\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?/?")
_FIXED: dict[str, RouteKind] = {
    "/privacy": "privacy",
    "/healthz": "health",
    "/metrics": "metrics",
    "/robots.txt": "robots",
}


class Route(NamedTuple):
    """A path of ours, taken apart. ``token`` is not verified yet."""

    kind: RouteKind
    token: str = ""
    code: str = ""
    link: int = 0
    host: str = ""  # of a readable link, with the seal that says it is ours
    seal: str = ""


def parse(path: str) -> Route | None:
    """Return the route of a request path, or None when it is not one of ours."""
    found = _OPEN.fullmatch(path)
    if found:
        return Route("open", found[2], found[1])
    found = _CLICK.fullmatch(path)
    if found:
        return Route("click", found[5], found[1], int(found[2]), found[3] or "", found[4] or "")
    found = _ACT.fullmatch(path)
    if found:
        return Route("unsubscribe" if found[1] == "u" else "preferences", found[2])
    found = _SITE.fullmatch(path)
    if found:
        return Route("page" if found[2] == "gif" else "script", host=found[1])
    found = _GOAL.fullmatch(path)
    if found:
        return Route("goal" if found[2] else "call", found[1])
    fixed = _FIXED.get(path)
    return Route(fixed) if fixed else None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Builds the URLs of one collector. ``base`` is scheme, host and port, without a slash at the end."""

    base: str

    def open_before(self, code: str) -> str:
        return f"{self.base}/o/{code}/"

    def click_before(self, code: str, link: int, readable: str = "") -> str:
        """readable is ``host~seal``, or empty."""
        return f"{self.base}/c/{code}/{link}/{readable}{'/' if readable else ''}"

    def unsubscribe(self, token: str) -> str:
        return f"{self.base}/u/{token}"

    def preferences(self, token: str) -> str:
        return f"{self.base}/p/{token}"

    @property
    def privacy(self) -> str:
        return f"{self.base}/privacy"

    def owns(self, url: str) -> RouteKind | None:
        """Return what kind of URL of ours this is, as it stands in a mail; None for any other.

        By its whole shape, as other pages of the sender may live at the same address: a shop's
        /p/red-shoes is no preferences page.
        """
        path = url[len(self.base) :]
        if url[: len(self.base)].lower() != self.base or not path.startswith("/"):
            return None
        route = parse(path)
        if route is None:
            tagged = _TAGGED_ACT.match(path)
            return None if tagged is None else "unsubscribe" if tagged[1] == "u" else "preferences"
        if route.kind not in get_args(ByToken):
            return route.kind if route.kind == "privacy" else None
        known = _TOKEN.fullmatch(route.token) or _TAG.match(route.token)
        return route.kind if known else None

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.base).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False  # a name, such as 127.example.com


def addresses(base_url: str) -> Addresses:
    """Return the addresses under a base URL such as https://track.example.com.

    Raises InputError when it is not an http(s) origin: a path, query or user in it would end up in
    every mail.
    """
    found = _ORIGIN.fullmatch(base_url.lower())
    if (
        found is None
        or not 0 < int(found["port"] or 80) < 65_536
        or (found["ipv6"] is not None and not _is_ipv6(found["ipv6"]))
    ):
        raise InputError(
            f"base URL {base_url!r} is not of the form https://host or https://host:port",
            hint="for instance --base-url https://track.example.com",
        )
    return Addresses(base_url.lower().rstrip("/"))


def _is_ipv6(written: str) -> bool:
    try:
        IPv6Address(written)
    except ValueError:
        return False
    return True
