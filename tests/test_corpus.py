"""Real campaign mail, whole: what is changed, what is not, and where each wrapped link leads.

The checks here share nothing with the rewriter: links come from ``oracle``, and the source is put
together again from the output alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import oracle
import pytest
from conftest import BASE, CHROME, START, Client, Clock, Inject

from pixeltrack import config, setup
from pixeltrack.collector import make_app
from pixeltrack.compile import Task, compile_mail
from pixeltrack.errors import InputError
from pixeltrack.links import Policy
from pixeltrack.pages import Pages
from pixeltrack.rewrite import Plan, plan
from pixeltrack.source import read, require_html
from pixeltrack.urls import addresses

PLACES = addresses(BASE)
ALL = Policy(PLACES.owns, wrap_sensitive=True, wrap_visible=True)
PLAIN_TEXT = "mikel+mail/03245.html"  # a text file by another name
POLICY = re.compile(
    r"opted out by |unsubscribe, preferences or view in browser|merge tag in the address"
    r"|not a valid web address"
)


@dataclass(frozen=True)
class Rewritten:
    name: str
    data: bytes
    plan: Plan
    output: bytes
    token: str
    code: str


@pytest.fixture(scope="module")
def made(corpus: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Rewritten], Client]:
    """Every mail of the corpus as a campaign of its own in one store, and a client of its collector."""
    folder = tmp_path_factory.mktemp("corpus")
    settings = config.load(options={"db": str(folder / "t.db"), "base_url": BASE}, environment={})
    workspace = setup.open_workspace(settings, create=True)
    client = Client(
        make_app(workspace.store, workspace.keyring, Pages(), settings, Clock(), commit_each=False)
    )
    found = []
    for path in corpus:
        name = f"{path.parent.name}/{path.name}"
        task = Task(plan(read(path.read_bytes(), name), ALL), name, PLACES, folder, START)
        compiled = compile_mail(task, "recipients", workspace.store, workspace.keyring)  # proves itself
        assert compiled.proof.undo
        assert compiled.proof.second_run
        workspace.store.save_campaign(compiled.draft)
        pseudonym = compiled.keys.pseudonym("reader@example.com")
        values = compiled.minter()(pseudonym)
        output = compiled.tracked.renderer()(values)
        found.append(
            Rewritten(name, path.read_bytes(), task.plan, output, values["message"], compiled.keys.code)
        )
    return found, client


def restored(mail: Rewritten) -> bytes:
    """Put the source together again from the output: our URLs go back to what stood in their place."""
    pixel = f'<img src="{BASE}/o/{mail.code}/{mail.token}.gif" width="1" height="1" alt="" border="0" />'
    without_pixel = mail.output.replace(pixel.encode(), b"", 1)
    pieces = re.split(rf"{BASE}/c/{mail.code}/\d+/{mail.token}".encode(), without_pixel)
    built, position = [pieces[0]], len(pieces[0])
    for piece in pieces[1:]:
        before = built[-1][-1:]
        ends = re.compile({b'"': rb'"', b"'": rb"'"}.get(before, rb"[\t\n\f\r >]"))
        end = ends.search(mail.data, position)
        assert end is not None, f"{mail.name}: a value without an end"
        built += [mail.data[position : end.start()], piece]
        position = end.start() + len(piece)
    return b"".join(built)


def expected_location(destination: str) -> str:
    """What a browser asks for: the host in punycode, all else percent-encoded only where it must be."""
    scheme, _, rest = destination.partition("://")
    host, slash, path = re.match(r"([^/?#]*)([/?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    host = unquote(host)
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    return f"{scheme}://{ascii_host}{slash}" + re.sub(r"[^!-~]|[\"<>`]", lambda one: quote(one[0]), path)


def test_the_corpus_is_all_there(made: tuple[list[Rewritten], Client]) -> None:
    assert len(made[0]) >= 397


def test_no_byte_changes_outside_link_values_and_pixel(made: tuple[list[Rewritten], Client]) -> None:
    for mail in made[0]:
        assert restored(mail) == mail.data, mail.name


def test_a_second_run_wraps_nothing(made: tuple[list[Rewritten], Client]) -> None:
    for mail in made[0]:
        again = plan(read(mail.output, mail.name), ALL)
        assert (again.wrapped, again.pixel_at) == ((), None), mail.name


def test_each_mail_has_exactly_one_pixel(made: tuple[list[Rewritten], Client]) -> None:
    for mail in made[0]:
        wanted = 0 if mail.plan.pixel_reason.startswith("an AMP part") else 1
        assert oracle.count_pixels(mail.output.decode("latin-1"), f"{BASE}/o/") == wanted, mail.name
    assert sum(mail.plan.pixel_at is None for mail in made[0]) <= 4


def test_every_link_a_browser_would_follow_is_wrapped_once_or_left_for_a_reason(
    made: tuple[list[Rewritten], Client],
) -> None:
    wrapped = left = 0
    for mail in made[0]:
        before = oracle.find_links(mail.data.decode("latin-1"))
        after = oracle.find_links(mail.output.decode("latin-1"))
        assert len(before) == len(after) == len(mail.plan.links), mail.name
        numbers = []
        for old, new, link in zip(before, after, mail.plan.links, strict=True):
            if new.href == old.href:
                if oracle.followable(old.href) is not None:
                    assert POLICY.match(link.reason), (mail.name, old.href, link.reason)
                    left += 1
                continue
            ours = re.fullmatch(rf"{BASE}/c/{mail.code}/(\d+)/{mail.token}", new.href)
            assert ours is not None, (mail.name, old.href, new.href)
            numbers.append(int(ours[1]))
            wrapped += 1
        assert len(set(numbers)) == len(numbers), mail.name
    assert wrapped > 5_300
    assert left < 120


def test_every_wrapped_link_leads_to_its_original(made: tuple[list[Rewritten], Client]) -> None:
    mails, client = made
    answered: Counter[str] = Counter()
    for mail in mails:
        charset = mail.plan.source.charset
        before = oracle.find_links(mail.data.decode("latin-1"))
        after = oracle.find_links(mail.output.decode("latin-1"))
        for old, new in zip(before, after, strict=True):
            if new.href == old.href:
                continue
            answer = client.get(new.href, CHROME)
            destination = oracle.followable(old.href)
            assert destination is not None
            if not destination.isascii():  # the oracle has read it one character per byte
                destination = destination.encode("latin-1").decode(charset)
            assert answer.status == "302 Found"
            assert answer.headers["Location"] == expected_location(destination), (mail.name, old.href)
            answered["plain" if answer.headers["Location"] == destination else "encoded"] += 1
    assert answered["plain"] > 5_300


def test_a_text_by_another_name_is_refused_by_the_command_alone(made: tuple[list[Rewritten], Client]) -> None:
    refused = []
    for mail in made[0]:
        try:
            require_html(mail.plan.source)
        except InputError:
            refused.append(mail.name)
    assert refused == [PLAIN_TEXT]


CONTAINERS = [  # where the corpus has no link that can be followed
    "<!--[if mso]><a href={}>Shop</a><![endif]-->",
    "<!--[if (gte mso 9)|(IE)]><table><tr><td><a href={}>Shop</a></td></tr></table><![endif]-->",
    '<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href={} arcsize="8%"><w:anchorlock/>'
    "<center>Shop</center></v:roundrect><![endif]--><!--[if !mso]><!--><a href={}>Shop</a><!--<![endif]-->",
    "<!--[if vml]><v:rect href={} /><v:shape HREF={}></v:shape><![endif]-->",
    '<map name="m"><area shape="rect" coords="0,0,9,9" alt="Shop" href={}><AREA href={} /></map>',
    "<![if !mso]><a href={}>Shop</a><![endif]>",
]
DESTINATIONS = [
    ("https://a.example/x?a=1&amp;b=2#c", "https://a.example/x?a=1&b=2#c"),
    ("//a.example:8443/%7Ex", "https://a.example:8443/%7Ex"),
    ("HTTP&#58;//U:P@A.Example/(x),y", "HTTP://U:P@A.Example/(x),y"),
    ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
]


def test_links_that_only_outlook_or_an_image_map_shows_are_wrapped_and_lead_home(
    inject: Inject, client: Client
) -> None:
    written, expected = [], []
    for container in CONTAINERS:
        for quote_mark in ('"', "'", ""):
            for href, location in DESTINATIONS:
                value = f"{quote_mark}{href}{quote_mark} "
                written.append(container.replace("{}", value))
                expected += [location] * container.count("{}")
    mail = f"<html><body>{''.join(written)}</body></html>".encode()
    made = inject("ann@x.example", mail=mail)
    (copy,) = (made.out / "html").iterdir()
    links = oracle.find_links(copy.read_text())
    assert [client.get(link.href).headers["Location"] for link in links] == expected
    assert sum(link.conditional for link in links) == 60
    assert oracle.count_pixels(copy.read_text(), f"{BASE}/o/") == 1
