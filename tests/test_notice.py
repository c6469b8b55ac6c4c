"""The privacy notice: true of the settings field by field, the same in each format and language, and versioned."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import html5lib
import pytest
from command import run, run_process
from conftest import CHROME, Client, Clock, Inject
from markdown_it import MarkdownIt
from mmdb import write_mmdb
from test_modes import FREE, paths
from test_pages import HOSTILE, Outline
from test_serve import Program

from pixeltrack import noticepage, noticetext, verdicts
from pixeltrack.answers import Answers
from pixeltrack.cli.notice import command
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.disclosure import disclose
from pixeltrack.languages import LANGUAGES, placeholders
from pixeltrack.model import MODES, Mode
from pixeltrack.notice import Sentence, footer_of, notice_of
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace

TEXTS = noticetext.texts_of()
TODAY = 1_795_000_000_000
PRESETS = (None, "strict", "eu", "fr", "it", "uk", "us", "us-ca")
CLICKS: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "hygiene")
NAMED: dict[str, Any] = {
    "sender": "Blue Boat Books",
    "controller": "Blue Boat Books Ltd, 3 Quay Road",
    "contact": "privacy@blueboat.example",
    "dpo": "Dr Ada Lovelace, dpo@blueboat.example",
    "privacy_policy": "https://blueboat.example/privacy?a=1&b=2",
    "data_recipients": ("Example Hosting Ltd", "Example Stats & Co"),
    "transfers": "Iceland, by the EEA agreement",
    "authority": "Example Authority, 1 Square",
}


def consent(preset: str | None) -> str:
    return "assumed" if preset in (None, "us", "us-ca") else "required"


def varied(settings: Settings) -> Iterator[Settings]:
    """Settings that differ in everything that a notice may say."""
    pairs = [
        *((mode, mode) for mode in CLICKS),
        *((mode, "off") for mode in MODES),
        *(("off", mode) for mode in CLICKS),
    ]
    for preset, (opens, clicks) in product(PRESETS, pairs):
        yield replace(settings, preset=preset, consent=consent(preset), opens=opens, clicks=clicks)  # type: ignore[arg-type]
    for ip, moment, country in product(
        ("none", "truncated", "full"), ("exact", "minute", "hour", "day"), (None, Path("c.mmdb"))
    ):
        kept = {"ip": ip, "ip_days": None if ip == "none" else 1, "moment": moment, "country_db": country}
        for preset in ("eu", "us-ca"):
            yield replace(
                settings, preset=preset, consent=consent(preset), events_days=1, consent_years=1, **kept
            )  # type: ignore[arg-type]
    yield replace(settings, **NAMED)
    yield replace(settings, consent="required")


def words(text: str) -> list[str]:
    return text.split()


class Words(HTMLParser):
    """The text of a page's content, block by block."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3", "p", "li"):
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


def of_html(page: str) -> list[str]:
    return words(Words(page).text)


def of_plain(text: str) -> list[str]:
    kept = [line.removeprefix("- ") for line in text.splitlines() if not re.fullmatch("=+|-+", line)]
    return words("\n".join(kept))


def of_markdown(text: str) -> list[str]:
    """The words as a renderer of CommonMark shows them."""
    return of_html(MarkdownIt("commonmark").render(text))


# -- what it says is what is stored ------------------------------------------------------------------------


def queries() -> dict[str, str]:
    """For each field of a notice what a database has that stores it: a number that is not 0."""
    events = "select count(*) from events where"
    label = "select network_id from networks where network"
    counters = "select count(*) from counters where"
    return {
        "f_what_both": "select count(distinct kind) = 2 and max(link) > 0 from events",
        "f_what_opens": "select count(distinct kind) = 1 and max(kind) = 1 from events",
        "f_what_clicks": "select count(distinct kind) = 1 and max(kind) = 2 and max(link) > 0 from events",
        "f_person": f"{events} (campaign_id, message) in (select campaign_id, message from messages)",
        "f_number": f"{events} (campaign_id, message) not in (select campaign_id, message from messages)",
        "f_moment_exact": f"{events} at % 60000 <> 0",
        "f_moment_hour": f"{events} at % 60000 = 0 and at % 86400000 <> 0",
        "f_moment_day": f"{events} at % 86400000 = 0",
        "f_agent": "select count(*) from agents where agent <> '' and exists (select 1 from events)",
        "f_headers": f"{events} flags <> 0",
        "f_network": f"{events} network_id in ({label} like '%google/%')",
        "f_country": f"{events} network_id in ({label} like 'DE:%')",
        "f_day_number": f"{events} address <> 0",
        "f_ip_full": "select count(*) from addresses where address = '66.249.88.2'",
        "f_ip_truncated": "select count(*) from addresses where address = '66.249.88.0'",
        "f_machine": "select count(*) from verdicts",
        "f_last_open": "select count(*) from last_opens",
        "f_hour": "select count(*) > 0 and max(link) = 0 from counters",
        "f_hour_links": f"{counters} link > 0",
        "f_class": f"{counters} class > 0",
        "f_group": f"{counters} crowd <> 0",
        "f_group_facts": "select count(*) from crowds where company <> '' and industry <> ''",
        "f_recipients": "select sum(recipients) from crowds",
        "f_address": "select count(*) from recipients where identity like '%@%' and fields like '%steel%'",
        "f_copy": "select count(*) from messages",
    }


CASES = [
    *((mode, mode, {}) for mode in CLICKS),
    *((mode, "off", {}) for mode in MODES if mode != "off"),
    *(("off", mode, {}) for mode in CLICKS if mode != "off"),
    *(
        ("individual", "individual", kept)
        for kept in (
            {"moment": "hour"},
            {"moment": "day", "country_db": None},
            {"ip": "full", "ip_days": 7},
            {"ip": "truncated", "ip_days": 7, "moment": "hour"},
        )
    ),
]


@pytest.mark.parametrize(("opens", "clicks", "kept"), CASES)
def test_each_field_that_a_mode_stores_is_in_the_notice_and_no_other(
    inject: Inject,
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    tmp_path: Path,
    opens: Mode,
    clicks: Mode,
    kept: dict[str, Any],
) -> None:
    country = write_mmdb(tmp_path / "c.mmdb", {"93.184.216.0/24": {"country_code": "DE"}})
    settings = replace(settings, **{"country_db": country, **kept, "opens": opens, "clicks": clicks})
    clock.forward(1.234)
    made = inject(
        recipients=[
            *people_of("big.example", 5, industry="steel"),
            *(
                each
                for number in range(5)
                for each in people_of(f"small{number}.example", 1, industry="steel")
            ),
        ],
        opens=opens,
        clicks=clicks,
        free=FREE,
        format="jsonl",
    )
    client = Client(make_app(workspace.store, workspace.keyring, Pages(), settings, clock))
    for address in ("93.184.216.34", "66.249.88.2"):  # at home, and Gmail's pictures
        client.environ = {"REMOTE_ADDR": address}
        for pixels, links in paths(made):
            for path in (*pixels, *links[:1]):
                client.get(path, agent=CHROME)
    verdicts.bring_up_to_date(workspace.store)
    facts = disclose(settings)
    claimed = {key for mode in {opens, clicks} - {"off"} for key in facts.fields(mode)}
    claimed |= {"f_address", "f_copy"} if facts.by_row else set()
    claimed |= set() if facts.modes else {"f_recipients"}
    with closing(sqlite3.connect(workspace.store.path)) as database:
        stored = {key for key, query in queries().items() if database.execute(query).fetchone()[0]}
    assert stored == claimed
    # what is said of a pseudonymous copy in a few words, where the same is said above it
    assert {TEXTS["en"][key] for key in claimed} <= listed(settings)


def listed(settings: Settings) -> set[str]:
    """Return every line of every list of the notice."""
    blocks = (block for section in notice_of(settings).sections for block in section.blocks)
    return {
        noticetext.filled(sentence, TEXTS["en"])
        for block in blocks
        if block.kind == "list"
        for sentence in block.sentences
    }


def people_of(domain: str, number: int, **fields: str) -> list[Any]:
    from conftest import people

    return people(*(f"p{n}@{domain}" for n in range(number)), **fields)


def test_every_field_has_its_query_and_every_query_its_field(settings: Settings) -> None:
    fields = {
        key
        for each in varied(settings)
        for mode in MODES[1:]
        for key in disclose(each).fields(mode)
        if disclose(each).axes(mode)
    }
    assert fields | {"f_address", "f_copy"} == set(queries()) | {"f_moment_minute"}


def test_a_field_that_is_not_stored_any_more_is_in_no_notice(settings: Settings) -> None:
    """Requirement P6."""
    for each in varied(settings):
        facts = disclose(each)
        possible = {key for mode in facts.modes for key in facts.fields(mode)}
        possible |= {"f_address", "f_copy"} if facts.by_row else set()
        possible |= set() if facts.modes else {"f_recipients"}
        told = {key for key in queries() if TEXTS["en"][key] in listed(each)}
        assert told == possible & set(queries())


# -- one model, three formats, five languages --------------------------------------------------------------


def test_every_language_has_every_text_with_its_placeholders() -> None:
    for language in LANGUAGES:
        assert list(TEXTS[language]) == list(TEXTS["en"])
        for key, text in TEXTS[language].items():
            assert text.strip() == text != ""
            assert placeholders(text) == placeholders(TEXTS["en"][key]), (language, key)


def test_no_text_is_there_for_nothing(settings: Settings) -> None:
    used: set[str] = set()

    def gather(value: object) -> None:
        if isinstance(value, Sentence):
            used.add(value.key)
            gather(tuple(each for _name, each in value.values))
        elif isinstance(value, tuple):
            for each in value:
                gather(each)

    for each in varied(settings):
        notice = notice_of(each)
        gather((notice.title, notice.intro, footer_of(each)))
        for section in notice.sections:
            gather((section.title, *(block.sentences for block in section.blocks)))
    beside = {"footer_preferences", "footer_unsubscribe", "footer_privacy", "version", "wording"}
    assert used | beside == set(TEXTS["en"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_three_formats_say_the_same(settings: Settings, language: str) -> None:
    texts = TEXTS[language]
    for each in list(varied(settings))[list(LANGUAGES).index(language) :: 3]:
        notice = notice_of(each)
        plain = of_plain(noticetext.plain(notice, texts))
        assert of_html(str(noticetext.html(notice, texts))) == plain
        assert of_markdown(noticetext.markdown(notice, texts)) == plain
        assert not re.search(r"\{\w*\}", " ".join(plain))


def test_lines_of_the_plain_text_are_short(settings: Settings) -> None:
    for language in LANGUAGES:
        text = noticetext.plain(notice_of(replace(settings, **NAMED)), TEXTS[language])
        assert max(map(len, text.splitlines())) <= 76
        assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_the_page_is_well_formed(settings: Settings) -> None:
    pages = Pages()
    for language in LANGUAGES:
        for each in (settings, replace(settings, **NAMED, preset="us-ca")):
            values = noticepage.page_values(each, pages, language)
            page = pages.render("privacy.html", language, **values)
            html5lib.HTMLParser(strict=True).parse(page)
            assert b"<script" not in page


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_value_is_text_and_nothing_else(settings: Settings, hostile: str) -> None:
    # Rule S9. A contact may become a link: that has a test of its own.
    def attacked_by(text: str) -> Settings:
        keys = ("sender", "controller", "dpo", "privacy_policy", "transfers", "authority")
        return replace(settings, **dict.fromkeys(keys, text), data_recipients=(text, text))  # type: ignore[arg-type]

    plain, attacked = (
        Outline(noticetext.html(notice_of(attacked_by(text)), TEXTS["en"]).encode())
        for text in ("Zoë", hostile)
    )
    assert attacked.shape() == plain.shape()
    assert attacked.text.count(hostile) == plain.text.count("Zoë") == 8
    notice = notice_of(attacked_by(hostile))
    made = noticetext.markdown(notice, TEXTS["en"]), noticetext.plain(notice, TEXTS["en"])
    assert of_markdown(made[0]) == of_plain(made[1])


@pytest.mark.parametrize("contact", ['"><script>@x</script>', "https://x.example/\"onclick='alert(1)'"])
def test_a_hostile_contact_cannot_leave_its_link(settings: Settings, contact: str) -> None:
    page = noticetext.html(notice_of(replace(settings, contact=contact)), TEXTS["en"])
    (link,) = Outline(page.encode()).of("a")
    assert link == {"href": contact if contact.startswith("https:") else f"mailto:{contact}"}


def test_a_line_break_or_control_character_of_the_settings_does_not_get_into_it(settings: Settings) -> None:
    named = replace(settings, controller="Blue\r\n- fake\x1b[31m item", sender="\udce9")
    text = noticetext.plain(notice_of(named), TEXTS["en"])
    assert "Responsible (controller): Blue - fake [31m item" in text
    assert noticetext.encoded(text)


# -- true of the settings ------------------------------------------------------------------------------------


def said_of(settings: Settings, **more: Any) -> str:
    return " ".join(words(noticetext.plain(notice_of(replace(settings, **more)), TEXTS["en"])))


@pytest.mark.parametrize(
    ("more", "there", "not_there"),
    [
        ({"events_days": 1}, "single opens and clicks: 1 day -", "180 days"),
        ({"events_days": None}, "single opens and clicks: 180 days", ""),
        ({"ip": "full", "ip_days": 7}, "IP addresses: 7 days", "- your IP address"),
        ({}, "- your IP address", "IP addresses:"),
        ({"ip": "full", "ip_days": 7, "opens": "aggregate", "clicks": "off"}, "- your IP address", "IP addresses:"),
        ({"consent_years": 1}, "and 1 year after it has ended", "3 years"),
        ({"clicks": "off"}, "how you stop it. It is not recorded which links you follow.", "Global Privacy Control"),
        ({"opens": "off"}, "It is not recorded whether you open them.", "invisible picture"),
        ({"opens": "off", "clicks": "off"}, "are not measured", "On what basis"),
        ({"opens": "aggregate", "clicks": "aggregate"}, "there is no list of the recipients in these records", "person by person"),
        ({"opens": "aggregate", "clicks": "aggregate"}, "the same for everybody.", "in your company"),
        # whoever reads a mail that is only counted cannot be told, and not be left out of the count
        ({}, "already have, but for those that are only counted", "from then on"),
        ({"opens": "company", "clicks": "aggregate"}, "holds for all mails that are made from then on", "at once"),
        ({"data_recipients": ("A", "B")}, "these get them: A; B.", ""),
        ({}, "passes them on to nobody", "Besides the sender"),
        ({"controller": None, "sender": None}, "The sender named in the mail is responsible.", "()"),
    ],
)  # fmt: skip
def test_it_says_what_the_settings_say(
    settings: Settings, more: dict[str, Any], there: str, not_there: str
) -> None:
    said = said_of(settings, **more)
    assert there in said
    assert not not_there or not_there not in said


@pytest.mark.parametrize(
    ("preset", "there", "not_there"),
    [
        ("eu", "ePrivacy Directive", "PECR"),
        ("fr", "Article 82 of the French", "wording that is not there"),
        ("fr", "only of mails that you asked for", "PECR"),
        ("fr", "CNIL, www.cnil.fr", "where you live"),
        ("it", "Article 122 of the Italian Privacy Code", "PECR"),
        ("it", "Garante per la protezione dei dati personali, www.garanteprivacy.it", "where you live"),
        ("uk", "regulation 6 PECR", "ePrivacy"),
        ("uk", "www.ico.org.uk", "where you live"),
        ("strict", "where the GDPR applies", "without asking you"),
        ("us", "unless you have said no", "GDPR"),
        ("us-ca", "In the words of the CCPA", "data protection authority"),
        ("us-ca", "sells them to nobody", "GDPR"),
        (None, "unless you have said no", "GDPR"),
    ],
)
def test_each_preset_names_its_law_and_its_authority(
    settings: Settings, preset: Any, there: str, not_there: str
) -> None:
    said = said_of(settings, preset=preset, consent=consent(preset))
    assert there in said
    assert not_there not in said


@pytest.mark.parametrize(
    ("preset", "free"),
    [
        ("eu", "counted by company, all counted together"),
        ("fr", "the day of the last open, counted by company, all counted together"),
        ("it", "all counted together"),
        ("uk", "counted by company, all counted together"),
    ],
)
def test_what_needs_no_consent_is_told_apart(settings: Settings, preset: Any, free: str) -> None:
    said = said_of(settings, preset=preset, consent="required")
    assert f" {free}: without asking you" in said
    asked = "person by person, under a number" + {"fr": ""}.get(preset, ", the day of the last open")
    assert f" {asked}{', counted by company' if preset == 'it' else ''}: only if you have agreed" in said


# -- the command ---------------------------------------------------------------------------------------------

TOML = '[consent]\npreset = "eu"\n[sender]\nname = "Blue Boat"\ncontroller = "Blue Boat Ltd"\ncontact = "p@b.example"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pixeltrack.toml").write_text(TOML)
    return tmp_path


def test_the_id_is_that_of_the_file_and_of_the_ledger(folder: Path) -> None:
    digest = run(folder, "notice", "--lang", "fr", "--id").out.strip()
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert run(folder, "notice", "--lang", "fr", "--output", "wording.txt").out == ""
    assert run(folder, "notice", "--lang", "fr").raw == (folder / "wording.txt").read_bytes()
    (folder / "list.csv").write_text(
        "email,consent,consent_at,consent_method\nada@x.example,yes,2026-03-01,form\n"
    )
    assert run(folder, "consent", "import", "list.csv", "--wording", "wording.txt").code == 0
    shown = json.loads(run(folder, "consent", "show", "ada@x.example", "--json").out)["purposes"]["opens"]
    assert shown["wording_sha256"] == digest
    assert shown["wording"].encode() == (folder / "wording.txt").read_bytes()
    assert shown["notice_versions"] == []


def test_a_registered_notice_is_known_by_its_id_alone(folder: Path) -> None:
    ran = run(folder, "notice", "--lang", "fr", "--id", "--register")
    digest = ran.out.strip()
    assert "in force: en version 1, fr version 1, de version 1, it version 1, es version 1" in ran.err
    (folder / "list.csv").write_text(
        f"email,consent,consent_at,consent_method,consent_text_id\nada@x.example,yes,2026-03-01,form,{digest}\n"
    )
    assert run(folder, "consent", "import", "list.csv").code == 0
    text = run(folder, "consent", "show", "ada@x.example").out
    assert re.search(
        rf"wording {digest}\n  privacy notice \(fr\), version 1, in force since [\d :-]+ UTC\n", text
    )
    whole = run(folder, "notice", "--lang", "fr").out.splitlines()
    assert [line.removeprefix("  | ") for line in text.splitlines() if line.startswith("  | ")] == whole


def test_the_same_settings_give_the_same_bytes(folder: Path) -> None:
    for asked in (("--lang", "de"), ("--format", "html")):
        made = {run_process(folder, "notice", *asked, PYTHONHASHSEED=seed).raw for seed in ("1", "2")}
        assert made == {run(folder, "notice", *asked).raw}


def test_a_file_is_not_written_over_but_may_stay(folder: Path) -> None:
    assert run(folder, "notice", "--output", "n.txt").code == 0
    assert run(folder, "notice", "--output", "n.txt").code == 0
    (folder / "n.txt").write_text("mine")
    assert run(folder, "notice", "--output", "n.txt").code == 2
    assert (folder / "n.txt").read_text() == "mine"


@pytest.mark.parametrize("asked", [("--footer",), ("--format", "html")])
def test_an_id_is_of_the_plain_text_alone(folder: Path, asked: tuple[str, ...]) -> None:
    assert run(folder, "notice", "--id", *asked).code == 2


def test_the_command_speaks_every_language_of_the_pages() -> None:
    (option,) = [each for each in command.params if each.name == "lang"]
    assert list(option.type.choices) == list(LANGUAGES)  # type: ignore[attr-defined]


def test_it_says_what_the_settings_lack(tmp_path: Path) -> None:
    said = run(tmp_path, "notice").err
    assert "does not name the controller and the contact" in said
    assert "consent.preset says whose holds" in said


def test_own_words_win_and_have_their_own_id(folder: Path) -> None:
    (folder / "own" / "notice").mkdir(parents=True)
    (folder / "own" / "notice" / "en.toml").write_text('title = "How we measure"\n')
    assert run(folder, "notice", "--templates", "own").out.startswith("How we measure\n==============\n")
    ids = [run(folder, "notice", "--id", *more).out for more in ((), ("--templates", "own"))]
    assert ids[0] != ids[1]
    (folder / "own" / "notice" / "en.toml").write_text('k_hits = "for ever"\n')
    assert run(folder, "notice", "--templates", "own").code == 2


# -- /privacy --------------------------------------------------------------------------------------------------


def test_the_collector_shows_what_the_command_prints_in_the_readers_language(
    folder: Path, workspace: Workspace
) -> None:
    ids = {
        language: run(folder, "notice", "--lang", language, "--id", "--db", "t.db").out.strip()
        for language in LANGUAGES
    }
    program = Program(folder)
    try:
        for language in LANGUAGES:
            for path, accepted in (
                (f"/privacy?lang={language}", "tlh"),
                ("/privacy", f"{language}-XX, en;q=0.1"),
            ):
                asked = urllib.request.Request(
                    f"http://127.0.0.1:{program.port}{path}", headers={"Accept-Language": accepted}
                )
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    page = answer.read().decode()
                assert f'<html lang="{language}">' in page
                assert ids[language] in page
                article = page.partition("<article>")[2].partition("</article>")[0]
                assert of_html(article) == of_plain(run(folder, "notice", "--lang", language).out)
                version = TEXTS[language]["version"].partition("{")[0]
                assert f"<p>{version}1" in page
    finally:
        assert program.end(signal.SIGTERM)[0] == 0


def test_versions_follow_each_other(workspace: Workspace, settings: Settings, clock: Clock) -> None:
    pages, store = Pages(), workspace.store
    one, other = settings, replace(settings, contact="new@x.example")
    for at, each, number in ((1, one, 1), (2, one, 1), (3, other, 2), (4, one, 3)):
        assert set(noticepage.register(store, each, pages, at).values()) == {number}
    french = [each for each in store.notices() if each.language == "fr"]
    assert [(each.number, each.since, each.until) for each in french] == [(1, 1, 3), (2, 3, 4), (3, 4, None)]
    assert french[0].wording == french[2].wording != french[1].wording
    assert [each.number for each in store.notices_of(french[0].wording)] == [1, 3]
    page = Client(make_app(store, workspace.keyring, pages, other, clock)).get("/privacy").body
    assert b"Version" not in page  # not the one in force
    assert (
        b"Version 3, since 1970-01-01"
        in Client(make_app(store, workspace.keyring, pages, one, clock)).get("/privacy").body
    )
    assert [link.object for link in store.trail() if link.action == "notice"] == [*LANGUAGES] * 3


def test_a_page_of_the_users_own_is_not_taken_for_it(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "privacy.html").write_text(
        "<p>{{ controller }} {{ retention_days }} {{ consent_required }}"
    )
    pages = Pages(tmp_path / "own")
    assert noticepage.register(workspace.store, settings, pages, 1) == {}
    assert workspace.store.notices() == []
    client = Client(make_app(workspace.store, workspace.keyring, pages, settings, Clock()))
    assert client.get("/privacy").body == b"<p>None 180 False"


def test_a_page_of_the_users_may_extend_ours(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "privacy.html").write_text(
        '{% extends "pixeltrack/privacy.html" %}{% block content %}{{ super() }}<p>{{ wording }}</p>{% endblock %}'
    )
    page = Client(make_app(workspace.store, workspace.keyring, Pages(tmp_path / "own"), settings, Clock()))
    text = Outline(page.get("/privacy").body).text
    assert text.count("Who is responsible") == 1
    assert text.count("Wording ") == 2


def test_texts_that_are_read_again_are_a_new_version(
    workspace: Workspace, settings: Settings, tmp_path: Path, clock: Clock
) -> None:
    pages = Pages()
    noticepage.register(workspace.store, settings, pages, 1)
    app = make_app(workspace.store, workspace.keyring, pages, settings, clock)
    before = Client(app).get("/privacy").body
    (tmp_path / "own" / "notice").mkdir(parents=True)
    (tmp_path / "own" / "notice" / "en.toml").write_text('title = "How we measure"\n')
    app.reload(workspace.keyring, Pages(tmp_path / "own"))
    newest = {each.language: each.number for each in workspace.store.notices()}
    assert newest == {**dict.fromkeys(LANGUAGES, 1), "en": 2}
    after = Client(app).get("/privacy").body
    assert (b"Version 1," in before, b"Version 2," in after) == (True, True)
    assert b"<h1>How we measure</h1>" in after


def test_each_language_is_rendered_once(workspace: Workspace, settings: Settings) -> None:
    pages = Pages()
    page = noticepage.NoticePage(workspace.store, pages, Answers(pages), settings)
    made = [page.show({"HTTP_ACCEPT_LANGUAGE": language}) for language in (*LANGUAGES, *LANGUAGES)]
    assert all(made[n] is made[n + len(LANGUAGES)] for n in range(len(LANGUAGES)))


def test_it_is_shown_when_the_database_cannot_be_read(workspace: Workspace, settings: Settings) -> None:
    client = Client(make_app(workspace.store, workspace.keyring, Pages(), settings, Clock()))
    workspace.store.path.unlink()
    answer = client.get("/privacy")
    assert answer.status == "200 OK"
    assert b"Who is responsible" in answer.body


def test_purge_leaves_versions_of_the_notice(workspace: Workspace, settings: Settings) -> None:
    noticepage.register(workspace.store, settings, Pages(), 1)
    workspace.store.purge_consents(TODAY)
    assert all(workspace.store.wording(each.wording) for each in workspace.store.notices())


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_ours_is_said_in_the_readers_language(client: Client, language: str) -> None:
    pages = {
        client.get(path, accept_language=language).body
        for path in ("/nothing", f"/c/{'a' * 8}/1/{'b' * 28}", f"/u/{'a' * 40}", f"/p/{'a' * 40}", "/p/x")
    }
    (page,) = pages
    assert f'<html lang="{language}">'.encode() in page
    heading = Outline(page).text
    assert (language == "en") is ("This link leads nowhere" in heading)
