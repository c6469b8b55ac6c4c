"""Rules about where links lead. The numbers in comments are the cases of the rewriting specification."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from pixeltrack import destinations, hrefs
from pixeltrack.links import INVALID, MERGE_TAG, RELATIVE, SHOWN, Policy
from pixeltrack.lint.finding import Finding, Place, Rule
from pixeltrack.rewrite import Link

_LONG = 2_000  # characters; case 24
_WEB = re.compile(r"https?://", re.IGNORECASE)
_ALMOST_WEB = re.compile(r"https?[:/]|www\.", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f\ufffd]")

# Apple publishes no list of what Link Tracking Protection takes out of links in Mail, Messages and private
# windows. These are what is reported of it: the "tracking query parameters" of https://privacytests.org,
# which https://knak.com/blog/link-tracking-updates-ios-17/ names as its source, and igshid and twclid by
# https://docs.mapp.com/docs/apple-link-tracking-protection-url-parameters-campaign-tracking. That UTM tags
# stay was measured in https://wordtothewise.com/2023/06/ios17-filtering-click-tracking-links.
_STRIPPED = frozenset(
    (
        *("__hsfp", "__hssc", "__hstc", "_hsenc", "hsctatracking", "__s", "_openstat", "yclid"),
        *("dclid", "gclid", "fbclid", "igshid", "msclkid", "twclid", "mc_eid", "s_cid", "rb_clickid"),
        *("ml_subscriber", "ml_subscriber_hash", "oly_anon_id", "oly_enc_id", "vero_conv", "vero_id"),
        "wickedid",
    )
)

# Redirects of mail systems, and of gateways that rewrite the links of the mail they deliver (case 34).
_OTHERS = re.compile(
    r"https?://(?:[\w-]+\.)*(?:"
    r"list-manage\d*\.com/track/click|mandrillapp\.com/track/click|sendgrid\.net/(?:ls|wf)/click|pstmrk\.it/"
    r"|awstrack\.me/|hubspotlinks(?:starter)?\.com/|rs6\.net/|cmail\d+\.com/|createsend\d*\.com/t/"
    r"|mlsend\.com/|klclick\d*\.com/|sendib[mt]\d+\.com/|exct\.net/|convertkit-mail\d*\.com/|mailgun\.org/c/"
    r"|safelinks\.protection\.outlook\.com/|urldefense(?:\.proofpoint)?\.com/|mimecast(?:protect)?\.com/s/"
    r"|linkprotect\.cudasvc\.com/|secure-web\.cisco\.com/|google\.com/url\?)"
    r"|https?://[^/?#]+/ls/click\?upn=",
    re.IGNORECASE,
)

_PLACEHOLDER = Rule(
    *("placeholder-link", "warning", "a link leads nowhere", "links lead nowhere"),
    hint="write its address into href",
)
_BROKEN = Rule(  # cases 25 and 32
    *("broken-address", "warning"),
    one="a link is no valid web address and is left alone",
    many="links are no valid web addresses and are left alone",
    hint="write it in full, as in https://shop.example/page",
)
_RELATIVE = Rule(  # case 29
    *("relative-link", "warning"),
    one="a link has no host, so a mail program cannot follow it",
    many="links have no host, so a mail program cannot follow them",
    hint="write it in full, as in https://shop.example/page",
)
_SPACE = Rule(  # case 23
    *("space-in-url", "warning", "an address has a space in it", "addresses have a space in them"),
    hint="write %20: some mail programs end the address at the space",
)
_CONTROLS = Rule(  # case 25
    *("control-in-url", "warning"),
    one="an address has a control character in it",
    many="addresses have a control character in them",
    hint="take it out, or write it percent-encoded",
)
_TOO_LONG = Rule(
    *("long-url", "warning"),
    one=f"an address has more than {_LONG:,} characters",
    many=f"addresses have more than {_LONG:,} characters",
    hint="shorten it: some programs cut it off",
)
_HTTP = Rule(
    *("http-link", "warning", "a link goes over unencrypted http", "links go over unencrypted http"),
    hint="use https; browsers call such pages not secure",
)
_CHAIN = Rule(
    *("wrapped-by-another", "warning"),
    one="a link goes through another service's redirect",
    many="links go through another service's redirect",
    hint="write the page's own address: that service counts the click, too, and may end the redirect",
)
_STRIPPED_IN_MAIL = Rule(
    *("stripped-parameter", "warning"),
    one="Apple Mail takes a parameter out of a link that is left alone",
    many="links are left alone, and Apple Mail takes a parameter out of them",
    hint="use utm_ tags, which stay, or a parameter with a name of your own",
)
_STRIPPED_LATER = Rule(
    *("stripped-parameter", "note"),
    one="a private window of Safari takes a parameter out of a destination",
    many="destinations have a parameter that a private window of Safari takes out",
    hint="use utm_ tags, which stay, or a parameter with a name of your own",
)
_DUPLICATE = Rule(
    *("duplicate-link", "note"),
    one="a link has the address and the text of another, and looks the same in a report",
    many="links have the address and the text of another, and look the same in a report",
    hint='name each with data-pt-label="…"',
)
_MISMATCH = Rule(  # case 56, and the next two
    *("text-mismatch", "warning"),
    one="a link shows another address than it leads to",
    many="links show another address than they lead to",
    hint="make the two agree, or let the text be words: mail programs warn of phishing",
)
_VISIBLE_WRAPPED = Rule(
    *("visible-url", "warning"),
    one="a link that is wrapped shows an address of another host",
    many="links that are wrapped show an address of another host",
    hint="let the text be words, or leave --wrap-visible-urls out: mail programs warn of phishing",
)
_VISIBLE_LEFT = Rule(
    *("visible-url", "note"),
    one="a link shows an address, so it is left alone and not counted",
    many="links show an address, so they are left alone and not counted",
    hint="let the text be words, or use a tracking host of the same domain",
)


def check(links: Iterable[Link], policy: Policy) -> Iterator[Finding]:
    """Yield what is to be said of the addresses of a mail's links."""
    foreign = [link for link in links if link.decision != "fill" and not policy.owns(link.destination)]
    yield from _written(foreign)
    yield from _leading(foreign)
    yield from _shown(foreign, policy)


def _written(links: Sequence[Link]) -> Iterator[Finding]:
    """Addresses that are not written as they should be."""
    yield from _PLACEHOLDER.at(_places(link for link in links if link.destination in ("", "#")))
    yield from _BROKEN.at(_places(filter(_is_broken, links)))
    yield from _RELATIVE.at(
        _places(link for link in links if link.reason == RELATIVE and not _is_broken(link))
    )
    web = [link for link in links if _WEB.match(link.destination) and link.reason not in (MERGE_TAG, INVALID)]
    yield from _SPACE.at(_places(link for link in web if " " in link.destination))
    yield from _CONTROLS.at(_places(link for link in web if _CONTROL.search(link.destination)))
    yield from _TOO_LONG.at(_places(link for link in web if len(link.destination) > _LONG))


def _is_broken(link: Link) -> bool:
    return link.reason == INVALID or (link.reason == RELATIVE and bool(_ALMOST_WEB.match(link.destination)))


def _leading(links: Sequence[Link]) -> Iterator[Finding]:
    """Addresses that lead elsewhere, or with less in them, than whoever wrote them may think."""
    yield from _HTTP.at(_places(link for link in links if link.destination[:7].lower() == "http://"))
    yield from _CHAIN.at(_places(link for link in links if _OTHERS.match(link.destination)))
    for decision, rule in (("leave", _STRIPPED_IN_MAIL), ("wrap", _STRIPPED_LATER)):
        yield from rule.at(
            [
                Place(link.line, f"{names} of {link.destination}")
                for link in links
                if link.decision == decision and (names := _stripped(link.destination))
            ]
        )
    alike = defaultdict[tuple[str, str], list[Link]](list)
    for link in links:
        if link.decision == "wrap" and link.tag in ("a", "area"):  # not Outlook's half of a button
            alike[link.destination, link.label].append(link)
    repeated = [link for same in alike.values() for link in same[1:]]
    yield from _DUPLICATE.at(_places(sorted(repeated, key=lambda link: link.number)))


def _stripped(address: str) -> str:
    """Return the parameters of an address that Apple takes out."""
    try:
        pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    except ValueError:
        return ""
    return ", ".join(key for key, _value in pairs if key.lower() in _STRIPPED)


def _shown(links: Sequence[Link], policy: Policy) -> Iterator[Finding]:
    """Links whose text is an address, too: mail programs and gateways compare the two."""
    other, wrapped, left = list[Place](), list[Place](), list[Place]()
    for link in links:
        shown, target = destinations.shown_host(link.text), hrefs.host(link.destination)
        if not shown or not target or link.tag == "text":
            continue
        if not destinations.related(shown, target):
            other.append(Place(link.line, f"{link.text} leads to {target}"))
        elif link.reason == SHOWN:
            left.append(Place(link.line, link.text))
        elif link.decision == "wrap" and not destinations.related(shown, policy.tracking_host):
            wrapped.append(Place(link.line, link.text))
    yield from _MISMATCH.at(other)
    yield from _VISIBLE_WRAPPED.at(wrapped)
    yield from _VISIBLE_LEFT.at(left)


def _places(links: Iterable[Link]) -> list[Place]:
    return [Place(link.line, link.destination or link.text or f"<{link.tag}>") for link in links]
