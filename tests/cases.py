"""The cases of the rewriting specification: what a mail is, and what becomes of it, byte for byte.

One table, run through two doors by test_cases.py: the functions, and the command. In what a mail
becomes, ``{1}`` is our URL of link 1, ``{pixel}`` the pixel, ``{unsubscribe}`` … the recipient's own
pages, ``{code}`` and ``{token}`` what those are made of; ``{qp:1}`` and ``{qp:pixel}`` are the same as
quoted-printable has them, between soft line breaks. ``{base64}…{/base64}`` is written so. Everything
else stands here as it must come out.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

BASE = "https://t.example"


@dataclass(frozen=True)
class Told:
    """What is said of one link. A destination of None: the case is not about it."""

    decision: str
    reason: str
    destination: str | None = None


def wrapped(destination: str, reason: str = "web link") -> Told:
    return Told("wrap", reason, destination)


def left(reason: str, destination: str | None = None) -> Told:
    return Told("leave", reason, destination)


@dataclass(frozen=True)
class Case:
    """A mail, and what must come of it. Texts are written in ``codec``."""

    numbers: tuple[int, ...]
    name: str
    mail: str
    becomes: str = ""
    links: tuple[Told, ...] | None = None  # None: the case is not about reasons
    codec: str = "utf-8"
    message: bool = False
    pixel: str | None = None  # why the pixel is where it is, or nowhere
    locations: Mapping[int, str] = field(default_factory=dict)  # where a click on a link leads
    refused: str | None = None  # a part of the error
    encoding: str | None = None
    text: bool = False
    resign_later: bool = False
    wrap_visible: bool = False
    fields: Mapping[str, str] | None = None  # of the one recipient; given, the mail is personalised

    @property
    def id(self) -> str:
        return f"{'-'.join(map(str, self.numbers))} {self.name}"

    @property
    def data(self) -> bytes:
        return expand(self.mail, {}).encode(self.codec)

    def expected(self, values: Mapping[str, str]) -> bytes:
        """Return the mail as it must be. values are code, token, unsubscribe and preferences."""
        return expand(self.becomes, values).encode(self.codec)


_PLACE = re.compile(r"\{(qp:)?([1-9]\d*|pixel|code|token|unsubscribe|preferences|privacy)\}")
_BASE64 = re.compile(r"\{base64\}(.*?)\{/base64\}", re.DOTALL)


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return a text of the table with its places filled in; without values they are left alone."""

    def url(name: str) -> str:
        if name.isdecimal():
            return f"{BASE}/c/{values['code']}/{name}/{values['token']}"
        if name == "pixel":
            src = f"{BASE}/o/{values['code']}/{values['token']}.gif"
            return f'<img src="{src}" width="1" height="1" alt="" border="0" />'
        pages = {
            "unsubscribe": f"{BASE}/u/{values['unsubscribe']}",
            "preferences": f"{BASE}/p/{values['preferences']}",
            "privacy": f"{BASE}/privacy",
        }
        return pages.get(name) or values[name]

    def place(found: re.Match[str]) -> str:
        if not found[1]:
            return url(found[2])
        before, after = url(found[2]).replace("=", "=3D").split(values["token"])
        return f"=\r\n{before}=\r\n{values['token']}=\r\n{after}" + ("=\r\n" if after else "")

    def base64(found: re.Match[str]) -> str:
        written = b64encode(found[1].encode()).decode()
        return "\r\n".join(written[at : at + 76] for at in range(0, len(written), 76))

    if values:
        text = _PLACE.sub(place, text)
    return _BASE64.sub(base64, text)


def html(
    numbers: int | tuple[int, ...], name: str, mail: str, becomes: str = "", *links: Told, **more
) -> Case:
    """A case about an HTML file."""
    numbers = (numbers,) if isinstance(numbers, int) else numbers
    return Case(numbers, name, mail, becomes, links or None, **more)


def eml(
    numbers: int | tuple[int, ...], name: str, mail: str, becomes: str = "", *links: Told, **more
) -> Case:
    """A case about a whole message; its lines are written with LF here and end in CRLF."""
    more.setdefault("message", True)
    mail, becomes = (re.sub(r"\r?\n", "\r\n", text) for text in (mail, becomes))
    return html(numbers, name, mail, becomes, *links, **more)


SERVICE = "unsubscribe, preferences or view in browser"
VISIBLE = "its text shows an address; --wrap-visible-urls wraps it"
TAG = "merge tag in the address"
A = "https://a.example/"  # where a link leads when the case is about something else


def kept(numbers: int | tuple[int, ...], name: str, mail: str, *links: Told, **more) -> Case:
    """A case in which only the pixel is added, at the end."""
    return html(numbers, name, mail, mail + "{pixel}", *links, **more)


ATTRIBUTES = [
    html(
        1,
        "double quotes",
        '<p><a href="https://a.example/">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A),
    ),
    html(
        1,
        "single quotes",
        "<p><a href='https://a.example/'>x</a>",
        "<p><a href='{1}'>x</a>{pixel}",
        wrapped(A),
    ),
    html(
        1,
        "no quotes",
        "<p><a href=https://a.example/x>x</a>",
        "<p><a href={1}>x</a>{pixel}",
        wrapped(A + "x"),
    ),
    html(
        1,
        "no quotes, then another attribute",
        "<p><a href=https://a.example/x id=i>x</a>",
        "<p><a href={1} id=i>x</a>{pixel}",
    ),
    html(
        1,
        "double quotes inside single ones",
        "<p><a href='https://a.example/?q=\"x\"'>x</a>",
        "<p><a href='{1}'>x</a>{pixel}",
        wrapped(A + '?q="x"'),
    ),
    html(
        2,
        "no quotes, and a slash before >",
        "<p><a href=https://a.example/x/>x</a>",
        "<p><a href={1}>x</a>{pixel}",
        wrapped(A + "x/"),
    ),
    html(
        3,
        "capitals",
        '<P><A HREF="HTTPS://A.Example/X">x</A>',
        '<P><A HREF="{1}">x</A>{pixel}',
        wrapped("HTTPS://A.Example/X"),
    ),
    html(
        3,
        "mixed case",
        '<p><a hReF="hTTp://a.example/">x</a>',
        '<p><a hReF="{1}">x</a>{pixel}',
        wrapped("hTTp://a.example/"),
    ),
    html(
        4,
        "white space around =",
        '<p><a href \n=\t "https://a.example/" >x</a>',
        '<p><a href \n=\t "{1}" >x</a>{pixel}',
        wrapped(A),
    ),
    html(
        5,
        "white space at both ends",
        '<p><a href=" \r\n https://a.example/\t ">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A),
    ),
    html(
        6,
        "a line end and spaces inside the host",
        '<p><a href="https://a.exam\n  ple/a\t/b\r\n/c">x</a>',
        '<p><a href="https://a.exam\n  ple/a\t/b\r\n/c">x</a>{pixel}',
        left("not a valid web address"),
    ),
    html(
        6,
        "tab and line ends inside a path",
        '<p><a href="https://a.example/a\t/b\r\n/c">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "a/b/c"),
    ),
    html(
        6,
        "line end inside the scheme",
        '<p><a href="htt\nps://a.example/">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A),
    ),
    html(
        7,
        "no space between attributes",
        '<p><a id="i"href="https://a.example/"class=c>x</a>',
        '<p><a id="i"href="{1}"class=c>x</a>{pixel}',
        wrapped(A),
    ),
    html(
        7,
        "a slash between attributes",
        '<p><a/id="i"/href="https://a.example/"/>x</a>',
        '<p><a/id="i"/href="{1}"/>x</a>{pixel}',
        wrapped(A),
    ),
    html(
        7,
        "attributes that are none",
        '<p><a id="i"="j" href="https://a.example/">x</a>',
        '<p><a id="i"="j" href="{1}">x</a>{pixel}',
        wrapped(A),
    ),
    html(
        8,
        "> in an earlier value",
        '<p><a title="a > b" alt=\'>\' href="https://a.example/">x</a>',
        '<p><a title="a > b" alt=\'>\' href="{1}">x</a>{pixel}',
        wrapped(A),
    ),
    kept(
        9,
        "names that only end in href",
        '<p><a data-href="https://a.example/" xlink:href="https://b.example/" ng-href=https://c.example/>x</a>',
    ),
    html(
        9,
        "href beside them",
        '<p><a data-href="https://a.example/" href="https://b.example/">x</a>',
        '<p><a data-href="https://a.example/" href="{1}">x</a>{pixel}',
        wrapped("https://b.example/"),
    ),
    html(
        10,
        "the first of two counts",
        '<p><a href="https://a.example/" HREF="https://b.example/">x</a>',
        '<p><a href="{1}" HREF="https://b.example/">x</a>{pixel}',
        wrapped(A),
    ),
    kept(
        10,
        "also when it is no web link",
        '<p><a href="#top" href="https://b.example/">x</a>',
        left("a place in this mail"),
    ),
    kept(
        11,
        "empty or without value",
        "<p><a href>x</a><a href=>y</a><a href=''>z</a><a href=\" \">w</a>",
        *[left("no address")] * 4,
    ),
    html(
        12,
        "closed by another quote",
        '<p><a href="https://a.example/\'>x</a> <b title="t">y</b>',
        '<p><a href="{1}"t">y</b>{pixel}',
        wrapped("https://a.example/'>x</a> <b title="),
    ),
    html(
        12,
        "a quote that never closes",
        '<p>x</p><a href="https://a.example/>y</a></p>',
        '<p>x</p>{pixel}<a href="https://a.example/>y</a></p>',
        pixel="before the tag that never closes",
    ),
    html(
        12,
        "a tag that never closes",
        "<p>x</p><a href=https://a.example/ ",
        "<p>x</p>{pixel}<a href=https://a.example/ ",
        pixel="before the tag that never closes",
    ),
]

ADDRESSES = [
    html(
        13,
        "&amp;",
        '<p><a href="https://a.example/?a=1&amp;b=2">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "?a=1&b=2"),
    ),
    html(
        14,
        "raw &",
        '<p><a href="https://a.example/?a=1&b=2">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "?a=1&b=2"),
    ),
    html(
        15,
        "keys that look like references",
        '<p><a href="https://a.example/?a=1&section=2&copy=3&reg=4&lt=5&notit">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "?a=1&section=2&copy=3&reg=4&lt=5&notit"),
    ),
    html(
        16,
        "numbers, even for the colon",
        '<p><a href="https&#58;//a.example/&#x41;&#66;">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "AB"),
    ),
    kept(16, "a number too large for any letter, in the text", "<p>&#123456789012345678901234567890;</p>"),
    kept(
        16,
        "numbers that hide another scheme",
        '<p><a href="java&#115;cript&#58;x()">x</a>',
        left("javascript: link"),
    ),
    html(
        17,
        "&quot;",
        '<p><a href="https://a.example/?q=&quot;x&quot;">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + '?q="x"'),
        locations={1: A + "?q=%22x%22"},
    ),
    html(
        18,
        "&amp;amp;",
        '<p><a href="https://a.example/?a=1&amp;amp;b=2">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "?a=1&amp;b=2"),
    ),
    html(
        19,
        "percent signs stay",
        '<p><a href="https://a.example/%7Eu/%zz/100%/%e2%82%AC?u=https%3A%2F%2Fb.example%2F">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "%7Eu/%zz/100%/%e2%82%AC?u=https%3A%2F%2Fb.example%2F"),
        locations={1: A + "%7Eu/%zz/100%/%e2%82%AC?u=https%3A%2F%2Fb.example%2F"},
    ),
    html(
        20,
        "letters outside ASCII",
        '<p><a href="https://bücher.example/grün?q=ß#ü">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped("https://bücher.example/grün?q=ß#ü"),
        locations={1: "https://xn--bcher-kva.example/gr%C3%BCn?q=%C3%9F#%C3%BC"},
    ),
    html(
        20,
        "in an older charset",
        '<meta charset="iso-8859-1"><p><a href="https://a.example/grün">x</a>',
        '<meta charset="iso-8859-1"><p><a href="{1}">x</a>{pixel}',
        wrapped(A + "grün"),
        codec="iso-8859-1",
        locations={1: A + "gr%C3%BCn"},
    ),
    html(
        21,
        "port, user and fragment",
        '<p><a href="https://u:p@a.example:8443/x?y#z?w">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped("https://u:p@a.example:8443/x?y#z?w"),
        locations={1: "https://u:p@a.example:8443/x?y#z?w"},
    ),
    html(
        22,
        "brackets, comma, apostrophe",
        '<p><a href="https://a.example/w_(x),it\'s;[y]!$*+">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "w_(x),it's;[y]!$*+"),
        locations={1: A + "w_(x),it's;[y]!$*+"},
    ),
    html(
        23,
        "spaces",
        '<p><a href="https://a.example/my file.pdf?q=a b#c d">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "my file.pdf?q=a b#c d"),
        locations={1: A + "my%20file.pdf?q=a%20b#c%20d"},
    ),
    kept(
        23, "a space in the host", '<p><a href="https://a .example/">x</a>', left("not a valid web address")
    ),
    html(
        24,
        "over 2,000 characters",
        f'<p><a href="https://a.example/{"x" * 2_500}">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "x" * 2_500),
        locations={1: A + "x" * 2_500},
    ),
    html(
        25,
        "controls",
        '<p><a href="https://a.example/a&#20;b\x01c">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "a\x14b\x01c"),
        locations={1: A + "a%14b%01c"},
    ),
    html(
        25,
        "a line end as a reference",
        '<p><a href="https://a.example/&#13;&#10;Set-Cookie: x">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "Set-Cookie: x"),
        locations={1: A + "Set-Cookie:%20x"},
    ),
    kept(
        25,
        "a control in the host",
        '<p><a href="https://a&#20;.example/">x</a>',
        left("not a valid web address"),
    ),
]

SCHEMES = [
    *(
        kept(26, scheme, f'<p><a href="{scheme}:x">x</a>', left(f"{scheme.lower()}: link"))
        for scheme in (
            *("mailto", "tel", "sms", "cid", "data", "javascript", "webcal", "about", "ftp", "file"),
            *("fb-messenger", "whatsapp", "MAILTO"),
        )
    ),
    kept(
        27,
        "a web address in mailto:",
        '<p><a href="mailto:a@a.example?body=https://a.example/">x</a>',
        left("mailto: link"),
    ),
    kept(
        28,
        "a name and a fragment",
        '<p><a name="top">x</a><a href="#top">y</a><a href="#">z</a>',
        *[left("a place in this mail")] * 2,
    ),
    kept(
        29,
        "relative addresses",
        '<p><a href="/x">x</a><a href="x.html">y</a><a href="?q">z</a>',
        *[left("relative address")] * 3,
    ),
    kept(
        (29, 30),
        "<base> changes nothing",
        '<base href="https://a.example/"><p><a href="x">x</a>',
        left("relative address", "x"),
    ),
    html(
        30,
        "<base> itself stays",
        '<base href="https://a.example/"><p><a href="https://a.example/x">x</a>',
        '<base href="https://a.example/"><p><a href="{1}">x</a>{pixel}',
    ),
    html(
        31,
        "no scheme",
        '<p><a href="//a.example/x">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "x"),
        locations={1: A + "x"},
    ),
    kept(32, "a slash too few", '<p><a href="https:/a.example/">x</a>', left("not a valid web address")),
    kept(
        32,
        "no colon, no scheme",
        '<p><a href="http//a.example">x</a><a href="www.a.example">y</a>',
        *[left("relative address")] * 2,
    ),
    html(
        33,
        "wrapped already, beside one that is not",
        f'<p><a href="{BASE}/c/abcdefgh/1/{"A" * 28}">x</a><a href="https://a.example/">y</a>',
        f'<p><a href="{BASE}/c/abcdefgh/1/{"A" * 28}">x</a><a href="{{2}}">y</a>{{pixel}}',
        left("already wrapped"),
        wrapped(A),
    ),
    kept(
        33,
        "pages of ours",
        f'<p><a href="{BASE}/u/{"A" * 40}">x</a><a href="{BASE}/privacy">y</a>',
        *[left("already wrapped")] * 2,
    ),
    html(
        33,
        "another page at our address",
        f'<p><a href="{BASE}/p/red-shoes">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(f"{BASE}/p/red-shoes"),
    ),
    html(
        34,
        "wrapped by others",
        '<p><a href="https://shop.us1.list-manage.com/track/click?u=1&amp;id=2">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped("https://shop.us1.list-manage.com/track/click?u=1&id=2"),
    ),
    html(
        34,
        "wrapped by others, with the destination in it",
        '<p><a href="https://click.other.example/ls?u=https%3A%2F%2Fa.example%2F">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped("https://click.other.example/ls?u=https%3A%2F%2Fa.example%2F"),
    ),
    html(
        35,
        "the same address twice",
        '<p><a href="https://a.example/">x</a><a href="https://a.example/">y</a>',
        '<p><a href="{1}">x</a><a href="{2}">y</a>{pixel}',
        wrapped(A),
        wrapped(A),
        locations={1: A, 2: A},
    ),
    html(
        36,
        "one address begins another",
        '<p><a href="https://a.example/x">x</a><a href="https://a.example/xy">y</a><a href="https://a.example/">z</a>',
        '<p><a href="{1}">x</a><a href="{2}">y</a><a href="{3}">z</a>{pixel}',
        wrapped(A + "x"),
        wrapped(A + "xy"),
        wrapped(A),
    ),
    kept(37, "a tag that may become any scheme", '<p><a href="{{ url }}">x</a>', left(TAG)),
]

TAGS = [
    *(
        kept(38, tag, f'<p><a href="{tag}">x</a>', left(TAG))
        for tag in (
            "{{url}}",
            "{{{url}}}",
            "{% url %}",
            "*|UNSUB|*",
            "%%url%%",
            "<%= url %>",
            "[[url]]",
            "${url}",
            "#{url}",
            "{url}",
            "%recipient.url%",
        )
    ),
    kept(
        39,
        "in the query, and nobody knows it",
        '<p><a href="https://a.example/?n={{ name }}">x</a><a href="https://a.example/*|ID|*">y</a>',
        *[left(TAG)] * 2,
    ),
    html(
        39,
        "in the query, and the list knows it",
        '<p><a href="https://a.example/?n={{ name }}#x">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "?n={{ name }}#x", "personal destination"),
        fields={"name": "Zoë & Co"},
        locations={1: A + "?n=Zo%C3%AB%20%26%20Co#x"},
    ),
    html(
        (37, 39),
        "a value that looks like an address",
        '<p><a href="https://a.example/{{ name }}">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "{{ name }}", "personal destination"),
        fields={"name": "javascript:x()//"},
        locations={1: A + "javascript%3Ax%28%29%2F%2F"},
    ),
    kept(
        40,
        "in the host",
        '<p><a href="https://{{ name }}.example/">x</a><a href="https://*|HOST|*/x">y</a><a href="https://a.{x}/">z</a>',
        *[left(TAG)] * 3,
    ),
    html(
        40,
        "in the host, though the list knows it",
        '<p><a href="https://{{ name }}/x">x</a>',
        '<p><a href="https://b.example/x">x</a>{pixel}',
        left(TAG),
        fields={"name": "b.example"},
    ),
    kept(
        41, "quotes inside a whole tag", '<p><a href="{{ x|default("https://a.example/") }}">x</a>', left(TAG)
    ),
    kept(
        41,
        "quotes inside a tag in the query",
        '<p><a href="https://a.example/?n={{ n|default("x") }}">x</a>',
        left(TAG),
    ),
    kept(
        41,
        "quotes inside other tags",
        '<p><a href="https://a.example/<%= f("x") %>">x</a><a href="https://a.example/%%f("x")%%">y</a><a href="https://a.example/*|IF:X="y"|*">z</a>',
        *[left(TAG)] * 3,
    ),
    kept(
        41,
        "quotes inside a tag with one brace",
        "<p><a href=\"https://a.example/?n={n|default:\"x\"}\">x</a><a href='https://a.example/{f('x')}'>y</a>",
        *[left(TAG)] * 2,
    ),
    html(
        42,
        "< > & in a tag in the text",
        '<p>{% if a < b && c > d %}<a href="https://a.example/">x</a>{% endif %}{{ "<b>" }}',
        '<p>{% if a < b && c > d %}<a href="{1}">x</a>{% endif %}{{ "<b>" }}{pixel}',
        wrapped(A),
    ),
    kept(
        43,
        "a tag for attributes, a tag for elements",
        '<p><a {{ attributes }}>x</a>{{ button("https://a.example/") }}*|LINKS|*',
    ),
    html(
        43,
        "a tag beside an href",
        '<p><a {{ more }} href="https://a.example/" *|STYLE|*>x</a>',
        '<p><a {{ more }} href="{1}" *|STYLE|*>x</a>{pixel}',
        wrapped(A),
    ),
    html(
        44,
        "conditions around a link",
        '<p>{% if x %}<a href="https://a.example/">x</a>{% else %}*|IF:Y|*<a href="https://b.example/">y</a>*|END:IF|*{% endif %}',
        '<p>{% if x %}<a href="{1}">x</a>{% else %}*|IF:Y|*<a href="{2}">y</a>*|END:IF|*{% endif %}{pixel}',
        wrapped(A),
        wrapped("https://b.example/"),
    ),
    html(
        45,
        "texts like our own marks",
        '<p>\0{message} \ufdd0 {0} %s \\1 \\g<0> $1 TTTTTTTTTTTTTTTTTTTTTTTTTTTT<a href="https://a.example/">{{ pixeltrack_slot.message }}</a>',
        '<p>\0{message} \ufdd0 {0} %s \\1 \\g<0> $1 TTTTTTTTTTTTTTTTTTTTTTTTTTTT<a href="{1}">{{ pixeltrack_slot.message }}</a>{pixel}',
        wrapped(A),
    ),
]

ELEMENTS = [
    html(
        46,
        "<area>",
        '<p><map><area shape=rect href="https://a.example/" alt="x"></map>',
        '<p><map><area shape=rect href="{1}" alt="x"></map>{pixel}',
        wrapped(A),
    ),
    html(
        (47, 49),
        "a button of VML and its twin",
        '<p><!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://a.example/buy" arcsize="10%"><center>Buy</center></v:roundrect><![endif]--><!--[if !mso]><!--><a href="https://a.example/buy">Buy</a><!--<![endif]-->',
        '<p><!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="{1}" arcsize="10%"><center>Buy</center></v:roundrect><![endif]--><!--[if !mso]><!--><a href="{2}">Buy</a><!--<![endif]-->{pixel}',
        wrapped(A + "buy"),
        wrapped(A + "buy"),
        locations={1: A + "buy", 2: A + "buy"},
    ),
    html(
        47,
        "other shapes",
        "<p><!--[if vml]><v:rect href=\"https://a.example/\"/><v:shape href='https://b.example/'></v:shape><![endif]-->",
        "<p><!--[if vml]><v:rect href=\"{1}\"/><v:shape href='{2}'></v:shape><![endif]-->{pixel}",
        wrapped(A),
        wrapped("https://b.example/"),
    ),
    kept(
        (47, 57),
        "a shape that opts out",
        '<p><!--[if mso]><v:rect clicktracking="off" href="https://a.example/"/><![endif]-->',
        left("opted out by clicktracking (SendGrid)"),
    ),
    html(
        48,
        "<a> for Outlook alone",
        '<p><!--[if (gte mso 9)|(IE)]><a href="https://a.example/">x</a><![endif]-->',
        '<p><!--[if (gte mso 9)|(IE)]><a href="{1}">x</a><![endif]-->{pixel}',
        wrapped(A),
    ),
    html(
        50,
        "for all but Outlook",
        '<p><!--[if !mso]><!--><a href="https://a.example/">x</a><!--<![endif]--><![if !mso]><a href="https://b.example/">y</a><![endif]>',
        '<p><!--[if !mso]><!--><a href="{1}">x</a><!--<![endif]--><![if !mso]><a href="{2}">y</a><![endif]>{pixel}',
        wrapped(A),
        wrapped("https://b.example/"),
    ),
    kept(51, "a comment", '<p><!-- <a href="https://a.example/">x</a> --><!--x--!><!--><!---->'),
    *(
        kept(52, f"<{name}> is text", f'<p><{name}><a href="https://a.example/">x</a></{name}>')
        for name in ("script", "style", "title", "textarea", "xmp", "noframes", "noembed", "iframe")
    ),
    *(
        html(
            52,
            f"<{name}> is markup",
            f'<p><{name}><a href="https://a.example/">x</a></{name}>',
            f'<p><{name}><a href="{{1}}">x</a></{name}>{{pixel}}',
            wrapped(A),
        )
        for name in ("noscript", "template")
    ),
    kept(
        53,
        "addresses that are no links",
        '<link rel=stylesheet href="https://a.example/"><style>p{background:url(https://a.example/)}</style><form action="https://a.example/"><p><table background="https://a.example/"><tr><td><img src="https://a.example/" srcset="https://a.example/ 2x"><q cite="https://a.example/">x</q></table></form>',
    ),
    html(
        54,
        "links in links and around blocks",
        '<p><a href="https://a.example/1"><table><tr><a href="https://a.example/2"><td><p><a href="https://a.example/3">x</a></td></tr></table></a></a>',
        '<p><a href="{1}"><table><tr><a href="{2}"><td><p><a href="{3}">x</a></td></tr></table></a></a>{pixel}',
        wrapped(A + "1"),
        wrapped(A + "2"),
        wrapped(A + "3"),
    ),
    kept(55, "a link in SVG", '<p><svg><a xlink:href="https://a.example/"><text>x</text></a></svg>'),
    kept(56, "an address in the text", "<p>https://a.example/ and www.a.example"),
    kept(
        56,
        "a link whose text is an address",
        '<p><a href="https://a.example/x">https://a.example/x</a><a href="https://a.example/">www.a.example</a>',
        *[left(VISIBLE)] * 2,
    ),
    html(
        56,
        "wrapped when asked for, its text as it was",
        '<p><a href="https://a.example/x">https://a.example/x</a>',
        '<p><a href="{1}">https://a.example/x</a>{pixel}',
        wrapped(A + "x"),
        wrap_visible=True,
    ),
    *(
        kept(
            57,
            attribute,
            f'<p><a {attribute} href="https://a.example/">x</a>',
            left(f"opted out by {name} ({owner})", A),
        )
        for owner, name, attribute in (
            ("SendGrid", "clicktracking", "clicktracking=off"),
            ("SendGrid", "clicktracking", 'ClickTracking=" OFF "'),
            ("Postmark", "data-pm-no-track", "data-pm-no-track"),
            ("Mandrill", "mc:disable-tracking", "mc:disable-tracking"),
            ("SparkPost", "data-msys-clicktrack", 'data-msys-clicktrack="0"'),
            ("Amazon SES", "ses:no-track", "ses:no-track"),
            ("Mautic", "mautic:disable-tracking", 'mautic:disable-tracking="true"'),
            ("Mautic", "data-mautic-disable-tracking", "data-mautic-disable-tracking='true'"),
            ("ahoy_email", "data-skip-click", 'data-skip-click="true"'),
            ("Mailgun", "disable-tracking", "disable-tracking=true"),
            ("pixeltrack, Kannon", "data-no-track", "data-no-track"),
            ("pixeltrack", "data-pt-skip", 'data-pt-skip=""'),
        )
    ),
    kept(
        57,
        "+notrack",
        '<p><a href="https+notrack://a.example/x?y">x</a><a href="HTTP+NoTrack://a.example/">y</a>',
        left("opted out by +notrack (Postal)", A + "x?y"),
        left("opted out by +notrack (Postal)", "HTTP://a.example/"),
    ),
    html(
        57,
        "values that do not opt out",
        '<p><a clicktracking="on" href="https://a.example/">x</a><a data-msys-clicktrack="1" href="https://a.example/">y</a>',
        '<p><a clicktracking="on" href="{1}">x</a><a data-msys-clicktrack="1" href="{2}">y</a>{pixel}',
    ),
    *(
        kept(58, name, f"<p><a {link}</a>", left(SERVICE))
        for name, link in (
            ("unsubscribe by address", 'href="https://a.example/unsubscribe?u=1">x'),
            ("unsubscribe by text", 'href="https://a.example/1">Unsubscribe here'),
            ("unsubscribe by rel", 'rel="nofollow Unsubscribe" href="https://a.example/1">Stop'),
            ("unsubscribe by picture", 'href="https://a.example/1"><img src=u.png alt="Unsubscribe">'),
            ("preferences by address", 'href="https://a.example/email-preferences/1">x'),
            ("preferences by text", 'href="https://a.example/1">Manage your preferences'),
            (
                "Mailchimp's page of preferences",
                'href="https://shop.us1.list-manage.com/profile?u=1&amp;e=2">x',
            ),
            ("in the browser by address", 'href="https://a.example/view-in-browser/1">x'),
            ("in the browser by text", 'href="https://a.example/1">View this email in your browser'),
            ("in other languages", 'href="https://a.example/1">Newsletter abbestellen'),
        )
    ),
    html(
        58,
        "pages of ours are filled in",
        "<p><a href=\"pixeltrack:unsubscribe\">U</a><a href='pixeltrack:preferences'>P</a><a href=pixeltrack:privacy>N</a>",
        "<p><a href=\"{unsubscribe}\">U</a><a href='{preferences}'>P</a><a href={privacy}>N</a>{pixel}",
        Told("fill", "unsubscribe"),
        Told("fill", "preferences"),
        Told("fill", "privacy"),
    ),
    html(
        59,
        "300 links",
        "<p>" + "".join(f'<a href="https://a.example/{n}">x</a>' for n in range(1, 301)),
        "<p>" + "".join(f'<a href="{{{n}}}">x</a>' for n in range(1, 301)) + "{pixel}",
        *(wrapped(f"{A}{n}") for n in range(1, 301)),
        locations={255: A + "255", 256: A + "256", 300: A + "300"},
    ),
]

PIXELS = [
    html(
        60,
        "before </body>",
        "<html><body><p>x</p></body></html>",
        "<html><body><p>x</p>{pixel}</body></html>",
        pixel="before </body>",
    ),
    html(
        60,
        "before </BODY >",
        "<HTML><BODY><P>x</P></BODY\n></HTML>",
        "<HTML><BODY><P>x</P>{pixel}</BODY\n></HTML>",
        pixel="before </body>",
    ),
    html(
        61,
        "not in a comment, script or text",
        '<body><p>x</p></body><!-- </body> --><script>"</body>"</script>&lt;/body&gt;<textarea></body></textarea>',
        '<body><p>x</p>{pixel}</body><!-- </body> --><script>"</body>"</script>&lt;/body&gt;<textarea></body></textarea>',
        pixel="before </body>",
    ),
    html(
        61,
        "not in a comment for Outlook",
        "<body><p>x</p></body><!--[if mso]></body><![endif]-->",
        "<body><p>x</p>{pixel}</body><!--[if mso]></body><![endif]-->",
    ),
    kept(61, "not in a title", "<title></body></title><p>x</p>"),
    html(
        62,
        "the last of several",
        "<body><p>x</p></body><p>y</p></body><p>z</p>",
        "<body><p>x</p></body><p>y</p>{pixel}</body><p>z</p>",
        pixel="before </body>",
    ),
    html(62, "the last of two in a row", "<p>x</p></body></body>y", "<p>x</p></body>{pixel}</body>y"),
    html(
        63,
        "before </html>",
        "<html><p>x</p></html>\n",
        "<html><p>x</p>{pixel}</html>\n",
        pixel="before </html>",
    ),
    kept(63, "at the end", "<p>x</p>\n", pixel="at the end"),
    html(
        64,
        "text after </html>",
        "<html><body><p>x</p></body></html>\n<p>footer of the list</p>",
        "<html><body><p>x</p>{pixel}</body></html>\n<p>footer of the list</p>",
    ),
    html(
        65,
        "before an open comment",
        "<p>x</p><!-- </body>",
        "<p>x</p>{pixel}<!-- </body>",
        pixel="before the comment that never closes",
    ),
    html(
        65,
        "before an open style",
        "<p>x</p><style>a{}</body>",
        "<p>x</p>{pixel}<style>a{}</body>",
        pixel="before the style that never closes",
    ),
    html(
        65,
        "before a style whose end tag is open",
        "<p>x</p><style>a{}</body></style ",
        "<p>x</p>{pixel}<style>a{}</body></style ",
    ),
    html(65, "before an open link", "<p>x</p><a href=", "<p>x</p>{pixel}<a href="),
    html(
        65,
        "before an open script",
        "<p>x</p><script>a()</body>",
        "<p>x</p>{pixel}<script>a()</body>",
        pixel="before the script that never closes",
    ),
    html(
        65,
        "before an open tag",
        "<p>x</p><p class='",
        "<p>x</p>{pixel}<p class='",
        pixel="before the tag that never closes",
    ),
    html(65, "before <plaintext>", "<p>x</p><plaintext></body>", "<p>x</p>{pixel}<plaintext></body>"),
    html(
        66,
        "no second pixel",
        f'<body><p>x</p><img src="{BASE}/o/abcdefgh/{"A" * 28}.gif"></body>',
        f'<body><p>x</p><img src="{BASE}/o/abcdefgh/{"A" * 28}.gif"></body>',
        pixel="the mail already has our pixel",
    ),
    html(
        67,
        "AMP",
        '<!doctype html><html amp4email><body><p><a href="https://a.example/">x</a></body></html>',
        '<!doctype html><html amp4email><body><p><a href="{1}">x</a></body></html>',
        wrapped(A),
        pixel="an AMP part allows no plain image",
    ),
    html(
        67,
        "AMP with its sign",
        "<!doctype html><html ⚡4email><body><p>x</body></html>",
        "<!doctype html><html ⚡4email><body><p>x</body></html>",
    ),
    html(
        68,
        "a frameset",
        "<html><frameset><frame src=x></frameset></html>",
        "<html><frameset><frame src=x></frameset></html>",
        pixel="a frameset shows no body",
    ),
]

BYTES = [
    html(
        69,
        "line ends, tabs, NUL, BOM",
        '\ufeff<p>\r\n a\rb\n\0\t \f</p> \r\n\n<a href="https://a.example/">x</a>\t\r\n',
        '\ufeff<p>\r\n a\rb\n\0\t \f</p> \r\n\n<a href="{1}">x</a>\t\r\n{pixel}',
        wrapped(A),
    ),
    *(
        html(
            70,
            codec,
            f'<meta charset="{codec}"><p>{text}<a href="https://a.example/{text}">{text}</a>',
            f'<meta charset="{codec}"><p>{text}<a href="{{1}}">{text}</a>{{pixel}}',
            wrapped(A + text),
            codec=codec,
        )
        for codec, text in (
            ("iso-8859-1", "é"),
            ("iso-8859-15", "€"),
            ("windows-1252", "–"),
            ("windows-1251", "Привет"),
            ("koi8-r", "Привет"),
            ("gb2312", "你好"),
            ("gbk", "你好"),
            ("gb18030", "你好€"),
            ("big5", "功能"),
            ("shift_jis", "表ソ"),
            ("euc-jp", "日本"),
            ("euc-kr", "한국"),
        )
    ),
    kept(70, "bytes that are no UTF-8", '<meta charset="utf-8"><p>\xff\xfe\x80\xc3 \xa0', codec="latin-1"),
    html(
        70,
        "bytes that are no UTF-8, in an address",
        '<p><a href="https://a.example/\xe9">x</a>',
        '<p><a href="{1}">x</a>{pixel}',
        wrapped(A + "é"),
        codec="latin-1",
    ),
    *(
        html(
            71,
            codec,
            '\ufeff<p>日本 <a href="https://a.example/日">é</a></body>',
            '\ufeff<p>日本 <a href="{1}">é</a>{pixel}</body>',
            wrapped(A + "日"),
            codec=codec,
        )
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    ),
    *(
        html(
            71,
            f"{codec}, as an option says",
            "<p>日本 <a href='https://a.example/'>日</a>本</body>",
            "<p>日本 <a href='{1}'>日</a>本{pixel}</body>",
            wrapped(A),
            codec=codec,
            encoding=codec,
        )
        for codec in ("utf-16-le", "iso-2022-jp", "hz")
    ),
    html(
        71,
        "utf-7 of ASCII letters",
        "<p>1 +- 1 <a href='https://a.example/'>x</a></body>",
        "<p>1 +- 1 <a href='{1}'>x</a>{pixel}</body>",
        wrapped(A),
        encoding="utf-7",
    ),
    html(
        71,
        "iso-2022-jp with escapes for nothing",
        "<p>\x1b(B<a href='https://a.example/'>x</a>",
        encoding="iso-2022-jp",
        refused="is not valid iso2022_jp",
    ),
    html(
        71,
        "utf-7 that would not be the same in pieces",
        "<p>日本<a href='https://a.example/'>x</a>",
        codec="utf-7",
        encoding="utf-7",
        refused="cannot be cut in utf-7",
    ),
    html(
        71,
        "iso-2022-kr, which has a header of its own",
        "<p>한국 <a href='https://a.example/'>한</a>",
        codec="iso2022_kr",
        encoding="iso-2022-kr",
        refused="cannot be cut in iso2022_kr",
    ),
    html(
        72,
        "XHTML",
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml" xmlns:o="urn:x" xml:lang="en"><body bgColor=\'#FFF\'><o:p/><A hReF="https://a.example/">x</A><br/></body></html>',
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml" xmlns:o="urn:x" xml:lang="en"><body bgColor=\'#FFF\'><o:p/><A hReF="{1}">x</A><br/>{pixel}</body></html>',
        wrapped(A),
    ),
    html(
        73,
        "no doctype",
        "<html><head></head><body>x</body></html>",
        "<html><head></head><body>x{pixel}</body></html>",
    ),
    html(
        73,
        "a short and a late doctype",
        "<!DOCTYPE html><p>x</p><!doctype html>",
        "<!DOCTYPE html><p>x</p><!doctype html>{pixel}",
    ),
    html(74, "empty", "", refused="is empty"),
    html(74, "only white space", "\ufeff \r\n", refused="does not look like HTML"),
    html(74, "white space", " \r\n\t", refused="is empty"),
    html(74, "no HTML", "Hello, this is a text.", refused="does not look like HTML"),
    kept(75, "no links", "<p>Hello"),
    kept(
        76,
        "a picture of 200 kB in the address",
        f'<p><img src="data:image/png;base64,{"iVBORw0KGgo" * 20_000}">',
    ),
    html(
        76,
        "almost 5 MB",
        f'<p>{"x" * 4_900_000}</p><a href="https://a.example/">x</a>',
        f'<p>{"x" * 4_900_000}</p><a href="{{1}}">x</a>{{pixel}}',
        wrapped(A),
    ),
    html(76, "over 5 MB", f"<p>{'x' * 5_000_000}</p>", refused="the limit is 5,000,000"),
    *(
        html(
            77,
            f"200 kB of {piece}",
            f"<p>x</p>{piece * (200_000 // len(piece))}",
            f"<p>x</p>{{pixel}}{piece * (200_000 // len(piece))}",
        )
        for piece in ("<a ", "<!--", "<!--[if mso]>", '<a href="', "</")
    ),
    kept(77, "66,000 open tags", "<p>" + "<b>" * 66_000),
    kept(79, "a line over 998 bytes", f"<p>{'long ' * 300}</p>"),
    html(
        80,
        "over 102 kB",
        f'<p>{"x" * 110_000}</p><a href="https://a.example/">x</a>',
        f'<p>{"x" * 110_000}</p><a href="{{1}}">x</a>{{pixel}}',
        wrapped(A),
    ),
]

_MIXED = """\
From: Shop <news@example.com>
To: ada@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
X-Odd:   kept   as it is\t
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

A preamble.
--outer
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: ENCODING

CONTENT
--outer
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=a.png

iVBORw0KGgo=

--outer
Content-Type: text/html
Content-Disposition: attachment; filename=a.html

<p><a href="https://a.example/">an attachment stays</a>
--outer--
An epilogue.
"""


def _mixed(encoding: str, content: str) -> str:
    return _MIXED.replace("ENCODING", encoding).replace("CONTENT", content)


def _single(type_: str, content: str, header: str = "") -> str:
    return f"{header}From: a@example.com\nTo: ada@example.com\nContent-Type: {type_}\n\n{content}\n"


def _alternative(*parts: tuple[str, str]) -> str:
    written = "".join(f"--b\nContent-Type: {type_}\n\n{content}\n" for type_, content in parts)
    return (
        "From: a@example.com\nTo: ada@example.com\nMIME-Version: 1.0\n"
        f"Content-Type: multipart/alternative; boundary=b\n\n{written}--b--\n"
    )


_TEXT = "Read https://a.example/x, or (https://a.example/y_(z)).\nStop: <https://a.example/stop>"
_HTML = '<p><a href="https://a.example/x">x</a><a clicktracking=off href="https://a.example/stop">y</a></p>'

MESSAGES = [
    eml(
        78,
        "quoted-printable",
        _mixed(
            "quoted-printable",
            'Gr=C3=BC=C3=9Fe <a href=3D"https://a.example/?a=3D1&amp;=\nb=3D2">x</a></p></bo=\ndy>',
        ),
        _mixed("quoted-printable", 'Gr=C3=BC=C3=9Fe <a href=3D"{qp:1}">x</a></p>{qp:pixel}</bo=\ndy>'),
        wrapped(A + "?a=1&b=2"),
    ),
    eml(
        78,
        "base64",
        _mixed(
            "base64", '{base64}<p>Grüße <a href="https://a.example/?a=1&amp;b=2">x</a></p></body>{/base64}'
        ),
        _mixed("base64", '{base64}<p>Grüße <a href="{1}">x</a></p>{pixel}</body>{/base64}'),
        wrapped(A + "?a=1&b=2"),
    ),
    eml(
        78,
        "8bit",
        _mixed("8bit", '<p>Grüße <a href="https://a.example/">x</a></p></body>'),
        _mixed("8bit", '<p>Grüße <a href="{1}">x</a></p>{pixel}</body>'),
        wrapped(A),
    ),
    eml(
        78,
        "signed with DKIM",
        _single("text/html", "<p>x", "DKIM-Signature: v=1; a=rsa-sha256\n"),
        refused="signed or sealed (DKIM)",
    ),
    eml(
        78,
        "signed with S/MIME",
        _single('multipart/signed; boundary=b; protocol="application/pkcs7-signature"', ""),
        refused="signed or sealed (S/MIME or PGP)",
    ),
    eml(
        78,
        "sealed",
        _single("application/pkcs7-mime; smime-type=enveloped-data", "MIAGCSqG"),
        refused="signed or sealed (S/MIME or PGP)",
    ),
    eml(
        78,
        "signed, and to be signed again",
        _single(
            "text/html", '<p><a href="https://a.example/">x</a></body>', "DKIM-Signature: v=1; a=rsa-sha256\n"
        ),
        _single("text/html", '<p><a href="{1}">x</a>{pixel}</body>', "DKIM-Signature: v=1; a=rsa-sha256\n"),
        wrapped(A),
        resign_later=True,
    ),
    eml(
        71,
        "a part in UTF-16",
        _mixed("base64", "//48AHAAPgB4ADwALwBwAD4A").replace("charset=utf-8", "charset=utf-16"),
        refused="its text/html part is in utf-16",
    ),
    eml(
        (67, 68),
        "the parts of a message",
        _alternative(
            ("text/plain", _TEXT),
            ("text/x-amp-html", '<html amp4email><p><a href="https://a.example/amp">x</a></html>'),
            ("text/html", _HTML),
        ),
        _alternative(
            ("text/plain", _TEXT),
            ("text/x-amp-html", '<html amp4email><p><a href="{1}">x</a></html>'),
            (
                "text/html",
                '<p><a href="{2}">x</a><a clicktracking=off href="https://a.example/stop">y</a></p>{pixel}',
            ),
        ),
        wrapped(A + "amp"),
        wrapped(A + "x"),
        left("opted out by clicktracking (SendGrid)"),
    ),
    eml(
        (57, 68),
        "a text part when asked for",
        _alternative(("text/plain", _TEXT), ("text/html", _HTML)),
        _alternative(
            ("text/plain", "Read {3}, or ({4}).\nStop: <https://a.example/stop>"),
            (
                "text/html",
                '<p><a href="{1}">x</a><a clicktracking=off href="https://a.example/stop">y</a></p>{pixel}',
            ),
        ),
        wrapped(A + "x"),
        left("opted out by clicktracking (SendGrid)"),
        wrapped(A + "x"),
        wrapped(A + "y_(z)"),
        left("left alone in the HTML part, too"),
        text=True,
    ),
    eml(
        68,
        "nothing but text",
        _single("text/plain", "Read https://a.example/."),
        _single("text/plain", "Read {1}."),
        wrapped("https://a.example/"),
        text=True,
        pixel="no HTML part",
    ),
]

CASES = [*ATTRIBUTES, *ADDRESSES, *SCHEMES, *TAGS, *ELEMENTS, *PIXELS, *BYTES, *MESSAGES]
