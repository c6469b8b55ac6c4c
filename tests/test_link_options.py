"""What inject's options do to links and pixel, from the command to the redirect and the report."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from command import Ran, run
from conftest import BASE, CHROME, Client
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.links import fill_in

MAIL = b"""<!DOCTYPE html><html><head></head><body class=x><h1>Hi</h1>
<a href="https://shop.example/one" data-pt-label="Hero" data-pt-group="Top">One</a>
<a href="https://other.example/two?x=1#y" data-pt-utm="content=two">Two</a>
<a href="https://docs.shop.example/three" data-pt-utm=off>Three</a>
<a href="https://shop.example/reset-password?u=1">Reset</a>
<a href="https://shop.example/five">www.shop.example/five</a>
<!--[if mso]><v:roundrect href="https://shop.example/six"><center>Buy</center></v:roundrect><![endif]-->
<a href="https://shop.example/six">Buy it</a>
<a href="https://shop.example/u?name={{ name }}&amp;e={{ email_id }}">You</a>
<a href="pixeltrack:preferences">Preferences</a>
</body></html>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text("email,name,email_id\nada@x.example,Ada & Co,1\nbob@x.example,Bob,2\n")
    return tmp_path


def _inject(folder: Path, *argv: str, code: int = 0) -> Ran:
    ran = run(
        *(folder, "inject", "mail.html", "--recipients", "list.csv", "--base-url", BASE, "--db", "t.db"),
        *argv,
    )
    assert ran.code == code, ran.err
    return ran


def _links(folder: Path, *argv: str) -> dict[str, dict[str, object]]:
    ran = _inject(folder, *argv, "--dry-run", "--json")
    return {link["text"]: link for link in json.loads(ran.out)["links"]}


def _copy(folder: Path, name: str = "mail") -> str:
    with (folder / "out" / name / "messages.csv").open() as table:
        return (folder / "out" / name / next(csv.DictReader(table))["file"]).read_text()


def _clicks(html: str) -> list[str]:
    return re.findall(rf'href="?({BASE}/c/[^">]+)', html)


def _locations(folder: Path, client: Client, *argv: str) -> list[str]:
    _inject(folder, *argv)
    return [client.get(url).headers["Location"] for url in _clicks(_copy(folder))]


def test_private_and_phishing_like_links_are_left_alone_with_the_reason(folder: Path):
    links = _links(folder)
    assert {text for text, link in links.items() if link["decision"] == "leave"} == {
        *("Reset", "www.shop.example/five", "You"),
    }
    assert links["Reset"]["reason"] == "password reset; --wrap-sensitive wraps it"
    assert links["www.shop.example/five"]["reason"].startswith("its text shows an address")
    links = _links(folder, "--wrap-sensitive", "--wrap-visible-urls")
    assert [text for text, link in links.items() if link["decision"] == "leave"] == ["You"]


def test_a_shown_address_of_the_trackers_own_domain_is_wrapped(folder: Path):
    assert (
        _links(folder, "--base-url", "https://t.shop.example")["www.shop.example/five"]["decision"] == "leave"
    )
    mail = MAIL.replace(b"shop.example", b"shop.com")
    (folder / "mail.html").write_bytes(mail)
    assert _links(folder, "--base-url", "https://t.shop.com")["www.shop.com/five"]["decision"] == "wrap"
    assert _links(folder, "--base-url", "https://t.shop.org")["www.shop.com/five"]["decision"] == "leave"


def test_hosts_and_patterns_are_skipped(folder: Path):
    links = _links(folder, "--skip-host", "*.Shop.Example", "--skip-pattern", r"/two\?")
    assert {text for text, link in links.items() if link["decision"] == "wrap"} == set()
    assert links["Three"]["reason"] == "--skip-host shop.example"
    assert links["Two"]["reason"] == r"--skip-pattern /two\?"
    _inject(folder, "--skip-host", "shop.example")
    assert len(_clicks(_copy(folder))) == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--skip-pattern", "("), "--skip-pattern '(' is no regular expression"),
        (("--skip-host", "https://x"), "--skip-host 'https://x' is no host"),
        (("--utm", "x=y"), "--utm: 'x=y' is no UTM tag"),
        (("--honeypot", "--pixel", "none"), "exclude each other"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_written(folder: Path, argv: tuple[str, ...], said: str):
    assert said in _inject(folder, *argv, code=2).err
    assert not (folder / "out").exists()


def test_utm_tags_are_on_the_destination_and_each_link_may_say_otherwise(folder: Path, client: Client):
    told = "source=news,campaign={campaign},content={label}"
    assert _locations(folder, client, "--utm", told)[:5] == [
        "https://shop.example/one?utm_source=news&utm_campaign=mail&utm_content=Hero",
        "https://other.example/two?x=1&utm_source=news&utm_campaign=mail&utm_content=two#y",
        "https://docs.shop.example/three",
        "https://shop.example/six?utm_source=news&utm_campaign=mail&utm_content=Buy%20it",
        "https://shop.example/six?utm_source=news&utm_campaign=mail&utm_content=Buy%20it",
    ]


def test_a_wrong_utm_in_the_mail_names_its_line(folder: Path):
    (folder / "mail.html").write_bytes(MAIL.replace(b"content=two", b"colour=two"))
    assert "mail.html line 3: data-pt-utm: 'colour=two' is no UTM tag" in _inject(folder, code=2).err


def test_labels_and_groups_name_links_in_the_report_and_twins_share_theirs(folder: Path, client: Client):
    _inject(folder)
    report = json.loads(run(folder, "report", "--campaign", "mail", "--json", "--db", "t.db").out)
    named = [(link["text"], link["group"]) for link in report["links"]]
    assert named == [("Hero", "Top"), ("Two", ""), ("Three", ""), ("Buy it", ""), ("Buy it", "")]
    assert "Top: Hero" in run(folder, "report", "--campaign", "mail", "--db", "t.db").out


# -- personal destinations --------------------------------------------------------------------------


def test_a_personal_destination_is_one_link_and_leads_each_to_their_own(folder: Path, client: Client):
    _inject(folder, "--personalize")
    with (folder / "out/mail/messages.csv").open() as table:
        copies = [(folder / "out/mail" / row["file"]).read_text() for row in csv.DictReader(table)]
    urls = [_clicks(copy)[-1] for copy in copies]
    assert [client.get(url, CHROME).headers["Location"] for url in urls] == [
        "https://shop.example/u?name=Ada%20%26%20Co&e=1",
        "https://shop.example/u?name=Bob&e=2",
    ]
    report = json.loads(run(folder, "report", "--campaign", "mail", "--json", "--db", "t.db").out)
    (link,) = [link for link in report["links"] if link["text"] == "You"]
    assert link["clicks"] == {"unique": 2, "total": 2}


@pytest.mark.parametrize(
    "href",
    [
        "https://{{ name }}.example/",
        "{{ name }}",
        "https://shop.example/?x={{ name | upper }}",
        "https://shop.example/?x={{ unknown }}",
        "https://shop.example/?x={{ name }}&y=*|ID|*",
        "https://{{ name }}/x?y={{ name }}",
    ],
)
def test_a_tag_in_the_host_or_that_is_no_column_is_left(folder: Path, href: str):
    (folder / "mail.html").write_text(f'<p><a href="{href}">x</a></p>')
    assert _links(folder, "--personalize")["x"]["decision"] == "leave"


@given(st.text(max_size=30))
def test_a_field_cannot_leave_its_place_in_a_destination(value: str):
    filled = fill_in(
        "https://shop.example/p?x={{ name }}&y=1", {"name": value.encode(errors="ignore").decode()}
    )
    assert re.fullmatch(r"https://shop\.example/p\?x=[\w.~%-]*&y=1", filled)


# -- readable, honeypot, pixel, test ----------------------------------------------------------------


def test_readable_links_show_the_host_and_cannot_be_made_to_lie(folder: Path, client: Client):
    _inject(folder, "--readable")
    urls = _clicks(_copy(folder))
    assert all("/other.example~" in url for url in urls[1:2])
    answers = [client.get(url) for url in urls]
    assert [answer.headers["Location"] for answer in answers][:2] == [
        "https://shop.example/one",
        "https://other.example/two?x=1&utm_content=two#y",
    ]
    assert max(map(len, urls)) < 100
    assert client.get(urls[1].replace("other.example", "paypal.com")).status == "404 Not Found"
    assert client.get(urls[1].replace("/2/", "/1/")).status == "404 Not Found"
    again = run(folder, "inject", str(next((folder / "out/mail/html").iterdir())), "--dry-run", "--json",
                "--base-url", BASE)  # fmt: skip
    assert "wrap" not in {link["decision"] for link in json.loads(again.out)["links"]}


def test_a_honeypot_catches_whoever_follows_it(folder: Path, client: Client):
    _inject(folder, "--honeypot")
    html = _copy(folder)
    (trap,) = re.findall(
        r'<a href="([^"]+)" tabindex="-1" aria-hidden="true" style="display:none"></a>', html
    )
    assert client.get(trap).headers["Location"] == f"{BASE}/privacy"
    report = json.loads(run(folder, "report", "--campaign", "mail", "--json", "--db", "t.db").out)
    assert report["clicks"] == {"unique": 0, "total": 0}
    assert report["machine_clicks"] == {"unique": 1, "total": 1}
    assert [aside["reason"] for aside in report["set_aside"]] == ["honeypot"]
    assert "honeypot" not in {link["text"] for link in report["links"]}


@pytest.mark.parametrize(("where", "after"), [("top", "<body class=x>"), ("bottom", "</h1>"), ("none", "")])
def test_the_pixel_goes_where_it_is_wanted(folder: Path, where: str, after: str):
    _inject(folder, "--pixel", where)
    html = _copy(folder)
    if where == "none":
        assert "/o/" not in html
    else:
        assert html.count("/o/") == 1
        assert (f'{after}<img src="{BASE}/o/' in html) == (where == "top")


def test_test_copies_work_and_never_count(folder: Path, client: Client):
    ran = _inject(folder, "--test")
    assert "out/mail-test" in ran.out
    html = _copy(folder, "mail-test")
    assert client.get(_clicks(html)[0]).headers["Location"] == "https://shop.example/one"
    client.get(re.findall(rf'src="({BASE}/o/[^"]+)', html)[0])
    report = json.loads(run(folder, "report", "--campaign", "mail", "--json", "--db", "t.db").out)
    assert (report["messages"], report["clicks"]["total"], report["opens"]["total"]) == (0, 0, 0)
    assert report["preview_hits"] == 2
    _inject(folder)
    assert (
        json.loads(run(folder, "report", "--campaign", "mail", "--json", "--db", "t.db").out)["messages"] == 2
    )
