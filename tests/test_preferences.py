"""What a person is told on their own page is true of them: by mode, by what they refused, and since when."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from bs4 import BeautifulSoup
from conftest import BASE, START, Client, Clock, Inject, people
from inbox import copies
from test_modes import FREE, PAIRS, mails, paths, rows
from test_pages import Outline

from pixeltrack import consentlist, objection
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.languages import day, iso_day
from pixeltrack.ledger import Entry, Purpose
from pixeltrack.model import BY_HIT, RANK, TOGETHER, Mode
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace
from pixeltrack.standing import INFORMED, UNPROVEN, Refused, Sent, standing

ANN = "ann@x.example"
TEXTS = Pages().texts["en"]
DAY = 86_400_000
EVENT = ("noted_device", "noted_network", "noted_day_number", "noted_program")
#: Which lines a page has for which mode, opens and clicks apart; it may have no other.
LINES: dict[Mode, tuple[set[str], set[str]]] = {
    "individual": ({"noted_open", *EVENT}, {"noted_click", *EVENT}),
    "pseudonymous": ({"noted_open", *EVENT}, {"noted_click", *EVENT}),
    "hygiene": ({"noted_last_day"}, set()),
    "company": (
        {"counted_hour", "counted_device", "counted_company"},
        {"counted_hour", "counted_device", "counted_company", "counted_link"},
    ),
    "aggregate": ({"counted_hour", "counted_device"}, {"counted_hour", "counted_device", "counted_link"}),
    "off": (set(), set()),
}
FIELDS = {
    key
    for key in TEXTS
    if key.startswith(("noted_", "counted_")) and key not in ("counted_for_good", "counted_stays")
}


def said(page: bytes) -> set[str]:
    """The keys of the texts that a page has, as far as they stand for themselves."""
    text = " ".join(Outline(page).text.split())
    return {key for key, words in TEXTS.items() if "{" not in words and " ".join(words.split()) in text}


def fields(page: bytes) -> set[str]:
    """The keys of the lines about what is stored."""
    items = {" ".join(each.split()) for each in _items(page)}
    return {key for key in FIELDS if TEXTS[key] in items}


def _items(page: bytes) -> list[str]:
    return [each.get_text() for each in BeautifulSoup(page, "html.parser").find_all("li")]


def page_of(client: Client, made: Any, number: int = 0) -> str:
    return str(mails(made)[number]["preferences_url"].removeprefix(BASE))


def record(workspace: Workspace, purpose: Purpose, decision: Any, at: int, **more: Any) -> None:
    subject = workspace.keyring.subject(ANN)
    entry = Entry(subject, purpose, decision, at, at, more.get("method", ""), "", more.get("wording"), "test")
    refusing = {subject: ANN} if decision != "granted" else {}
    workspace.store.record_consents([entry], refusing, more.get("text"))


# -- what is noted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opens", "clicks"), PAIRS)
def test_a_page_names_what_its_mode_stores_and_nothing_else(
    client: Client, inject: Inject, opens: Mode, clicks: Mode
) -> None:
    # Five people of one company, so that "company" does not turn into "aggregate".
    people_of_x = [f"{name}@x.example" for name in ("ann", "bob", "cy", "dee", "eve")]
    made = inject(*people_of_x, opens=opens, clicks=clicks, free=FREE, format="jsonl")
    page = client.get(page_of(client, made)).body
    mixed = not TOGETHER.issuperset({opens, clicks})  # then there are no companies
    of = {"company": "aggregate"} if mixed else {}
    told = LINES[of.get(opens, opens)][0] | LINES[of.get(clicks, clicks)][1]  # type: ignore[index]
    assert fields(page) == told
    texts = said(page)
    assert ("counted_for_good" in texts) == bool({"aggregate", "company"} & {opens, clicks})
    assert ("never_ip" in texts) == (not TOGETHER.issuperset({opens, clicks}))
    assert ("tracking_off" in texts) == (opens == clicks == "off")
    assert ("only_counted" in texts) == (told != set() and TOGETHER.issuperset({opens, clicks}))


@pytest.mark.parametrize(("opens", "clicks"), PAIRS)
def test_what_a_hit_leaves_is_no_more_than_the_page_tells(
    client: Client, inject: Inject, workspace: Workspace, opens: Mode, clicks: Mode
) -> None:
    made = inject(ANN, opens=opens, clicks=clicks, free=FREE, format="jsonl")
    page = client.get(page_of(client, made)).body
    ((pixels, links),) = paths(made)
    client.environ["REMOTE_ADDR"] = "80.1.2.3"
    for url in (*pixels, *links):
        client.get(url)
    events = rows(workspace, "select kind from events group by kind")
    counted = rows(workspace, "select kind from counters group by kind")
    told = fields(page)
    assert ((1,) in events) == ("noted_open" in told) == (opens in BY_HIT)
    assert ((2,) in events) == ("noted_click" in told) == (clicks in BY_HIT)
    assert ((2,) in counted) == ("counted_link" in told)
    assert bool(counted) == ("counted_hour" in told)
    days = rows(workspace, "select count(*) from last_opens")[0][0]
    assert bool(days) == ("noted_last_day" in told)


@pytest.mark.parametrize(
    ("changed", "there", "gone"),
    [
        ({"ip": "truncated", "ip_days": 7}, "noted_address_truncated", "never_ip"),
        ({"ip": "full", "ip_days": 7}, "noted_address_full", "never_ip"),
        ({"moment": "hour"}, "moment_hour", "noted_day_number"),
        ({"moment": "day"}, "moment_day", "noted_day_number"),
    ],
)
def test_the_settings_say_how_exactly(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    inject: Inject,
    changed: Any,
    there: str,
    gone: str,
) -> None:
    copy = copies(inject(ANN))[0]
    pages = {
        key: Client(make_app(workspace.store, workspace.keyring, Pages(), told, clock)).get(copy.preferences)
        for key, told in (("plain", settings), ("changed", replace(settings, **changed)))
    }
    assert (there in said(pages["plain"].body), gone in said(pages["plain"].body)) == (False, True)
    assert (there in said(pages["changed"].body), gone in said(pages["changed"].body)) == (True, False)


def test_another_mail_that_tells_more_is_named(client: Client, inject: Inject) -> None:
    inject(ANN, campaign="earlier")
    made = inject(ANN, campaign="later", opens="off", clicks="aggregate", free=FREE, format="jsonl")
    page = client.get(page_of(client, made)).body
    assert "more_individual" in said(page)
    assert fields(page) == {*LINES["individual"][0], *LINES["individual"][1], *LINES["aggregate"][1]}
    assert "only_counted" not in said(page)
    client.post(page_of(client, made), b"action=stop")
    assert "more_individual" not in said(client.get(page_of(client, made)).body)


def test_who_is_counted_and_refuses_is_told_that_mail_which_is_out_goes_on(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    given = {"opens": "aggregate", "clicks": "aggregate", "free": FREE, "format": "jsonl"}
    made = inject(ANN, **given)
    page = page_of(client, made)
    assert "counted_stays" not in said(client.get(page).body)
    done = client.post(page, b"action=stop").body
    assert "counted_stays" in said(done)
    assert {"tracking_off", "counted_stays", "why_stopped"} <= said(client.get(page).body)
    later = inject(ANN, campaign="later", **given)
    assert b"/o/" not in mails(later)[0]["html"].encode()  # in new mails nothing is counted


# -- since when, and why ---------------------------------------------------------------------------------


def test_an_agreement_has_its_day_its_way_and_the_very_words(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    words = "We note what you open.\n<b>Do you agree?</b> — été"
    record(
        workspace, "opens", "granted", START - 30 * DAY, method="signup form",
        wording=sha256(words.encode()).digest(), text=words.encode(),
    )  # fmt: skip
    page = client.get(copies(inject(ANN))[0].preferences).body
    outline = Outline(page)
    assert {"why_agreed", "why_nothing_assumed", "the_words"} <= said(page)
    assert outline.of("time") == [{"datetime": "2026-08-22"}]
    assert "22 August 2026" in outline.text
    assert "signup form" in outline.text
    assert words in outline.text
    assert not outline.of("b")


def test_words_that_are_not_kept_are_named_by_their_fingerprint(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    record(workspace, "clicks", "granted", START, method="form", wording=b"\x17" * 32)
    page = client.get(copies(inject(ANN))[0].preferences).body
    assert "words_elsewhere" in said(page)
    assert b"17" * 32 in page


@pytest.mark.parametrize(
    ("method", "why"),
    [("form", "why_agreed"), ("informed, no objection", "why_informed"), ("not proved", "why_unproven")],
)
def test_what_is_no_agreement_is_not_called_one(
    client: Client, workspace: Workspace, inject: Inject, method: str, why: str
) -> None:
    for purpose in ("opens", "clicks"):
        record(workspace, purpose, "granted", START, method=method)
    found = BeautifulSoup(client.get(copies(inject(ANN))[0].preferences).body, "html.parser").find_all("dd")
    assert [each.get_text().strip().partition(" · ")[0] for each in found] == [TEXTS[why]]


def test_the_names_of_the_two_are_those_of_the_ledger() -> None:
    assert INFORMED == objection.METHOD
    assert UNPROVEN == consentlist.UNPROVEN


@pytest.mark.parametrize(
    ("policy", "mode", "silenced", "why"),
    [
        ("assumed", "individual", 0, "nothing_assumed"),
        ("assumed", "off", 0, "not_measured"),
        ("assumed", "individual", 3, "list_refused"),
        ("required", "individual", 0, "nothing_dated"),
        ("required", "hygiene", 0, "nothing_free"),
        ("required", "aggregate", 0, "nothing_free"),
        ("required", "off", 0, "nothing_off"),
    ],
)
def test_nothing_on_record_is_said_to_be_just_that(policy: Any, mode: Mode, silenced: int, why: str) -> None:
    copy = Sent(1, 1, RANK[mode], RANK[mode], silenced, by_list=bool(silenced))
    choices = standing(copy, [], [], [], policy).choices
    assert [(each.why, each.at) for each in choices] == [(why, None)]


def test_what_was_stopped_here_beats_a_later_agreement_and_has_its_day() -> None:
    agreed = Entry(b"", "opens", "granted", 50, 50, "form", "", None, "")
    found = standing(
        Sent(1, 1, 5, 5), [], [Refused("opens", 40), Refused("tracking", 60)], [agreed], "assumed"
    )
    assert [(each.what, each.why, each.at) for each in found.choices] == [
        ("opens", "stopped", 40),
        ("clicks", "stopped", 60),
    ]
    assert found.measured == frozenset()


def test_of_several_entries_the_one_that_holds_is_told() -> None:
    entries = [
        Entry(b"", "clicks", decision, at, 99, "", "", None, "")
        for decision, at in (("withdrawn", 30), ("granted", 10), ("granted", 20))
    ]
    found = standing(Sent(1, 1, 5, 5), [], [], entries, "assumed")
    assert [(each.what, each.why, each.at) for each in found.choices] == [
        ("opens", "nothing_assumed", None),
        ("clicks", "withdrawn", 30),
    ]
    assert found.measured == {"opens"}


# -- a browser's signal ----------------------------------------------------------------------------------


def retargeting(workspace: Workspace) -> list[tuple[Any, ...]]:
    return rows(
        workspace,
        "select decision, method, origin from consents where purpose = 'retargeting' order by entry",
    )


@pytest.mark.parametrize("header", ["HTTP_SEC_GPC", "HTTP_DNT"])
@pytest.mark.parametrize("page", ["preferences", "unsubscribe"])
def test_a_signal_is_heard_at_once_and_put_down_with_the_next_button_once(
    client: Client, workspace: Workspace, inject: Inject, header: str, page: str
) -> None:
    copy = copies(inject(ANN))[0]
    assert not {"signal_on", "signal_to_do", "signal_done"} & said(client.get(copy.preferences).body)
    client.environ[header] = "1"
    shown = said(client.get(copy.preferences).body)
    assert {"signal_on", "signal_to_do", "refuse_retargeting"} <= shown
    assert "signal_done" not in shown
    assert retargeting(workspace) == []  # a GET changes nothing
    for _ in range(2):
        client.post(getattr(copy, page), b"action=stop-opens")
    assert retargeting(workspace) == [("denied", "browser signal", "the recipient's own page")]
    shown = said(client.get(copy.preferences).body)
    assert {"signal_on", "signal_done", "of_retargeting", "why_denied"} <= shown
    assert not {"signal_to_do", "refuse_retargeting"} & shown
    kept = rows(workspace, "select actor, action, object from trail where action = 'consent'")
    assert kept == [("recipient", "consent", "browser signal")]


@pytest.mark.parametrize("action", [b"stop", b"stop-clicks", b"data", b"erase", b"erase-now"])
def test_whichever_button_is_pressed_the_signal_is_put_down(
    client: Client, workspace: Workspace, inject: Inject, monkeypatch: pytest.MonkeyPatch, action: bytes
) -> None:
    copy = copies(inject(ANN))[0]
    client.environ["HTTP_SEC_GPC"] = "1"
    assert client.post(copy.preferences, b"action=" + action).status == "200 OK"
    assert [row[:2] for row in retargeting(workspace)] == [("denied", "browser signal")]


@pytest.mark.parametrize("wish", [b"action=no-retargeting", b"action=start", b""])
def test_the_same_by_hand_is_by_hand_and_an_unknown_wish_is_none(
    client: Client, workspace: Workspace, inject: Inject, wish: bytes
) -> None:
    copy = copies(inject(ANN))[0]
    client.environ["HTTP_SEC_GPC"] = "1"
    known = client.post(copy.preferences, wish).status == "200 OK"
    assert [row[:2] for row in retargeting(workspace)] == [("denied", "preferences page")] * known


@pytest.mark.parametrize("value", ["0", "", "true", "1, 1"])
def test_what_is_no_signal_is_none(client: Client, inject: Inject, value: str) -> None:
    client.environ["HTTP_SEC_GPC"] = value
    assert "signal_on" not in said(client.get(copies(inject(ANN))[0].preferences).body)


def test_retargeting_is_refused_by_hand_where_the_ledger_knows_of_it(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    copy = copies(inject(ANN))[0]
    assert "refuse_retargeting" not in said(client.get(copy.preferences).body)
    record(workspace, "retargeting", "granted", START - DAY, method="form")
    assert {"refuse_retargeting", "of_retargeting"} <= said(client.get(copy.preferences).body)
    assert "no_retargeting" in said(client.post(copy.preferences, b"action=no-retargeting").body)
    client.post(copy.preferences, b"action=no-retargeting")
    assert [row[:2] for row in retargeting(workspace)] == [
        ("granted", "form"),
        ("denied", "preferences page"),
    ]
    assert workspace.store.opt_outs() == {}
    assert "refuse_retargeting" not in said(client.get(copy.preferences).body)


def test_a_signal_of_somebody_who_has_no_row_is_put_down_too(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    made = inject(ANN, opens="aggregate", clicks="aggregate", free=FREE, format="jsonl")
    client.environ["HTTP_SEC_GPC"] = "1"
    client.post(page_of(client, made), b"action=stop")
    assert [row[:2] for row in retargeting(workspace)] == [("denied", "browser signal")]


# -- in which language -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "accepted", "asked", "language"),
    [
        ("fr", "de", "", "fr"),
        ("fr-CH", "de", "", "fr"),
        ("FR_ca", "de", "", "fr"),
        ("Italian", "de", "", "it"),
        ("Español", "de", "", "es"),
        ("fr", "de", "it", "it"),  # chosen on the page
        ("tlh", "de", "", "de"),
        ("", "de", "", "de"),
        ("", "tlh", "", "es"),  # what the settings say
        ("", "tlh", "xx", "es"),
        ("frisian", "tlh", "", "es"),
    ],
)
def test_the_language_is_chosen_here_else_the_lists_else_the_browsers_else_the_settings(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    inject: Inject,
    column: str,
    accepted: str,
    asked: str,
    language: str,
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), replace(settings, language="es"), clock)
    client = Client(app)
    copy = copies(inject(recipients=people(ANN, lang=column)))[0]
    client.environ |= {"HTTP_ACCEPT_LANGUAGE": accepted, "QUERY_STRING": f"lang={asked}" if asked else ""}
    for path in (copy.preferences, copy.unsubscribe):
        assert Outline(client.get(path).body).of("html") == [{"lang": language}]
    assert Outline(client.post(copy.preferences, b"action=stop").body).of("html") == [{"lang": language}]


@pytest.mark.parametrize("language", Pages().texts)
def test_a_day_is_written_as_its_language_does(language: str) -> None:
    texts = Pages().texts[language]
    written = {day(START + number * 31 * DAY, texts) for number in range(12)}
    assert len(written) == 12
    assert len(texts["months"].split(",")) == 12
    expected = {
        **{"en": "21 September 2026", "fr": "21 septembre 2026", "de": "21. September 2026"},
        **{"it": "21 settembre 2026", "es": "21 de septiembre de 2026"},
    }
    assert day(START, texts) == expected[language]
    assert iso_day(START) == "2026-09-21"


# -- GET changes nothing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_a_thousand_looks_change_nothing(
    client: Client, workspace: Workspace, inject: Inject, method: str
) -> None:
    """Rule S25: scanners follow links, whatever they ask for with them."""
    made = [
        inject(ANN, campaign="by-person", format="jsonl"),
        inject(ANN, campaign="hygiene", opens="hygiene", clicks="off", free=FREE, format="jsonl"),
        inject(ANN, campaign="counted", opens="aggregate", clicks="company", free=FREE, format="jsonl"),
    ]
    pages = [page_of(client, each) for each in made]
    pages += [mails(each)[0]["list_unsubscribe"].strip("<>").removeprefix(BASE) for each in made]
    before = dump(workspace)
    wishes = ["", "action=stop", "action=data", "action=erase-now", "List-Unsubscribe=One-Click", "lang=fr"]
    for number in range(1_000):
        client.environ["QUERY_STRING"] = wishes[number % len(wishes)]
        client.environ["HTTP_SEC_GPC"] = str(number % 2)
        answer = client.request(method, pages[number // len(wishes) % len(pages)], b"action=erase-now")
        assert answer.status[:3] == ("200" if method in ("GET", "HEAD") else "405")
        assert "Content-Disposition" not in answer.headers
    assert dump(workspace) == before


def dump(workspace: Workspace) -> list[str]:
    with closing(sqlite3.connect(workspace.store.path)) as database:
        return list(database.iterdump())
