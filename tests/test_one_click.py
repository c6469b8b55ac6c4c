"""Unsubscribing by one click (RFC 8058): what is written into messages, read by two others, and pressed."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from command import run
from conftest import BASE, CHROME, Clock
from test_modes import rows
from test_withdrawal import serving

from pixeltrack import config
from pixeltrack.setup import open_workspace

PEOPLE = [f"reader{number}@x.example" for number in range(20)]
MAIL = b"""\
From: Shop <news@shop.example>\r
To: you@x.example\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
%sMIME-Version: 1.0\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
<p><a href="https://shop.example/a">x</a> <a href="pixeltrack:preferences">p</a></p>\r
"""
#: What a sender's own system may have written before.
BEFORE = {
    "none": b"",
    "a pair": b"List-Unsubscribe: <https://old.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    "folded, of several": b"list-unsubscribe:\r\n <mailto:leave@old.example?subject=x>,\r\n\t<https://old.example/u>\r\n",
    "post alone": b"LIST-UNSUBSCRIBE-POST: nonsense\r\n",
}
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
URLENCODED = "application/x-www-form-urlencoded"


def strictly(raw: bytes) -> tuple[str, str]:
    """Read the two fields by the letter: RFC 5322 (2.2), RFC 2369 (2) and RFC 8058 (3.1), and nothing beyond.

    Returns the one https URI and the other field's value.
    """
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    lines = re.split(rb"\r?\n", head)
    fields: list[tuple[str, str]] = []
    for line in lines:
        assert len(line) <= 998
        if line[:1] in (b" ", b"\t"):
            name, value = fields.pop()
            fields.append((name, f"{value}{line.decode('ascii')}"))
        else:
            name, colon, value = line.decode("ascii").partition(":")
            assert colon
            assert re.fullmatch(r"[!-9;-~]+", name)
            fields.append((name.lower(), value))
    (listed,) = [value for name, value in fields if name == "list-unsubscribe"]
    (post,) = [value for name, value in fields if name == "list-unsubscribe-post"]
    uris = re.fullmatch(r"[ \t]*<([^<>\s]+)>(?:[ \t]*,[ \t]*<([^<>\s]+)>)*[ \t]*", listed)
    assert uris
    assert uris[2] is None
    assert re.fullmatch(r"https://[a-z0-9.-]+/[A-Za-z0-9/_-]+", uris[1])
    assert "@" not in uris[1]
    return uris[1], post.removeprefix(" ")


def messages(out: Path, form: str) -> Iterator[bytes]:
    if form == "eml":
        yield from (path.read_bytes() for path in sorted(out.rglob("*.eml")))
    elif form == "mbox":
        (path,) = out.rglob("*.mbox")
        box = mailbox.mbox(path)
        yield from (box.get_bytes(key) for key in box.iterkeys())
    else:
        yield from (path.read_bytes() for path in sorted(out.rglob("new/*")))


@pytest.mark.parametrize("mode", ["individual", "aggregate", "off"])
@pytest.mark.parametrize("form", ["eml", "mbox", "maildir"])
@pytest.mark.parametrize("before", BEFORE, ids=str)
def test_two_readers_find_one_link_of_ones_own_and_the_word_beside_it(
    tmp_path: Path, before: str, form: str, mode: str
) -> None:
    made = inject(tmp_path, BEFORE[before], "--format", form, "--mode", mode)
    found = list(messages(made, form))
    assert len(found) == len(PEOPLE)
    links = set()
    for raw in found:
        link, word = strictly(raw)
        assert link.startswith(f"{BASE}/u/")
        assert word == "List-Unsubscribe=One-Click"
        parsed = message_from_bytes(raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        assert parsed.get_all("List-Unsubscribe") == [f"<{link}>"]
        assert parsed.get_all("List-Unsubscribe-Post") == [word]
        assert not parsed.defects
        links.add(link)
    assert len(links) == len(PEOPLE)


def inject(folder: Path, before: bytes, *options: str) -> Path:
    (folder / "mail.eml").write_bytes(MAIL % before)
    (folder / "list.csv").write_text("\n".join(["email", *PEOPLE]))
    out = folder / "out"
    made = run(
        folder, "inject", "mail.eml", "--recipients", "list.csv", "--db", "t.db", "--base-url", BASE,
        "--out", "out", *options,
    )  # fmt: skip
    assert made.code == 0, made.err
    return out


@pytest.mark.parametrize("mode", ["individual", "hygiene", "aggregate"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [(URLENCODED, b"List-Unsubscribe=One-Click"), ("multipart/form-data; boundary=b", MULTIPART)],
    ids=["urlencoded", "multipart"],
)
def test_pressed_once_or_often_it_unsubscribes_without_a_redirect_or_a_cookie(
    tmp_path: Path, clock: Clock, mode: str, kind: str, body: bytes
) -> None:
    made = inject(tmp_path, b"", "--format", "eml", "--mode", mode)
    links = [strictly(raw)[0].removeprefix(BASE) for raw in messages(made, "eml")]
    settings = config.load(options={"db": str(tmp_path / "t.db"), "base_url": BASE}, environment={})
    workspace = open_workspace(settings, create=False)
    with serving(workspace, settings, clock) as connection:

        def press(link: str) -> None:
            # As a mail provider's machine does: no cookie, no referrer, no language, nothing.
            connection.request("POST", link, body, {"Content-Type": kind, "User-Agent": CHROME})
            answer = connection.getresponse()
            assert answer.status == 200
            assert {"location", "set-cookie", "refresh"}.isdisjoint(name.lower() for name in answer.headers)
            answer.read()

        for _ in range(3):
            press(links[3])
        assert rows(workspace, "select scope, count(*) from optouts group by scope") == [("all", 1)]
        for link in links[1:]:
            press(link)
        left = len(PEOPLE) - 1
        assert rows(workspace, "select scope, count(*) from optouts group by scope") == [("all", left)]
        assert rows(workspace, "select count(*) from trail where action = 'opt-out'") == [(left,)]
    workspace.store.close()
    inject(tmp_path, b"", "--format", "eml", "--campaign", "next", "--out", "next")
    (only,) = messages(tmp_path / "next", "eml")
    assert message_from_bytes(only)["To"] == PEOPLE[0]
