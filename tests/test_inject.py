"""inject: what each recipient's copy is, and what the command writes and says."""

from __future__ import annotations

import csv
import json
import re
import signal
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from command import Ran, clean_environment, run, run_process, snapshot
from conftest import BASE, MAIL, Client, Inject, people
from oracle import find_links

from pixeltrack import config
from pixeltrack.errors import InputError, StoreError
from pixeltrack.inject import Summary
from pixeltrack.model import EventKind
from pixeltrack.setup import Workspace

ADA, BOB = "ada@example.com", "bob@example.com"
LIST = f"email,first_name,consent\n{ADA},Ada,granted\n{BOB},Bob,denied\ncy@example.com,<Cy>,\n".encode()
BASE_URL = ("--base-url", BASE)


def _copies(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "html").iterdir())]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "messages.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _hrefs(copy: bytes) -> list[str]:
    return [link.href for link in find_links(copy.decode())]


def _pixel(copy: bytes) -> str:
    (source,) = re.findall(r'<img src="([^"]*)"', copy.decode())
    return source


def _hits(workspace: Workspace, campaign: str = "spring") -> list[tuple[int, int]]:
    """(kind, link) of every hit on record."""
    found = workspace.store.events(workspace.store.campaign(campaign).campaign_id)
    return [(kind, link) for _message, _at, kind, link, _agent, _flags in found]


# -- the copies -------------------------------------------------------------------------------------


def test_there_is_one_file_for_each_recipient_and_each_is_different(inject: Inject):
    summary = inject(ADA, BOB, "cy@example.com")
    assert (summary.messages, len(set(_copies(summary.out)))) == (3, 3)
    assert summary.bytes == sum(map(len, _copies(summary.out)))


def test_only_link_values_and_the_pixel_differ_from_the_source(inject: Inject):
    (copy,) = _copies(inject(ADA).out)
    first, second, unsubscribe, preferences = (href.encode() for href in _hrefs(copy))
    pixel = re.search(rb"<img [^>]*>", copy)
    assert pixel is not None
    restored = (
        copy.replace(pixel[0], b"")
        .replace(first, b"https://shop.example/a?x=1&amp;y=2")
        .replace(second, b"https://shop.example/b#part")
        .replace(unsubscribe, b"pixeltrack:unsubscribe")
        .replace(preferences, b"pixeltrack:preferences")
    )
    assert restored == MAIL


def test_each_link_of_a_copy_leads_where_the_source_led(inject: Inject, client: Client):
    (copy,) = _copies(inject(ADA).out)
    first, second, unsubscribe, preferences = _hrefs(copy)
    assert client.get(first).headers["Location"] == "https://shop.example/a?x=1&y=2"
    assert client.get(second).headers["Location"] == "https://shop.example/b#part"
    assert b"nsubscribe" in client.get(unsubscribe).body
    assert client.get(preferences).status == "200 OK"
    assert "X-Pixeltrack" not in client.get(_pixel(copy)).headers


def test_an_untracked_copy_is_the_source_but_for_its_filled_placeholders(inject: Inject, client: Client):
    (copy,) = _copies(inject(recipients=people(BOB, consent="denied")).out)
    _first, _second, unsubscribe, preferences = (href.encode() for href in _hrefs(copy))
    assert copy == MAIL.replace(b"pixeltrack:unsubscribe", unsubscribe).replace(
        b"pixeltrack:preferences", preferences
    )
    assert client.get(unsubscribe.decode()).status == "200 OK"


def test_an_untracked_copy_without_placeholders_is_the_source(inject: Inject):
    mail = b"\xff<p>a<a href=http://x.example>b</a>\r\n</p>\x80"
    assert _copies(inject(recipients=people(BOB, consent="denied"), mail=mail).out) == [mail]


def test_a_list_that_turns_to_denied_silences_mail_already_sent(
    inject: Inject, client: Client, workspace: Workspace
):
    (sent,) = _copies(inject(ADA).out)
    inject(recipients=people(ADA, consent="denied"), campaign="summer")
    assert client.get(_hrefs(sent)[0]).headers["Location"] == "https://shop.example/a?x=1&y=2"
    assert client.get(_pixel(sent)).status == "200 OK"
    assert _hits(workspace) == []


def test_under_required_consent_only_a_grant_is_tracked(inject: Inject):
    recipients = [
        *people(ADA, consent="granted"),
        *people(BOB, consent="unknown"),
        *people("cy@example.com", consent="denied"),
    ]
    summary = inject(recipients=recipients, policy="required")
    assert [row["tracked"] for row in _rows(summary.out)] == ["yes", "no", "no"]
    assert [b"<img" in copy for copy in _copies(summary.out)] == [True, False, False]


def test_people_who_unsubscribed_get_no_copy_and_those_who_stopped_tracking_an_untracked_one(
    inject: Inject, client: Client
):
    rows = _rows(inject(ADA, BOB, "cy@example.com").out)
    client.post(rows[0]["list_unsubscribe"].strip("<>"), b"List-Unsubscribe=One-Click")
    client.post(rows[1]["preferences_url"], b"action=stop")
    summary = inject(ADA, BOB, "cy@example.com", campaign="summer")
    assert [(row["email"], row["tracked"]) for row in _rows(summary.out)] == [
        (BOB, "no"),
        ("cy@example.com", "yes"),
    ]
    assert summary.modes == {
        ("suppressed", "off", "off", "unsubscribed"): 1,
        ("untracked", "off", "off", "stopped tracking"): 1,
        ("tracked", "individual", "individual", "consent granted"): 1,
    }
    assert len(_copies(summary.out)) == 2


def test_the_same_run_again_writes_the_same_bytes(inject: Inject):
    out = inject(ADA, BOB).out
    first = snapshot(out)
    inject(ADA, BOB)
    assert snapshot(out) == first


def test_nothing_of_the_recipient_can_be_read_in_a_copy(inject: Inject):
    (copy,) = _copies(inject(ADA, mail=b'<p><a href="https://shop.example/">x</a></p>').out)
    assert b"ada" not in copy.lower()
    assert b"shop.example" not in copy


def test_a_changed_mail_keeps_the_old_links_alive(inject: Inject, client: Client):
    (old,) = _copies(inject(ADA).out)
    changed = MAIL.replace(b"https://shop.example/a?x=1&amp;y=2", b"https://shop.example/new")
    (new,) = _copies(inject(ADA, mail=changed).out)
    assert client.get(_hrefs(old)[0]).headers["Location"] == "https://shop.example/a?x=1&y=2"
    assert client.get(_hrefs(new)[0]).headers["Location"] == "https://shop.example/new"
    assert _hrefs(old)[1] == _hrefs(new)[1]


# -- messages.csv and manifest.json -----------------------------------------------------------------


def test_messages_csv_says_what_to_send_to_whom(inject: Inject, workspace: Workspace):
    summary = inject(recipients=[*people("Ada@Example.com"), *people(BOB, consent="denied")])
    assert stat.S_IMODE((summary.out / "messages.csv").stat().st_mode) == 0o600
    ada, bob = _rows(summary.out)
    assert list(ada) == [
        *("email", "file", "tracked", "token"),
        *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
    ]
    assert (ada["email"], ada["tracked"], bob["email"], bob["tracked"]) == (
        "Ada@Example.com",
        "yes",
        BOB,
        "no",
    )
    for row in (ada, bob):
        assert re.fullmatch(r"html/00000[12]-[0-9a-f]{6}\.html", row["file"])
        assert row["list_unsubscribe_post"] == "List-Unsubscribe=One-Click"
        copy = (summary.out / row["file"]).read_bytes()
        assert _hrefs(copy)[2:] == [row["list_unsubscribe"].strip("<>"), row["preferences_url"]]
    assert f"/{ada['token']}" in _hrefs((summary.out / ada["file"]).read_bytes())[0]
    assert workspace.keyring.verify_tracking(summary.code, ada["token"]) is not None
    assert bob["token"] == ""


def test_list_unsubscribe_verifies_and_names_its_recipient(inject: Inject, workspace: Workspace):
    for row in _rows(inject(ADA, BOB).out):
        found = re.fullmatch(rf"<{BASE}/u/([A-Za-z0-9_-]{{40}})>", row["list_unsubscribe"])
        assert found is not None
        person = workspace.keyring.verify_personal("unsubscribe", found[1])
        assert person is not None
        owner = workspace.store.owner(person.code, person.pseudonym)
        assert owner is not None
        assert owner.identity == row["email"]


def test_the_manifest_tells_what_was_done_to_each_link(inject: Inject):
    summary = inject(ADA, BOB)
    manifest = json.loads((summary.out / "manifest.json").read_text("utf-8"))
    links, undo = manifest.pop("links"), manifest.pop("undo")
    assert undo["sha256"] == sha256(MAIL).hexdigest()
    assert manifest == {
        "pixeltrack_manifest": 1,
        "campaign": "spring",
        "code": summary.code,
        "kind": "recipients",
        "format": "html",
        "base_url": BASE,
        "source": {
            "name": "mail.html",
            "bytes": len(MAIL),
            "sha256": sha256(MAIL).hexdigest(),
            "charset": "utf-8",
        },
        "messages": 2,
        "pixel": {"offset": MAIL.index(b"</body>"), "where": "before </body>"},
        "checks": {
            "undo_is_identical": True,
            "second_run_changes_nothing": True,
            "audit": summary.proof.audit,
        },
    }
    assert [(link["decision"], link["number"], link["destination"]) for link in links] == [
        ("wrap", 1, "https://shop.example/a?x=1&y=2"),
        ("wrap", 2, "https://shop.example/b#part"),
        ("fill", None, "pixeltrack:unsubscribe"),
        ("fill", None, "pixeltrack:preferences"),
    ]
    assert links[0] == {
        "position": 1,
        "number": 1,
        "line": 3,
        "column": 1,
        "tag": "a",
        "text": "First",
        "destination": "https://shop.example/a?x=1&y=2",
        "written": "https://shop.example/a?x=1&amp;y=2",
        "decision": "wrap",
        "reason": "web link",
    }


# -- fields in the mail -----------------------------------------------------------------------------

GREETING = b'<p>Hi {{ first_name }}!\r\n<a href="https://shop.example/">x</a> {{ unsubscribe_url }}</p>'


def test_personalize_fills_in_fields_escaped_and_changes_nothing_else(inject: Inject):
    summary = inject(recipients=people(ADA, first_name="<A&da>"), mail=GREETING, personalize=True)
    (copy,) = _copies(summary.out)
    unsubscribe = _rows(summary.out)[0]["list_unsubscribe"].strip("<>").encode()
    assert b">x</a> " + unsubscribe + b"</p><img " in copy
    assert copy.startswith(b"<p>Hi &lt;A&amp;da&gt;!\r\n<a href=")


def test_without_personalize_merge_tags_stay(inject: Inject):
    (copy,) = _copies(inject(recipients=people(ADA, first_name="Ada"), mail=GREETING).out)
    assert b"Hi {{ first_name }}!" in copy


def test_a_missing_field_stops_the_run_and_names_the_line(inject: Inject, tmp_path: Path):
    recipients = [*people(ADA, first_name="Ada"), *people("x@example.com", BOB)[1:]]
    with pytest.raises(InputError, match=r"list\.csv line 3: .*'first_name' is undefined"):
        inject(recipients=recipients, mail=GREETING, personalize=True)
    assert not (tmp_path / "out" / "spring").exists()


def test_nothing_is_stored_when_the_run_fails(inject: Inject, workspace: Workspace):
    with pytest.raises(InputError):
        inject(ADA, mail=GREETING, personalize=True)
    assert workspace.store.campaigns() == []


# -- the command ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a newcomer has it: a mail and a list."""
    (tmp_path / "campaign.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_bytes(LIST)
    return tmp_path


def _inject(folder: Path, *argv: str, stdin: bytes = b"", **environment: str) -> Ran:
    ran = run(folder, "inject", "campaign.html", *argv, stdin=stdin, **environment)
    assert ran.code == 0, ran.err
    return ran


def test_what_a_newcomer_forgets_is_said(folder: Path):
    """A tag that only --personalize fills in; a list without consent where settings ask for it."""
    (folder / "campaign.html").write_bytes(
        MAIL.replace(b"<body>", b"<body>{{ first_name|title }} {{ other }}")
    )
    (folder / "list.csv").write_text("email,first_name\nann@x.example,Ann\n")
    run(folder, "init", "--preset", "eu")
    settings = folder / "pixeltrack.toml"
    settings.write_text(settings.read_text().replace("# con", "con"))
    ran = _inject(folder, "--recipients", "list.csv")
    assert "campaign.html has {{ first_name }} in it, a column of the list" in ran.err
    assert "the list needs a column consent that says granted" in ran.out
    (folder / "campaign.html").write_bytes(MAIL.replace(b"<body>", b"<body>{{ first_name|title }}"))
    (folder / "list.csv").write_text("email,first_name,consent\nann@x.example,Ann,yes\nbob@x.example,Bob,\n")
    ran = _inject(folder, "--recipients", "list.csv", "--personalize", "--force")
    assert "{{" not in ran.err
    assert "1 untracked: no consent on record" in ran.out
    assert "the list needs" not in ran.out


@pytest.mark.parametrize(
    ("format_name", "said"),
    [
        ("jsonl", "Send them by a program of yours: each line of messages.jsonl is a message, and for whom."),
        (
            "mbox",
            "Deliver them with your own mail system; out/campaign/messages.csv has everybody's headers and token.",
        ),
    ],
)
def test_what_to_do_next_fits_the_format(folder: Path, format_name: str, said: str):
    whole = ("--from", "news@shop.example", "--subject", "Spring") if format_name == "mbox" else ()
    ran = _inject(folder, "--recipients", "list.csv", "--format", format_name, *whole)
    assert ran.out.splitlines()[-1] == said


def test_a_list_gives_a_copy_for_each_line_and_a_summary(folder: Path):
    ran = run_process(folder, "inject", "campaign.html", "--recipients", "list.csv", *BASE_URL)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "campaign: 3 messages in out/campaign/html",
        "  links   2 wrapped, 0 left alone, 2 filled in with pages of your collector  (--dry-run lists them)",
        "  pixel   before </body>",
        "  people  1 tracked: consent granted",
        "  people  1 tracked: not refused",
        "  people  1 untracked: consent denied",
        "  checks  undo is identical, a second run changes nothing, 15 nodes and 4 links read alike by"
        " BeautifulSoup",
        "Send them with your own mail program; out/campaign/messages.csv says which file goes to whom.",
    ]
    assert ran.err.splitlines() == [
        "Warning: the pixel is the only image in a short mail of 38 characters; spam filters score that; add a"
        " picture or more text, or count clicks only: --pixel none",
        "created pixeltrack.key (key file; keep a copy of it)",
        "created pixeltrack.db (database)",
        "assumed: everybody may be tracked who has not refused; pixeltrack init --preset eu changes that",
    ]
    assert [row["email"] for row in _rows(folder / "out" / "campaign")] == [ADA, BOB, "cy@example.com"]


def test_first_commands_at_the_same_moment_share_one_key(folder: Path):
    argv = [sys.executable, "-m", "pixeltrack", "inject", "campaign.html", "-q", "--campaign"]
    names = ["a", "b", "c", "d"]
    runs = [subprocess.Popen([*argv, name], cwd=folder, env=clean_environment()) for name in names]
    assert [run.wait(30) for run in runs] == [0] * 4
    report = json.loads(run(folder, "report", "--json").out)
    assert sorted(each["campaign"] for each in report) == names


def test_an_interrupted_first_run_leaves_nothing_behind(folder: Path):
    rows = "".join(f"reader{number}@example.com\n" for number in range(100_000))
    (folder / "list.csv").write_text(f"email\n{rows}")
    before = snapshot(folder)
    argv = [sys.executable, "-m", "pixeltrack", "inject", "campaign.html", "--recipients", "list.csv"]
    program = subprocess.Popen(argv, cwd=folder, env=clean_environment(), stderr=subprocess.PIPE)
    while not list(folder.glob("out/.campaign.partial-*/html/*")):
        assert program.poll() is None
    program.send_signal(signal.SIGINT)
    assert program.communicate()[1].endswith(b"Interrupted.\n")
    assert program.returncode == 130
    assert snapshot(folder) == before


def test_what_was_assumed_is_not_said_to_who_has_a_settings_file(folder: Path):
    (folder / "pixeltrack.toml").write_text(f'base_url = "{BASE}"\n')
    ran = _inject(folder, "--recipients", "list.csv")
    assert "assumed" not in ran.err
    assert "Warning: links go to" not in ran.err


@pytest.mark.parametrize(
    "written",
    [
        LIST,
        LIST.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + LIST.replace(b",", b";"),
        b'{"email": "ada@example.com"}\n{"email": "bob@example.com", "consent": false}\n'
        b'{"email": "cy@example.com"}\n',
    ],
    ids=["csv", "crlf", "bom", "json"],
)
@pytest.mark.parametrize("by", ["stdin", "file"])
def test_a_list_may_come_from_standard_input_and_as_json_lines(folder: Path, written: bytes, by: str):
    (folder / "list.csv").write_bytes(written)
    _inject(folder, "--recipients", "-" if by == "stdin" else "list.csv", stdin=written)
    assert [row["tracked"] for row in _rows(folder / "out" / "campaign")] == ["yes", "no", "yes"]


def test_standard_input_is_utf8_whatever_the_locale(folder: Path):
    written = "email,name\nada@bücher.example,Zoë\n".encode()
    arguments = ("inject", "campaign.html", "--recipients", "-", "--personalize")
    (folder / "campaign.html").write_bytes(b"<p>{{ name }}</p>")
    ran = run_process(folder, *arguments, stdin=written, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert ran.code == 0, ran.err
    assert "Zoë".encode() in _copies(folder / "out" / "campaign")[0]


def test_a_fault_on_standard_input_names_it(folder: Path):
    ran = run(folder, "inject", "campaign.html", "--recipients", "-", stdin=b"email\nada\n")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        "Error: standard input line 2: 'ada' is not an email address",
    )


def test_personalize_by_command(folder: Path):
    (folder / "campaign.html").write_bytes(GREETING)
    _inject(folder, "--recipients", "list.csv", "--personalize")
    assert [copy.split(b"!")[0] for copy in _copies(folder / "out" / "campaign")] == [
        b"<p>Hi Ada",
        b"<p>Hi Bob",
        b"<p>Hi &lt;Cy&gt;",
    ]


def test_merged_duplicates_get_one_message_with_the_stricter_consent(folder: Path):
    (folder / "list.csv").write_bytes(LIST + b"ADA@example.com,Other,no\n")
    _inject(folder, "--recipients", "list.csv", "--duplicates", "merge")
    rows = _rows(folder / "out" / "campaign")
    assert [(row["email"], row["tracked"]) for row in rows][:1] == [(ADA, "no")]
    assert len(rows) == 3


def test_the_campaign_is_named_after_the_file_and_the_folder_after_the_campaign(folder: Path):
    (folder / "Mail Nr.1.html").write_bytes(MAIL)
    ran = run(folder, "inject", "Mail Nr.1.html", "--json")
    assert (json.loads(ran.out)["campaign"], json.loads(ran.out)["out"]) == ("Mail Nr.1", "out/Mail-Nr.1")
    ran = _inject(folder, "--campaign", "../Früh ling", "--json")
    assert (json.loads(ran.out)["campaign"], json.loads(ran.out)["out"]) == ("../Früh ling", "out/Früh-ling")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["Früh-ling", "Mail-Nr.1"]


def test_links_to_this_machine_are_warned_about(folder: Path):
    said = (
        "Warning: links go to http://127.0.0.1:8000, which only this machine can reach; for mail to others"
        " give --base-url https://track.example.com\n"
    )
    assert said in _inject(folder).err
    assert "Warning: links go to" not in _inject(folder, PIXELTRACK_BASE_URL=BASE).err
    assert "Warning: links go to" not in _inject(folder, *BASE_URL).err


def test_a_mail_that_is_injected_already_stays_as_it_is(folder: Path):
    _inject(folder)
    (wrapped,) = _copies(folder / "out" / "campaign")
    (folder / "campaign.html").write_bytes(wrapped)
    assert "is injected already, or has nothing to inject" in _inject(folder).err
    assert _copies(folder / "out" / "campaign") == [wrapped]


def test_quiet_prints_nothing(folder: Path):
    assert _inject(folder, "--quiet", "--recipients", "list.csv") == Ran(0, "", "")


def test_json_is_all_of_standard_output(folder: Path):
    ran = _inject(folder, "--json", "--recipients", "list.csv", *BASE_URL)
    summary = json.loads(ran.out)
    assert [finding["rule"] for finding in summary.pop("findings")] == ["only-image"]
    out = folder / "out" / "campaign"
    both, neither = ({"opens": mode, "clicks": mode} for mode in ("individual", "off"))
    assert summary == {
        "campaign": "campaign",
        "code": json.loads((out / "manifest.json").read_text("utf-8"))["code"],
        "out": "out/campaign",
        "format": "html",
        "messages": 3,
        "bytes": sum(map(len, _copies(out))),
        "earlier_messages": 0,
        "wrapped": 2,
        "recipients": [
            {"outcome": "tracked", **both, "reason": "consent granted", "people": 1},
            {"outcome": "untracked", **neither, "reason": "consent denied", "people": 1},
            {"outcome": "tracked", **both, "reason": "not refused", "people": 1},
        ],
    }
    assert "created pixeltrack.db" in ran.err


def test_force_writes_over_an_earlier_run_and_keeps_what_is_not_ours(folder: Path):
    _inject(folder, "--recipients", "list.csv")
    (folder / "out" / "campaign" / "notes.txt").write_text("mine")
    (folder / "list.csv").write_text(f"email\n{ADA}\n")
    _inject(folder, "--recipients", "list.csv", "--force")
    assert len(_copies(folder / "out" / "campaign")) == 1
    assert (folder / "out" / "campaign" / "notes.txt").read_text() == "mine"


# -- preview ----------------------------------------------------------------------------------------

HINT = (
    "This is a preview: its links work, and are never counted. For real ones give --recipients list.csv, or"
    " --merge-tag '*|UNIQID|*' for your mail system's own tag."
)


def test_the_first_command_in_an_empty_folder_makes_a_preview(tmp_path: Path):
    (tmp_path / "campaign.html").write_bytes(MAIL)
    ran = run_process(tmp_path, "inject", "campaign.html")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, HINT)
    assert sorted(snapshot(tmp_path)) == [
        *("campaign.html", "out", "out/campaign", "out/campaign/html", "out/campaign/html/preview.html"),
        *("out/campaign/manifest.json", "pixeltrack.db", "pixeltrack.key"),
    ]


def test_a_preview_is_replaced_without_force_by_another_and_by_the_real_run(folder: Path):
    _inject(folder)
    (folder / "campaign.html").write_bytes(MAIL.replace(b"Hello", b"Hullo"))
    _inject(folder)
    (copy,) = _copies(folder / "out" / "campaign")
    assert b"Hullo" in copy
    _inject(folder, "--recipients", "list.csv")
    assert len(_copies(folder / "out" / "campaign")) == 3


def test_a_preview_works_and_counts_for_nobody(
    folder: Path, workspace: Workspace, client: Client, settings: config.Settings
):
    _inject(folder, "--db", str(settings.db), "--campaign", "spring", *BASE_URL)
    (copy,) = _copies(folder / "out" / "spring")
    first, _second, unsubscribe, preferences = _hrefs(copy)
    assert client.get(first).headers["Location"] == "https://shop.example/a?x=1&y=2"
    assert client.get(_pixel(copy)).status == "200 OK"
    for address in (unsubscribe, preferences):
        assert b"preview" in client.get(address).body
    client.post(unsubscribe)
    assert workspace.store.opt_outs() == {}
    ran = run(folder, "report", "--db", str(settings.db), "--campaign", "spring", "--json")
    report = json.loads(ran.out)
    assert (report["opens"]["total"], report["clicks"]["total"], report["preview_hits"]) == (0, 0, 2)


# -- merge tags -------------------------------------------------------------------------------------

TAG = "*|UNIQID|*"
PLAIN = b'<p><a href="https://shop.example/a">A</a> <a href="https://shop.example/b">B</a></p>'


@pytest.fixture
def template(folder: Path, workspace: Workspace, settings: config.Settings) -> str:
    (folder / "campaign.html").write_bytes(PLAIN)
    ran = _inject(folder, "--db", str(settings.db), "--campaign", "spring", "--merge-tag", TAG, *BASE_URL)
    assert ran.out.splitlines()[-1] == (
        f"Upload it to your mail system, which puts each recipient's id where {TAG} stands."
    )
    (copy,) = _copies(folder / "out" / "spring")
    return copy.decode()


def test_a_template_has_the_tag_in_each_url_of_ours(template: str):
    urls = [*_hrefs(template.encode()), _pixel(template.encode())]
    assert len(urls) == 3
    assert all(url.startswith(BASE) and url.count(TAG) == 1 for url in urls)


def test_a_filled_in_template_counts_for_whom_it_was_filled_in(
    template: str, client: Client, workspace: Workspace
):
    for who in ("a1b2c3", "0"):
        copy = template.replace(TAG, who).encode()
        assert client.get(_hrefs(copy)[1]).headers["Location"] == "https://shop.example/b"
        assert "X-Pixeltrack" not in client.get(_pixel(copy)).headers
    assert sorted(_hits(workspace)) == [(EventKind.OPEN, 0)] * 2 + [(EventKind.CLICK, 2)] * 2
    campaign = workspace.store.campaign("spring")
    assert len({event[0] for event in workspace.store.events(campaign.campaign_id)}) == 2


def test_a_template_that_nobody_filled_in_redirects_and_does_not_count(
    template: str, client: Client, workspace: Workspace
):
    copy = template.encode()
    assert client.get(_hrefs(copy)[0]).headers["Location"] == "https://shop.example/a"
    assert client.get(_pixel(copy)).headers["X-Pixeltrack"] == "not counted: merge tag not filled in"
    assert _hits(workspace) == []


@pytest.mark.parametrize("tag", ["{{ contact.id }}", "%%subscriberid%%", "[[ID]]", "${id}", "{$id}"])
def test_the_tags_of_the_usual_mail_systems_can_be_given(folder: Path, tag: str):
    (folder / "campaign.html").write_bytes(PLAIN)
    _inject(folder, "--merge-tag", tag)
    assert _copies(folder / "out" / "campaign")[0].decode().count(tag) == 3


def test_a_campaign_stays_of_its_kind(inject: Inject, folder: Path, settings: config.Settings):
    summary: Summary = inject(ADA)
    (folder / "campaign.html").write_bytes(PLAIN)
    arguments = ("--db", str(settings.db), "--merge-tag", TAG, "--out", "other")
    ran = run(folder, "inject", "campaign.html", "--campaign", summary.campaign, *arguments)
    assert ran.code == StoreError.exit_code
    assert "campaign 'spring' exists as one of another kind (recipients, not merge)" in ran.err
    assert not (folder / "other").exists()


# -- dry run ----------------------------------------------------------------------------------------


def test_a_dry_run_lists_each_link_with_decision_and_reason_and_writes_nothing(folder: Path):
    before = snapshot(folder)
    ran = _inject(folder, "--dry-run", COLUMNS="140")
    assert [line.split() for line in ran.out.splitlines() if line.strip()] == [
        ["#", "line", "what", "text", "destination", "why"],
        ["─" * len(ran.out.splitlines()[2].strip())],
        ["1", "3", "wrap", "First", "https://shop.example/a?x=1&y=2", "web", "link"],
        ["2", "4", "wrap", "Second", "https://shop.example/b#part", "web", "link"],
        ["3", "5", "fill", "Unsubscribe", "pixeltrack:unsubscribe", "unsubscribe"],
        ["4", "5", "fill", "Preferences", "pixeltrack:preferences", "preferences"],
        ["pixel:", "before", "</body>"],
    ]
    assert (ran.err, snapshot(folder)) == ("", before)


def test_a_dry_run_as_json(folder: Path):
    (folder / "campaign.html").write_bytes(b'<p><a href="mailto:a@b.example"><b>Ask</b> us</a></p>')
    before = snapshot(folder)
    assert json.loads(_inject(folder, "--dry-run", "--json").out) == {
        "links": [
            {
                "number": 1,
                "line": 1,
                "column": 4,
                "tag": "a",
                "text": "Ask us",
                "destination": "mailto:a@b.example",
                "decision": "leave",
                "reason": "mailto: link",
            }
        ],
        "pixel": "at the end",
    }
    assert snapshot(folder) == before


def test_a_dry_run_works_beside_an_earlier_run_and_reads_the_list(folder: Path):
    _inject(folder, "--recipients", "list.csv")
    _inject(folder, "--recipients", "list.csv", "--dry-run")
    (folder / "list.csv").write_text("email\nada\n")
    ran = run(folder, "inject", "campaign.html", "--recipients", "list.csv", "--dry-run")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "Error: list.csv line 2: 'ada' is not an email address")


# -- what may be a mistake --------------------------------------------------------------------------


def test_a_mail_that_nobody_can_stop_is_warned_of(folder: Path):
    own = '<a href="https://shop.example/unsubscribe">Unsubscribe</a>'
    (folder / "campaign.html").write_text(f'<p><a href="https://shop.example/">Shop</a> {own}</p>')
    warning = "Warning: the mail gives its readers no way to stop tracking"
    assert warning in _inject(folder, "--recipients", "list.csv").err
    assert warning not in _inject(folder, "--campaign", "preview").err
    for link in ("pixeltrack:preferences", "pixeltrack:unsubscribe"):
        (folder / "campaign.html").write_text(f'<p><a href="{link}">Stop</a></p>')
        assert warning not in _inject(folder, "--recipients", "list.csv", "--force").err
    (folder / "campaign.html").write_text(f"<p>{{{{ preferences_url }}}} {own}</p>")
    assert warning in _inject(folder, "--recipients", "list.csv", "--force").err
    assert warning not in _inject(folder, "--recipients", "list.csv", "--force", "--personalize").err


def test_a_list_of_which_nobody_is_left_makes_nothing(
    folder: Path, settings: config.Settings, client: Client
):
    (folder / "list.csv").write_text(f"email\n{ADA}\n")
    options = ("--recipients", "list.csv", "--db", str(settings.db), *BASE_URL)
    _inject(folder, *options)
    client.post(_rows(folder / "out" / "campaign")[0]["list_unsubscribe"].strip("<>"))
    ran = run(folder, "inject", "campaign.html", *options, "--campaign", "next")
    assert (ran.code, ran.out) == (1, "")
    assert "nobody to write to: everybody in list.csv has unsubscribed" in ran.err
    assert not (folder / "out" / "next").exists()
    assert "next" not in run(folder, "report", "--db", str(settings.db)).out


def test_messages_of_earlier_runs_that_still_count_are_told(folder: Path):
    _inject(folder, "--recipients", "list.csv", "--campaign", "k")
    (folder / "right.csv").write_text("email\nnew@example.com\n")
    ran = _inject(folder, "--recipients", "right.csv", "--campaign", "k", "--force")
    assert "earlier 3 messages of this campaign that are not on this list still count" in ran.out


def test_the_mails_of_another_campaign_are_never_replaced(folder: Path):
    _inject(folder, "--recipients", "list.csv", "--campaign", "a/b")
    ran = run(folder, "inject", "campaign.html", "--recipients", "list.csv", "--campaign", "a b", "--force")
    assert ran.code == 2
    assert "holds the mails of campaign 'a/b'" in ran.err


def test_a_page_of_ours_that_is_misspelt_names_its_line(folder: Path):
    (folder / "campaign.html").write_text('<p>\n<a href="pixeltrack:unsubscrbe">x</a></p>')
    ran = run(folder, "inject", "campaign.html", "--recipients", "list.csv")
    assert ran.code == 2
    assert "campaign.html line 2: 'pixeltrack:unsubscrbe' is no page of ours" in ran.err


def test_the_address_can_stand_in_the_mail(folder: Path):
    (folder / "campaign.html").write_text("<p>{{ email }}</p>")
    assert _inject(folder, "--recipients", "list.csv", "--personalize").code == 0
    assert b"<p>ada@example.com</p>" in b"".join(_copies(folder / "out" / "campaign"))
