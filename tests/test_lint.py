"""Lint: each rule on a mail that breaks it and on one that does not; the command; whole messages; time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from command import run, snapshot
from conftest import BASE
from cutting import growth

from pixeltrack.links import Policy
from pixeltrack.lint import Context, Finding, check, copy_bytes
from pixeltrack.lint.mail import domain
from pixeltrack.message import plan_message
from pixeltrack.rewrite import plan
from pixeltrack.show.lint import said
from pixeltrack.source import read
from pixeltrack.urls import addresses

ROOT = Path(__file__).parents[1]
PLACES = addresses(BASE)
POLICY = Policy(PLACES.owns, "track.example.com")
CONTEXT = Context(PLACES)
GOOD = (
    '<html><body><img src="https://www.example.com/logo.png" alt="Shop">\n'
    '<p>Hello</p> <a href="https://www.example.com/a">First</a>\n{}\n'
    '<a href="pixeltrack:unsubscribe">Unsubscribe</a></body></html>'
)
LONG = f"https://www.example.com/?q={'x' * 2_000}"


def link(address: str, text: str = "words") -> str:
    return GOOD.format(f'<a href="{address}">{text}</a>')


def lint(html: str, policy: Policy = POLICY, context: Context = CONTEXT) -> tuple[Finding, ...]:
    return check(plan(read(html.encode(), "mail.html"), policy), context)


def rules(html: str) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in lint(html)]


# -- rules ------------------------------------------------------------------------------------------

FIRING = {
    # rule, what fires it, what looks like it and is fine
    ("http-link", "warning"): (link("http://www.example.com/"), link("HTTPS://www.example.com/http://")),
    ("space-in-url", "warning"): (link("https://www.example.com/a b"), link(" https://www.example.com/a%20b ")),
    ("control-in-url", "warning"): (link("https://www.example.com/a&#20;b"), link("https://www.example.com/\n")),
    ("relative-link", "warning"): (link("/sale"), link("#sale")),
    ("placeholder-link", "warning"): (link("#"), link("#top")),
    ("wrapped-by-another", "warning"): (
        link("https://shop.us1.list-manage.com/track/click?u=1&id=2"),
        link("https://shop.us1.list-manage.com/unsubscribe?u=1"),
    ),
    ("duplicate-link", "note"): (
        link("https://www.example.com/a", "First"),
        GOOD.format('<!--[if mso]><v:rect href="https://www.example.com/b">B</v:rect><![endif]-->'
                    '<a href="https://www.example.com/b">B</a>'),
    ),
    ("text-mismatch", "warning"): (
        link("https://www.example.com/", "www.example.org"),
        link("https://www.example.com/", "https://shop.example.com/sale"),
    ),
    ("merge-tag-link", "note"): (link("{{ url }}"), link("{{ unsubscribe_url }}")),
    ("merge-tag-in-link", "warning"): (
        link("https://www.example.com/?u=*|ID|*"),
        link("https://www.example.com/unsubscribe?u=*|ID|*"),
    ),
    ("merge-tag-host", "warning"): (link("https://{{ shop }}/"), link("{{ shop }}/unsubscribe")),
    ("quote-in-tag", "warning"): (
        link('{{ route "sale" }}'),
        link("{{ unsubscribe('sale') }}"),
    ),
    ("form", "warning"): (
        GOOD.format('<form action="https://www.example.com/"></form>'),
        GOOD.format("<!-- <form> -->"),
    ),
    ("svg-link", "note"): (
        GOOD.format('<svg><a xlink:href="https://www.example.com/">x</a></svg>'),
        GOOD.format('<a name="top"></a>'),
    ),
    ("no-links", "note"): ("<p>Unsubscribe: reply to this</p><img src=a.png>", GOOD.format("")),
    ("no-unsubscribe-link", "warning"): (
        '<img src=a.png><a href="https://www.example.com/">Sale</a>',
        '<img src=a.png><a href="*|UNSUB|*">Out</a>',
    ),
    ("only-image", "warning"): (
        GOOD.format("").replace("<img", "<span"),
        GOOD.format("word " * 600).replace("<img", "<span"),
    ),
    ("long-line", "note"): (GOOD.format("a" * 999), GOOD.format("a" * 998)),
    ("long-url", "warning"): (link(LONG), link(LONG[:2_000])),
    ("gmail-clip", "warning"): (GOOD.format("a\n" * 45_000), GOOD.format("a\n" * 44_000)),
}  # fmt: skip


@pytest.mark.parametrize("rule", FIRING, ids=lambda rule: rule[0])
def test_a_rule_fires_on_what_it_is_for_and_not_on_what_looks_like_it(rule: tuple[str, str]) -> None:
    bad, good = FIRING[rule]
    assert rule in rules(bad)
    assert rule not in rules(good)


def test_a_good_mail_has_no_findings() -> None:
    assert lint(GOOD.format("")) == ()


@pytest.mark.parametrize(
    "address",
    ["https:/www.example.com", "http//www.example.com", "www.example.com/a", "https://exa mple.com/"],
)
def test_addresses_that_are_almost_right_are_named(address: str) -> None:
    (finding,) = lint(link(address))
    assert finding.rule == "broken-address"
    assert address in finding.message


@pytest.mark.parametrize("tag", ["<a {{ attrs }}>Sale</a>", '<a {% if x %}href="https://www.example.com/"{% endif %}>'
                                 "Sale</a>", "{{{ products }}}", "{{ products | safe }}", "*|HTML:PRODUCTS|*",
                                 "<%- products %>"])  # fmt: skip
def test_what_a_mail_system_writes_cannot_be_seen(tag: str) -> None:
    assert rules(GOOD.format(tag)) == [("hidden-links", "note")]


def test_a_tag_inside_an_address_writes_no_markup() -> None:
    assert rules(link("{{ url|safe }}")) == [("merge-tag-link", "note")]


def test_parameters_that_apple_strips_matter_where_the_link_is_left_alone() -> None:
    address = "https://www.example.com/?mc_eid=1&utm_source=news"
    assert rules(link(address)) == [("stripped-parameter", "note")]
    assert rules(link(address, "Unsubscribe")) == [("stripped-parameter", "warning")]
    assert rules(link("https://www.example.com/?utm_source=news")) == []


def test_a_text_that_is_an_address_is_told_by_what_is_done_to_the_link() -> None:
    shown = link("https://www.example.org/", "www.example.org")
    (left,) = lint(shown)
    (wrapped,) = lint(shown, replace(POLICY, wrap_visible=True))
    assert (left.rule, left.severity) == ("visible-url", "note")
    assert (wrapped.rule, wrapped.severity) == ("visible-url", "warning")
    assert lint(link("https://www.example.com/", "www.example.com")) == ()  # as the tracking host


def test_many_links_are_one_finding_with_a_count_and_the_first_lines() -> None:
    many = "\n".join(f'<a href="http://www.example.com/{number}">x</a>' for number in range(40))
    (finding,) = lint(GOOD.format(many))
    assert finding.line == 3
    assert finding.message == (
        "40 links go over unencrypted http (lines 3, 4, 5, 6, 7 and more), such as http://www.example.com/0"
    )


def test_warnings_come_before_notes() -> None:
    found = lint(GOOD.format("{{{ x }}}\n<a href='http://www.example.com/'>x</a>"))
    assert [finding.severity for finding in found] == ["warning", "note"]


def test_the_size_of_a_copy_is_reckoned_and_may_be_given() -> None:
    mail = plan(read(GOOD.format("").encode(), "mail.html"), POLICY)
    expected = GOOD.format("")
    expected = expected.replace("https://www.example.com/a", f"{BASE}/c/{'c' * 8}/1/{'t' * 28}")
    expected = expected.replace("pixeltrack:unsubscribe", f"{BASE}/u/{'t' * 40}")
    pixel = f'<img src="{BASE}/o/{"c" * 8}/{"t" * 28}.gif" width="1" height="1" alt="" border="0" />'
    assert abs(copy_bytes(mail, PLACES) - len(expected) - len(pixel)) <= 10
    (finding,) = check(mail, replace(CONTEXT, copy_bytes=103_000))
    assert finding.rule == "gmail-clip"
    assert "103,000 bytes" in finding.message
    assert "the pixel with it" in finding.message


# -- whole messages and texts -----------------------------------------------------------------------


def message(html: str | None = None, cte: str = "quoted-printable", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Shop <news@example.com>", "ada@example.org", "Sale"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Hello http://www.example.com/text\n")
    if html is not None:
        mail.add_alternative(html, subtype="html", cte=cte)
    return mail.as_bytes()


def lint_message(data: bytes, policy: Policy = POLICY, context: Context = CONTEXT) -> list[str]:
    return [finding.rule for finding in check(plan_message(data, "mail.eml", policy, text=True), context)]


ONE_CLICK = {
    "List_Unsubscribe": "<https://x.example/u>",
    "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
}


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_a_message_is_judged_by_its_html_and_not_twice_by_its_text(cte: str) -> None:
    assert lint_message(message(GOOD.format(""), cte, **ONE_CLICK)) == []
    assert lint_message(message(link("http://www.example.com/"), cte, **ONE_CLICK)) == ["http-link"]


def test_a_message_of_text_alone_is_judged_by_its_text() -> None:
    assert lint_message(message(**ONE_CLICK)) == ["no-unsubscribe-link", "http-link"]


def test_list_unsubscribe_needs_both_headers_unless_they_will_be_written() -> None:
    assert lint_message(message(GOOD.format(""))) == ["no-list-unsubscribe"]
    first = {"List_Unsubscribe": "<mailto:out@example.com>"}
    assert lint_message(message(GOOD.format(""), **first)) == ["no-list-unsubscribe"]
    assert lint_message(message(GOOD.format("")), context=replace(CONTEXT, list_headers=True)) == []


def test_the_tracking_host_belongs_under_the_domain_of_the_sender() -> None:
    mail = message(GOOD.format(""), **ONE_CLICK)
    elsewhere = addresses("https://track.example.org")
    policy = Policy(elsewhere.owns, "track.example.org")
    assert lint_message(mail) == []
    assert lint_message(mail, policy, Context(elsewhere)) == ["tracking-host"]
    assert [found.rule for found in lint(GOOD.format(""), policy, Context(elsewhere, "example.com"))] == [
        "tracking-host"
    ]
    assert lint(GOOD.format(""), policy, Context(elsewhere)) == ()  # nobody knows the sender
    here = addresses("http://127.0.0.1:8000")
    assert lint_message(mail, Policy(here.owns, "127.0.0.1"), Context(here)) == []


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("Shop <news@Shop.example.com>", "shop.example.com"),
        ("news@bücher.example", "xn--bcher-kva.example"),
        ("Shop", ""),
        ("@example.com", ""),
        ("{{ from }}", ""),
    ],
)
def test_the_domain_of_a_sender(sender: str, expected: str) -> None:
    assert domain(sender) == expected


def test_long_lines_are_illegal_in_a_message_unless_it_is_encoded() -> None:
    html = GOOD.format("a" * 1_200)
    assert lint_message(message(html, "8bit", **ONE_CLICK)) == ["long-line"]
    assert lint_message(message(html, "quoted-printable", **ONE_CLICK)) == []
    assert lint_message(message(html, "base64", **ONE_CLICK)) == []


# -- the command ------------------------------------------------------------------------------------


def test_the_example_has_one_long_line_to_note() -> None:
    html = (ROOT / "examples" / "spring-sale" / "campaign.html").read_text("utf-8")
    assert rules(html) == [("long-line", "note")]


def test_the_command_prints_findings_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(link("http://www.example.com/"))
    (tmp_path / "good.html").write_text(GOOD.format(""))
    before = snapshot(tmp_path)
    done = run(tmp_path, "lint", "bad.html", "good.html")
    assert (done.code, done.err) == (0, "")
    shown = " ".join(done.out.split())
    assert "bad.html 3 links" in shown
    assert "warning line 3 a link goes over unencrypted http: http://www.example.com/ use https;" in shown
    assert "[http-link]" in shown
    assert done.out.rstrip().endswith("1 warning in 2 mails")
    assert snapshot(tmp_path) == before
    assert run(tmp_path, "lint", "good.html").out.rstrip().endswith("no findings")
    assert run(tmp_path, "lint", "bad.html", "-q").out == ""


@pytest.mark.parametrize(
    ("html", "strict", "code"),
    [
        (link("http://www.example.com/"), True, 1),
        (link("http://www.example.com/"), False, 0),
        (link("{{ url }}"), True, 0),
        (GOOD.format(""), True, 0),
    ],
    ids=["warning", "not strict", "note", "nothing"],
)
def test_strict_fails_on_warnings_only(html: str, strict: bool, code: int, tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text(html)
    assert run(tmp_path, "lint", "mail.html", *["--strict"] * strict).code == code
    assert run(tmp_path, "lint", "mail.html", "--json", *["--strict"] * strict).code == code


def test_json_has_an_object_for_each_mail(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(link("http://www.example.com/"))
    (tmp_path / "text.txt").write_text("To unsubscribe, see https://www.example.com/u\n")
    first, second = json.loads(run(tmp_path, "lint", "bad.html", "text.txt", "--json").out)
    assert first["file"] == "bad.html"
    assert first["links"] == 3
    assert first["copy_bytes"] > first["html_bytes"] == len(link("http://www.example.com/"))
    (finding,) = first["findings"]
    assert finding["rule"] == "http-link"
    assert finding["severity"] == "warning"
    assert finding["line"] == 3
    assert set(finding) == {"rule", "severity", "line", "message", "hint"}
    assert second == {"file": "text.txt", "links": 1, "html_bytes": 0, "copy_bytes": 0, "findings": []}


def test_the_sender_is_read_from_the_option_or_the_message(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text(GOOD.format(""))
    (tmp_path / "mail.eml").write_bytes(message(GOOD.format(""), **ONE_CLICK))
    base = ("--base-url", "https://t.example.org", "--json")
    given = run(tmp_path, "lint", "mail.html", *base, "--from", "Shop <news@example.com>")
    read_ = run(tmp_path, "lint", "-", *base, stdin=(tmp_path / "mail.eml").read_bytes())
    for done in (given, read_):
        ((finding,),) = [each["findings"] for each in json.loads(done.out)]
        assert finding["rule"] == "tracking-host"
    assert json.loads(run(tmp_path, "lint", "mail.html", *base).out)[0]["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.html",), "no such file: nowhere.html"),
        (("mail.html", "--from", "Shop"), "--from 'Shop' has no address"),
        (("mail.html", "--base-url", "example"), "base URL 'example'"),
        (("mail.html", "--encoding", "nonsense"), "unknown encoding 'nonsense'"),
        (("words.html",), "words.html does not look like HTML"),
        ((), "Missing argument 'SOURCE...'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_looked_at_is_one_error(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text(GOOD.format(""))
    (tmp_path / "words.html").write_text("words")
    done = run(tmp_path, "lint", *arguments)
    assert done.code == 2
    assert said in done.err


def test_what_strangers_wrote_is_cleaned_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text(link("http://www.example.com/\x1b[31m\u202e"))
    done = run(tmp_path, "lint", "mail.html")
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_a_finding_is_one_sentence_among_other_lines() -> None:
    (finding,) = lint(link("https://www.example.com/\x07a"))
    (sized,) = check(plan(read(GOOD.format("").encode(), "m"), POLICY), replace(CONTEXT, copy_bytes=95_000))
    assert said(sized).startswith("a copy has 95,000 bytes of HTML")
    assert said(finding).startswith("line 3: ")
    assert "\x07" not in said(finding)
    assert said(finding).endswith(f"; {finding.hint}")


# -- every mail, and time ---------------------------------------------------------------------------


def test_real_mail_never_fails_and_a_rule_reports_once(corpus: list[Path]) -> None:
    for path in corpus:
        found = check(plan(read(path.read_bytes(), path.name), POLICY), CONTEXT)
        names = [(finding.rule, finding.severity) for finding in found]
        assert len(names) == len(set(names)), path
        assert all(finding.hint and len(finding.message) < 400 for finding in found), path


HOSTILE = (
    "<a ",
    "<a href='http://a b/?gclid=1'>http://x.org/</a>",
    "<a href='{{'>",
    "<a {{x>",
    "{{{",
    "{{a|",
    "<form>",
    "<svg><a xlink:href=x>",
    "\r",
)


def test_time_is_linear_on_hostile_input() -> None:
    def look(text: str) -> None:
        lint(f"<p>{text}")

    slow = {piece: growth(look, piece) for piece in HOSTILE}
    slow = {piece: ratio for piece, ratio in slow.items() if ratio > 3}
    again = {piece: growth(look, piece, 240_000) for piece in slow}
    assert {piece: ratio for piece, ratio in again.items() if ratio > 3} == {}


def test_every_rule_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "linting.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z-]+)`", page, re.MULTILINE))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "pixeltrack" / "lint").glob("*.py"))
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)",\s*"(?:warning|note)"(?!\])', code))
    assert told == named


def test_a_folder_and_an_mbox_are_read_mail_by_mail(tmp_path: Path) -> None:
    mails = tmp_path / "mails"
    mails.mkdir()
    (mails / "a.html").write_text(link("http://www.example.com/"))
    message = f"From: a@b.example\nTo: c@d.example\nContent-Type: text/html\n\n{link('/sale')}\n"
    (mails / "b.mbox").write_text(f"From x\n{message}\nFrom y\n{message}\n")
    (mails / "notes.pdf").write_text("no mail")
    ran = run(tmp_path, "lint", "mails", "--json")
    assert [each["file"] for each in json.loads(ran.out)] == [
        *("mails/a.html", "mails/b.mbox message 1", "mails/b.mbox message 2"),
    ]
    assert json.loads(ran.out)[0]["findings"][0]["rule"] == "http-link"
    assert json.loads(run(tmp_path, "lint", "mails/b.mbox", "--json").out) == json.loads(ran.out)[1:]


def test_a_folder_without_mails_says_what_it_should_have(tmp_path: Path) -> None:
    ran = run(tmp_path, "lint", str(tmp_path))
    assert ran.code == 2 and "no mail in the folder" in ran.err and "Hint: files end in" in ran.err
