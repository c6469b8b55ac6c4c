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

#: What a call says, by name.
Asked = Mapping[str, str]

MAX_BODY = 8_192  # bytes, as ``serve`` takes
_PATH_LENGTH, _ID_LENGTH, _FIELDS = 200, 100, 50
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_AT = re.compile("@|%40")
UNTOLD_PAGE = "(not told)"


def query(environ: WSGIEnvironment) -> Asked:
    """Return a request's parameters, of each the first; raise InputError for more than anybody needs."""
    return _form(environ.get("QUERY_STRING", ""))


def body(environ: WSGIEnvironment) -> bytes | None:
    """Return a request's body; None, and nothing is read, where it is longer than a call may be."""
    try:
        length = max(0, int(environ.get("CONTENT_LENGTH") or 0))
    except ValueError:
        length = 0
    if length > MAX_BODY:
        return None
    content: bytes = environ["wsgi.input"].read(length)
    return content


def said(content: bytes, content_type: str) -> Asked:
    """Return what a server's call says, in JSON or as a form, in UTF-8.

    Raises InputError for what is neither.
    """
    try:
        text = content.decode()
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return _form(text)
        values = json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InputError("the body is neither JSON nor a form in UTF-8") from None
    if not isinstance(values, dict) or not all(isinstance(each, str | bool) for each in values.values()):
        raise InputError("the body is no flat JSON object of texts and numbers")
    return {name: str(int(each)) if isinstance(each, bool) else each for name, each in values.items()}


def worth(asked: Asked) -> tuple[int, str]:
    """Return a call's value, in ten-thousandths, and currency: 0 and "" where it says none.

    Raises InputError.
    """
    if not asked.get("value"):
        return 0, ""
    if not asked.get("currency"):
        raise InputError("currency is missing")
    return money.read_amount(asked["value"], "value"), money.read_currency(asked["currency"], "currency")


def name(text: str, what: str = "order") -> str:
    """Return a site's own id for something, cut to what is kept of one.

    Raises InputError for what has an address in it: an id is kept for long, and names nobody.
    """
    if _AT.search(text):
        raise InputError(f"{what} is an address", hint="tell a number of your own; email says whose it is")
    return _CONTROL.sub("", text).strip()[:_ID_LENGTH]


def path(text: str) -> str:
    """Return a page's path as it is kept: without query, fragment, and segments that are addresses."""
    plain = _CONTROL.sub("", text.partition("?")[0].partition("#")[0]).strip()
    if not plain:
        return UNTOLD_PAGE
    if not plain.startswith("/"):
        plain = "/" + plain
    return "/".join("*" if _AT.search(part) else part for part in plain.split("/"))[:_PATH_LENGTH]


def page_of(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return the host and path of the page that asks, as Referer says (RFC 9110, 10.1.3), else empty ones."""
    try:
        page = urlsplit(environ.get("HTTP_REFERER", ""))
        return page.hostname or "", page.path
    except ValueError:
        return "(none)", ""


def is_of_site(environ: WSGIEnvironment, host: str) -> bool | None:
    """Return whether the page that asks is on a site; None where that is not told."""
    page, _path = page_of(environ)
    return is_on(page, [host]) if page else None


def _form(text: str) -> Asked:
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=_FIELDS).items()}
    except ValueError:
        raise InputError(f"there are more than {_FIELDS} parameters") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object: nothing of it may be said twice, and null is as if it were not said."""
    if len({name for name, _value in pairs}) < len(pairs):
        raise ValueError
    return {name: value for name, value in pairs if value is not None}
