"""Caddy 2's own JSON."""

from __future__ import annotations

from pixeltrack.accesslog import hit, nginx, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative

_PURPOSE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def line(text: str) -> Hit | None:
    row = nginx.decoded(text)
    request = row.get("request")
    if not isinstance(request, dict) or not str(row.get("logger", "http.log.access")).startswith(
        "http.log.access"
    ):
        return None  # Caddy's other messages; its errors repeat requests that are logged besides
    headers = request.get("headers")
    if not isinstance(headers, dict):
        raise Damaged
    try:
        agent = headers.get("User-Agent", [""])[0]
        method, target, agent = nginx.texts(request["method"], request["uri"], agent)
        speculative = any(
            is_speculative(value) for name in _PURPOSE if name in headers for value in headers[name]
        )
        at = nginx.time(row["ts"])
        return Hit(at, method, hit.path(target), int(row["status"]), agent, speculative)
    except (LookupError, TypeError, AttributeError):
        raise Damaged from None


# JSON as Caddy writes it, without spaces and with its keys in this order; so no key comes twice.
_COUNT = rb"(?:0|[1-9][0-9]{0,15})"
_SECONDS = _COUNT + rb"(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?"
_NAME = rb'"' + plain.TEXT + rb'"'
# Any string (RFC 8259, section 7); most have no escape.
_STRING = rb'"' + plain.TEXT + rb'(?:"|(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})' + plain.TEXT + rb')++")'
_STRINGS = rb":\[(?:" + _STRING + rb"\]|\]|" + _STRING + rb"(?:," + _STRING + rb")++\])"
_HEADER = _NAME + _STRINGS
# A header that says nothing of the reader. They come in any order: Go shuffles them.
_OTHER = (
    rb'"(?:[ !#-OQRTVWYZ\[\]-\xff]|U(?!ser-Agent")|S(?!ec-Purpose")|P(?!urpose")|X(?!-(?:Purpose|Moz)"))'
    + plain.TEXT + rb'"' + _STRINGS
)  # fmt: skip
_TLS = (
    rb'"tls":\{"resumed":(?:true|false),"version":' + _COUNT + rb',"cipher_suite":' + _COUNT
    + rb',"proto":' + _NAME + rb',"server_name":' + _NAME + rb'(?:,"ech":(?:true|false))?\}'
)  # fmt: skip

PLAIN = plain.Plain(
    rb'\{"level":"info","ts":([1-9][0-9]{9}(?:\.[0-9]{1,9})?),"logger":"http\.log\.access' + plain.TEXT
    + rb'","msg":"handled request","request":\{"remote_ip":' + _NAME + rb',"remote_port":' + _NAME
    + rb'(?:,"client_ip":' + _NAME + rb')?,"proto":' + _NAME + rb',"method":"(GET|HEAD)"'
    + rb',"host":' + _NAME + rb',"uri":"' + plain.TARGET + rb'"()'
    + rb',"headers":\{(?:' + _OTHER + rb',)*+"User-Agent":\["(' + plain.TEXT + rb')"\](?:,' + _OTHER
    + rb")*+\}(?:," + _TLS + rb')?\}(?:,"bytes_read":' + _COUNT + rb')?,"user_id":' + _NAME
    + rb',"duration":' + _SECONDS + rb',"size":' + _COUNT + rb',"status":([1-9][0-9]{2})()'
    + rb',"resp_headers":\{(?:' + _HEADER + rb"(?:," + _HEADER + rb")*+)?\}\}",
    lambda written: nginx.time(float(written)),
    lambda agent, _: (agent.decode("latin-1"), False),
)  # fmt: skip
