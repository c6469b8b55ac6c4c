"""Every case of the rewriting specification, through the functions and through the command."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from cases import BASE, CASES, Case
from command import Ran, run
from conftest import START, Client, Clock
from cutting import CODE, POLICY, TOKEN, VALUES, edits_of, growth

from pixeltrack import config
from pixeltrack.collector import make_app
from pixeltrack.edits import cut_regions
from pixeltrack.errors import InputError
from pixeltrack.hrefs import location
from pixeltrack.links import fill_in
from pixeltrack.message import plan_message, refuse_signed
from pixeltrack.minting import number
from pixeltrack.model import LinkRow, Message
from pixeltrack.pages import Pages
from pixeltrack.rewrite import Plan, plan
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.source import read, require_html

# What stands in the places of a golden copy that cutting.py renders.
_OWN = {"code": CODE, "token": TOKEN, **{name: VALUES[name] for name in ("unsubscribe", "preferences")}}

every_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def test_no_case_of_the_specification_is_missing():
    assert {number for case in CASES for number in case.numbers} == set(range(1, 81))


def test_each_case_has_a_name_of_its_own():
    assert len({case.id for case in CASES}) == len(CASES)


# -- the first door: functions ----------------------------------------------------------------------


def planned(case: Case) -> Plan:
    fields = frozenset(case.fields or ())
    chosen = replace(POLICY, wrap_visible=case.wrap_visible, fields=fields)
    if case.message:
        if not case.resign_later:
            refuse_signed(case.data, "mail.eml")
        return plan_message(case.data, "mail.eml", chosen, text=case.text)
    source = read(case.data, "mail.html", case.encoding)
    require_html(source)
    return plan(source, chosen)


@every_case
def test_functions(case: Case):
    if case.refused:
        with pytest.raises(InputError, match=re.escape(case.refused)):
            planned(case)
        return
    made = planned(case)
    output = cut_regions(made.source, made.regions, edits_of(made)).renderer()(VALUES)
    if case.fields:  # personalising the text is the command's
        for name, value in case.fields.items():
            output = output.replace(f"{{{{ {name} }}}}".encode(), value.encode())
    assert output == case.expected(_OWN)
    if case.links is not None:
        assert_told(case, [(link.decision, link.reason, link.destination) for link in made.links])
    if case.pixel is not None:
        assert made.pixel_reason == case.pixel
    for link, where in case.locations.items():
        assert location(fill_in(made.links[link - 1].destination, case.fields or {})) == where


@every_case
def test_a_second_run_changes_nothing(case: Case):
    """Cases 33 and 66, for every mail."""
    if not case.refused:
        made = planned(case)
        again = made.replan(cut_regions(made.source, made.regions, edits_of(made)).renderer()(VALUES))
        assert again.changes_nothing
        assert not [link for link in again.links if link.decision == "fill"]


def assert_told(case: Case, links: Sequence[tuple[object, object, object]]) -> None:
    assert case.links is not None
    told = [(link.decision, link.reason, link.destination) for link in case.links]
    known = [
        (decision, reason, None if expected[2] is None else destination)
        for (decision, reason, destination), expected in zip(links, told, strict=True)
    ]
    assert known == told


# -- the second door: the command -------------------------------------------------------------------


@dataclass
class Folder:
    """One workspace for all cases; each is a campaign of its own."""

    path: Path
    client: Client

    def inject(self, mail: Path, *argv: str) -> Ran:
        return run(self.path, "inject", str(mail), "--base-url", BASE, *argv)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    path = tmp_path_factory.mktemp("cases")
    settings = config.load(options={"db": str(path / "pixeltrack.db"), "base_url": BASE}, environment={})
    workspace = open_workspace(settings, create=True)
    yield Folder(path, Client(make_app(workspace.store, workspace.keyring, Pages(), settings, Clock())))
    workspace.store.close()


def _options(case: Case) -> list[str]:
    switches = {
        "--text": case.text,
        "--resign-later": case.resign_later,
        "--wrap-visible-urls": case.wrap_visible,
        "--personalize": case.fields is not None,
    }
    options = [option for option, given in switches.items() if given]
    return [*options, "--encoding", case.encoding] if case.encoding else options


@dataclass(frozen=True)
class Injected:
    """What the command made of a case."""

    copy: bytes
    values: Mapping[str, str]  # what differs from copy to copy
    links: list[dict[str, object]]
    pixel: str


@every_case
def test_command(case: Case, folder: Folder):
    name = f"case-{CASES.index(case)}"
    mail = folder.path / f"{name}.{'eml' if case.message else 'html'}"
    mail.write_bytes(case.data)
    if case.refused:
        ran = _run(case, folder, mail)
        assert ran.code == 2
        assert case.refused in ran.err
        assert not (folder.path / "out" / name).exists()
        return
    made = _inject(case, folder, mail)
    assert made.copy == case.expected(made.values)
    if case.links is not None:
        assert_told(case, [(link["decision"], link["reason"], link["destination"]) for link in made.links])
    if case.pixel is not None:
        assert made.pixel == case.pixel
    for link, where in case.locations.items():
        answer = folder.client.get(f"/c/{made.values['code']}/{link}/{made.values['token']}")
        assert (answer.status, answer.headers["Location"]) == ("302 Found", where)


def _run(case: Case, folder: Folder, mail: Path) -> Ran:
    """Inject a file for a list of one person; a message for whom it is addressed to."""
    if case.message:
        return folder.inject(mail, *_options(case))
    fields = {"email": "ada@example.com", **(case.fields or {})}
    people = mail.with_suffix(".csv")
    with people.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((fields.keys(), fields.values()))
    return folder.inject(mail, "--recipients", people.name, *_options(case))


def _inject(case: Case, folder: Folder, mail: Path) -> Injected:
    ran = _run(case, folder, mail)
    assert ran.code == 0, ran.err
    out = folder.path / "out" / mail.stem
    told = json.loads((out / "manifest.json").read_bytes())
    with (out / "messages.csv").open(encoding="utf-8", newline="") as table:
        (row,) = csv.DictReader(table)
    values = {
        "code": told["code"],
        "token": row["token"],
        "unsubscribe": row["list_unsubscribe"].strip("<>").rpartition("/")[2],
        "preferences": row["preferences_url"].rpartition("/")[2],
    }
    copy = (out / row["file"]).read_bytes()
    if case.message:  # its manifest tells of several messages
        told = json.loads(folder.inject(mail, "--dry-run", "--json", *_options(case)).out)
        return Injected(copy, values, told["links"], told["pixel"])
    return Injected(copy, values, told["links"], told["pixel"]["where"])


def _found_in(message: bytes) -> Mapping[str, str]:
    """Return the code and the token that a message's parts have in them."""
    parts = [part for part in message_from_bytes(message).walk() if not part.is_multipart()]
    text = b"\n".join(part.get_payload(decode=True) for part in parts).decode("latin-1")
    found = re.search(rf"{BASE}/[co]/([a-z2-7]{{8}})/(?:\d+/)?([\w-]{{28}})", text)
    return {"code": found[1], "token": found[2]} if found else {}


# -- what is more than one mail ---------------------------------------------------------------------


def test_only_a_web_address_leaves_the_link_table(workspace: Workspace, client: Client):
    """Case 37: a destination that is none, or is none once it is filled in, is not redirected to."""
    urls = ("{{ url }}", "https://{{ url }}", "javascript:x()", "https://a.example/{{ url }}")
    rows = [LinkRow(number, number, 1, "x", url) for number, url in enumerate(urls, start=1)]
    store, keyring = workspace.store, workspace.keyring
    draft = store.draft_campaign("spring", "recipients", keyring, START).number(rows)
    keys = keyring.campaign(draft.campaign.code, draft.campaign.key_id)
    pseudonym = keys.pseudonym("ada@x.example")
    person = Message(number(pseudonym), "ada@x.example", {"url": "javascript:x()"}, True)
    store.save_messages(store.save_campaign(draft).campaign_id, [person])
    answers = [client.get(f"/c/{keys.code}/{n}/{keys.message_token(pseudonym)}") for n in (1, 2, 3, 4)]
    assert [answer.headers.get("Location") for answer in answers] == [
        *(None, None, None),
        "https://a.example/javascript%3Ax%28%29",
    ]


def test_a_mail_without_links_is_reported(folder: Folder):
    mail = folder.path / "no-links.html"
    mail.write_bytes(b"<p>Hello</p>")
    (folder.path / "no-links.csv").write_text("email\nada@example.com\n")
    told = json.loads(folder.inject(mail, "--recipients", "no-links.csv", "--json").out)
    assert told["wrapped"] == 0
    ran = folder.inject(mail, "--recipients", "no-links.csv", "--force")
    assert "0 wrapped, 0 left alone" in ran.out


@pytest.mark.parametrize("codec", ["utf-8", "iso-8859-1"])
def test_lines_of_any_length_are_quoted_printable_in_a_message(folder: Folder, codec: str):
    """Case 79: no line of a message is over 76 characters, and its HTML is the same."""
    content = f'<meta charset="{codec}"><p>{"ü, " * 400}</p><a href="https://a.example/">x</a></body>'
    mail = folder.path / f"long-{codec}.html"
    mail.write_bytes(content.encode(codec))
    (folder.path / "long.csv").write_text("email\nada@example.com\n")
    sender = ("--from", "Shop <news@example.com>", "--subject", "Hi")
    ran = folder.inject(mail, "--recipients", "long.csv", "--format", "eml", *sender)
    assert ran.code == 0, ran.err
    (copy,) = (folder.path / "out" / mail.stem).glob("eml/*.eml")
    message = copy.read_bytes()
    _headers, _blank, body = message.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    read_back = message_from_bytes(message, policy=policy.default).get_content()
    expected = content.replace("https://a.example/", "{1}").replace("</body>", "{pixel}</body>")
    case = Case((79,), "", "", expected)
    assert read_back.rstrip() == case.expected(_found_in(message)).decode()


GROWING = [
    *(
        "<a ",
        "<a href=",
        '<a href="',
        "<a href=//a.example>x</a>",
        "<!--",
        "<!--[if mso]>",
        "<b>",
        "</",
        "&#1",
    ),
    *(
        "<v:rect href=//a.example>",
        "{{ x",
        "<p>{% if a < b %}",
        "text ",
        "<a href=x>Unsubscribe",
        "https://a.",
    ),
]


@pytest.mark.parametrize("piece", GROWING)
def test_planning_is_linear(piece: str):
    """Cases 76 and 77: twice the mail takes about twice the time, whatever it is made of."""

    def work(text: str) -> None:
        plan(read(b"<p>" + text.encode(), "mail.html"), POLICY)

    assert growth(work, piece) < 3 or growth(work, piece, 200_000) < 3


def test_one_attribute_of_any_length_is_read_in_linear_time():
    def work(text: str) -> None:
        plan(
            read(f'<p><img src="data:,{text}"><a href="https://a.example/{text}">x</a>'.encode(), "m"), POLICY
        )

    assert growth(work, "iVBOR", 100_000) < 3 or growth(work, "iVBOR", 400_000) < 3
