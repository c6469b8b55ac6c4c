"""A mail to an audience: alone, within a list, resumed, tried out, and to nobody."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from command import Ran, run, snapshot
from conftest import START, Inject, people
from test_report import Hits

from pixeltrack import inject as job
from pixeltrack.output import Output
from pixeltrack.setup import Workspace

READERS = ["ada@x.example", "bob@x.example", "cid@x.example", "dan@x.example"]


@pytest.fixture
def warm(inject: Inject, workspace: Workspace) -> Workspace:
    """An audience of Ada and Bob, who have clicked."""
    inject(recipients=[row._replace(fields={"town": row.identity[0] * 3}) for row in people(*READERS)])
    hits = Hits(workspace, "spring", READERS)
    hits.click(0, 7_200)
    hits.click(1, 7_200)
    folder = workspace.store.path.parent
    (folder / "next.html").write_text("<p>{{ town }} <a href='https://shop.example/'>x</a></p>")
    (folder / "list.csv").write_text("email,town\nADA@x.example,Bonn\ncid@x.example,Ulm\n")
    argv = ("create", "warm", "--clicked", "any")
    assert run(folder, "audience", *argv, "--db", str(workspace.store.path)).code == 0
    return workspace


def inject_next(workspace: Workspace, *argv: str, audience: str = "warm") -> Ran:
    base = ("--base-url", "https://t.example", "--audience", audience, "--db", str(workspace.store.path))
    return run(workspace.store.path.parent, "inject", "next.html", *argv, *base)


def sent(workspace: Workspace, campaign: str = "next") -> list[str]:
    with sqlite3.connect(workspace.store.path) as connection:
        rows = connection.execute(
            "select identity from messages join campaigns using (campaign_id) join recipients"
            " using (recipient_id) where name = ? order by 1",
            [campaign],
        )
        return [identity for (identity,) in rows]


def copies(workspace: Workspace, campaign: str = "next") -> str:
    folder = workspace.store.path.parent / "out" / campaign
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*.html")))


def test_its_people_are_the_list_with_the_columns_they_had(warm: Workspace) -> None:
    ran = inject_next(warm, "--personalize", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["messages"] == 2
    assert sent(warm) == READERS[:2]
    written = copies(warm)
    assert "<p>aaa " in written
    assert "<p>bbb " in written


def test_of_a_list_who_is_in_it_with_the_columns_of_the_list(warm: Workspace) -> None:
    ran = inject_next(warm, "--recipients", "list.csv", "--personalize")
    assert ran.code == 0, ran.err
    assert sent(warm) == ["ada@x.example"]
    assert "<p>Bonn " in copies(warm)


def test_who_unsubscribed_gets_none_and_who_refused_is_not_measured(warm: Workspace) -> None:
    store, keyring = warm.store, warm.keyring
    message = Hits(warm, "spring", READERS).message(0)
    store.opt_out(store.campaign("spring").code, message, keyring.subject(READERS[0]), "all", START)
    folder, files = warm.store.path.parent, ("--db", str(warm.store.path))
    ran = inject_next(warm)
    assert ran.code == 0, ran.err
    assert "1 left out: unsubscribed" in ran.out
    assert sent(warm) == ["bob@x.example"]
    assert run(folder, "consent", "withdraw", READERS[1], *files).code == 0
    nobody = inject_next(warm, "--campaign", "later")  # of Bob nothing may be told by name any more
    assert "everybody in audience warm has unsubscribed" in nobody.err
    assert sent(warm, "later") == []


def test_consent_is_decided_as_for_a_list_that_says_nothing(warm: Workspace) -> None:
    (warm.store.path.parent / "pixeltrack.toml").write_text('[consent]\npolicy = "required"\n')
    ran = inject_next(warm)
    assert ran.code == 0, ran.err
    assert "no consent on record" in ran.out
    assert "t.example" not in copies(warm)


def test_a_dry_run_writes_no_file_and_no_message(warm: Workspace) -> None:
    folder = warm.store.path.parent
    before = {name for name in snapshot(folder) if not name.startswith("t.db")}
    ran = inject_next(warm, "--dry-run")
    assert ran.code == 0, ran.err
    assert "https://shop.example/" in ran.out
    assert {name for name in snapshot(folder) if not name.startswith("t.db")} == before
    assert sent(warm) == []


def interrupted(warm: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a run that is interrupted after its first copy."""
    real = Output.checkpoint

    def stop(self: Output, done: int) -> None:
        real(self, done)
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "_CHECKPOINT", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Output, "checkpoint", stop)
        assert inject_next(warm).code == 130


def test_an_interrupted_run_is_resumed(warm: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(warm, monkeypatch)
    assert sent(warm) == []
    ran = inject_next(warm, "--resume")
    assert ran.code == 0, ran.err
    assert "resumed after 1" in ran.out
    assert sent(warm) == READERS[:2]


def test_an_audience_that_changed_meanwhile_is_not_resumed(
    warm: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(warm, monkeypatch)
    Hits(warm, "spring", READERS).click(2, 9_000)
    ran = inject_next(warm, "--resume")
    assert (ran.code, "of another mail, list or setting" in ran.err) == (2, True)
    assert inject_next(warm).code == 0
    assert sent(warm) == READERS[:3]


@pytest.mark.parametrize(
    ("audience", "recipients", "error"),
    [
        ("nobody", "", "nobody is in audience 'nobody'"),
        ("other", "", "no audience 'other'"),
        (
            "warm",
            "email\ncid@x.example\ndan@x.example\n",
            "nobody of the 2 on list.csv is in audience 'warm'",
        ),
        ("warm", "email\n", "list.csv within audience warm has a header but no recipients"),
    ],
)
def test_to_nobody_is_an_error(warm: Workspace, audience: str, recipients: str, error: str) -> None:
    folder: Path = warm.store.path.parent
    made = ("create", "nobody", "--clicked", "any", "--not", "warm", "--db", str(warm.store.path))
    assert run(folder, "audience", *made).code == 0
    (folder / "list.csv").write_text(recipients)
    ran = inject_next(warm, *(("--recipients", "list.csv") if recipients else ()), audience=audience)
    assert (ran.code, error in ran.err) == (2, True), ran.err
    assert sent(warm) == []
