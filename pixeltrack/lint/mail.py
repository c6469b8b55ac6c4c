"""Rules about the mail as a whole: ways out of it, its headers, its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.utils import parseaddr

from pixeltrack import destinations, hrefs, mime
from pixeltrack.headers import ONE_CLICK
from pixeltrack.links import is_opt_out
from pixeltrack.lint.finding import Context, Finding, Place, Rule
from pixeltrack.rewrite import Link, Plan

_LINE = 998  # octets without the line end: RFC 5322, 2.1.1, and RFC 5321, 4.5.3.1.6

_LONG_IN_MESSAGE = Rule(
    *("long-line", "warning"),
    one=f"a line has more than the {_LINE} bytes that mail allows",
    many=f"lines have more than the {_LINE} bytes that mail allows",
    hint="send it as quoted-printable; servers break such lines anywhere, or refuse the mail",
)
_LONG_IN_HTML = Rule(
    *("long-line", "note"),
    one=f"a line has more than the {_LINE} bytes that mail allows",
    many=f"lines have more than the {_LINE} bytes that mail allows",
    hint="break it, or see that your mail program sends quoted-printable or base64",
)


def check(plan: Plan, links: Iterable[Link], context: Context) -> Iterator[Finding]:
    """Yield what is to be said of the mail as a whole."""
    if not (_says_how(plan) or any(_stops(link, plan) for link in links)):
        yield Finding(
            "no-unsubscribe-link",
            "warning",
            None,
            "no link lets the reader unsubscribe",
            'put <a href="pixeltrack:unsubscribe">Unsubscribe</a> into it, or your own link',
        )
    if plan.kind == "message" and not context.list_headers:
        yield from _headers(plan)
    yield from _tracking_host(plan, context)
    rule = _LONG_IN_MESSAGE if plan.kind == "message" else _LONG_IN_HTML
    yield from rule.at(
        [
            Place(number, f"{len(line):,} bytes")
            for number, line in enumerate(_as_sent(plan).split("\n"), start=1)
            if len(line.rstrip("\r")) > _LINE
        ]
    )


def _stops(link: Link, plan: Plan) -> bool:
    if link.decision == "fill":
        return link.reason != "privacy"
    return (
        is_opt_out(link.destination, link.text)
        or plan.policy.owns(link.destination) in ("unsubscribe", "preferences")
        or "unsub" in link.destination.lower()  # as in *|UNSUB|*
    )


def _says_how(plan: Plan) -> bool:
    """Whether a way out stands beside the links: a plain text's words, or Campaign Monitor's element."""
    if plan.documents:
        return any("<unsubscribe" in document.view for document in plan.documents)
    begins = mime.split_headers(plan.source.data)[1] if plan.kind == "message" else 0
    return is_opt_out("", plan.source.view[begins:])


def _headers(plan: Plan) -> Iterator[Finding]:
    """The headers that Gmail and Yahoo ask of bulk senders (https://support.google.com/a/answer/81126)."""
    headers, _body = mime.split_headers(plan.source.data)
    if "List-Unsubscribe" not in headers:
        said = "the message has no List-Unsubscribe header"
    elif str(headers.get("List-Unsubscribe-Post", "")).strip() != ONE_CLICK:
        said = f"the message has List-Unsubscribe, but not List-Unsubscribe-Post: {ONE_CLICK} (RFC 8058)"
    else:
        return
    hint = "inject --recipients writes both headers; Gmail and Yahoo ask for them"
    yield Finding("no-list-unsubscribe", "warning", None, said, hint)


def _tracking_host(plan: Plan, context: Context) -> Iterator[Finding]:
    """Links of another organisation than the sender's look like phishing (alignment as in RFC 7489, 3.1)."""
    sender, host = _from_domain(plan) or context.sender, plan.policy.tracking_host
    if not sender or not host or context.addresses.is_loopback or destinations.related(sender, host):
        return
    yield Finding(
        "tracking-host",
        "warning",
        None,
        f"the links' host {host} is not under {sender}, which the mail comes from",
        f"give your collector a name such as track.{destinations.base_domain(sender)}",
    )


def _from_domain(plan: Plan) -> str:
    if plan.kind != "message":
        return ""
    headers, _body = mime.split_headers(plan.source.data)
    return domain(str(headers.get("From", "")))


def domain(sender: str) -> str:
    """Return the domain of ``Garden Shop <news@shop.example>`` in ASCII; empty if it has none."""
    name, at, host = parseaddr(sender)[1].rpartition("@")
    return hrefs.host(f"https://{host}") if name and at else ""


def _as_sent(plan: Plan) -> str:
    """Return a mail's view, with the parts that stand decoded in it encoded as they are sent."""
    view, pieces, position = plan.source.view, list[str](), 0
    for region in plan.regions:
        inner = region.encode(plan.source.encode(view[region.start : region.end]))
        pieces += [view[position : region.start], inner.decode("latin-1")]
        position = region.end
    return "".join([*pieces, view[position:]])
