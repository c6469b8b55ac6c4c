"""What a site's call says, read: of its query, its body and its headers, and kept within bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pixeltrack import money
from pixeltrack.errors import InputError
from pixeltrack.visits import is_on

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Asked = Mapping[str, str]

_PATH_LENGTH, _ID_LENGTH, _MAX_BODY = 200, 100, 8_192
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ADDRESS = re.compile(r"[^/]*(?:@|%40)[^/]*")
UNTOLD_PAGE = "(not told)"


def query(environ: WSGIEnvironment) -> Asked:
    """Return a request's parameters, of each the first."""
    return {
        name: values[0]
        for name, values in parse_qs(environ.get("QUERY_STRING", ""), max_num_fields=50).items()
    }


def body(environ: WSGIEnvironment) -> bytes:
    """Return a request's body; what is longer than a call may be is cut, so no signature is over it."""
    try:
        length = max(0, min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY))
    except ValueError:
        length = 0
    content: bytes = environ["wsgi.input"].read(length)
    return content


def said(content: bytes, content_type: str) -> Asked:
    """Return what a server's call says, in JSON or as a form; raise InputError for what is neither."""
    try:
        text = content.decode()
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return {name: values[0] for name, values in parse_qs(text, max_num_fields=50).items()}
        values = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        raise InputError("the body is neither JSON nor a form") from None
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise InputError("the body is no flat JSON object of texts and numbers")
    return values


def worth(asked: Asked) -> tuple[int, str]:
    """Return a call's value, in ten-thousandths, and currency: 0 and "" where it says none.

    Raises InputError.
    """
    if not asked.get("value"):
        return 0, ""
    if not asked.get("currency"):
        raise InputError("currency is missing")
    return money.read_amount(asked["value"], "value"), money.read_currency(asked["currency"], "currency")


def name(text: str) -> str:
    """Return a site's own id for something, cut to what is kept of one."""
    return _CONTROL.sub("", text).strip()[:_ID_LENGTH]


def path(text: str) -> str:
    """Return a page's path as it is kept: without query, fragment, and segments that are addresses."""
    plain = _CONTROL.sub("", text.partition("?")[0].partition("#")[0]).strip()
    if not plain:
        return UNTOLD_PAGE
    if not plain.startswith("/"):
        plain = "/" + plain
    return _ADDRESS.sub("*", plain)[:_PATH_LENGTH]


def is_of_site(environ: WSGIEnvironment, host: str) -> bool | None:
    """Return whether the page that asks is on a site, as Referer says (RFC 9110, 10.1.3); None: not told."""
    page = urlsplit(environ.get("HTTP_REFERER", ""))
    return is_on(page.hostname, [host]) if page.hostname else None
