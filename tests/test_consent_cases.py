"""What a list means for the ledger, case by case: through the command, as a sender would import it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Ran, run
from conftest import BASE, MAIL
from test_consent_commands import PROVED, WORDS, injected, rows, states

from pixeltrack import objection

UNKNOWN = {"opens": "unknown", "clicks": "unknown", "retargeting": "unknown"}
BOTH = {"opens": "granted", "clicks": "granted", "retargeting": "unknown"}
ADA = "ada@x.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text(WORDS, "utf-8")
    (tmp_path / "mail.html").write_bytes(MAIL)
    return tmp_path


def take(folder: Path, text: str, *options: str, preset: str = "") -> Ran:
    (folder / "list.csv").write_text(text, "utf-8")
    if preset:
        (folder / "pixeltrack.toml").write_text(f'[consent]\npreset = "{preset}"\n')
    return run(folder, "consent", "import", "list.csv", *options, "--db", "t.db")


def test_granted_with_time_method_and_wording_is_a_grant(folder: Path) -> None:
    take(folder, f"email,consent\n{ADA},granted\n", *PROVED)
    assert states(folder, ADA) == BOTH
    (folder / "pixeltrack.toml").write_text('[consent]\npolicy = "required"\n')
    assert [outcome for outcome, _why in injected(folder, f"email\n{ADA}\n")] == ["tracked"]


@pytest.mark.parametrize("lacking", ["--wording", "--method", "--at"])
def test_granted_without_proof_is_unknown(folder: Path, lacking: str) -> None:
    place = PROVED.index(lacking)
    done = take(folder, f"email,consent\n{ADA},granted\n", *PROVED[:place], *PROVED[place + 2 :])
    assert "left out, as they cannot be proved" in done.err
    assert states(folder, ADA) == UNKNOWN


def test_granted_without_proof_is_taken_for_a_reason_that_stays_on_record(folder: Path) -> None:
    done = take(
        folder, f"email,consent\n{ADA},granted\n", "--accept-unproven", " moved from\n the old system "
    )
    assert done.code == 0
    assert "grants of 1 row are accepted, and cannot be proved: line 2" in done.err
    assert states(folder, ADA) == BOTH
    shown = json.loads(run(folder, "consent", "show", ADA, "--json", "--db", "t.db").out)["purposes"]["opens"]
    assert (shown["at"], shown["method"]) == (None, "not proved")
    assert shown["origin"] == "list.csv line 2; unproven, accepted: moved from the old system"
    assert "at no known time" in run(folder, "consent", "history", ADA, "--db", "t.db").out
    trail = rows(folder, "select object from trail where action = 'consent'")
    assert trail == [("accepted unproven: moved from the old system",)]


def test_a_grant_of_no_known_time_beats_no_refusal(folder: Path) -> None:
    take(folder, f"email,consent,consent_at\n{ADA},denied,2001-01-01\n")
    take(folder, f"email,consent\n{ADA},granted\n", "--accept-unproven", "the old system")
    assert states(folder, ADA)["opens"] == "denied"


@pytest.mark.parametrize("reason", ["", "  ", "said ada@x.example", "x" * 201])
def test_a_reason_says_something_and_names_nobody(folder: Path, reason: str) -> None:
    done = take(folder, f"email,consent\n{ADA},granted\n", "--accept-unproven", reason)
    assert (done.code, "--accept-unproven" in done.err) == (2, True)
    assert not (folder / "t.db").exists()


def test_a_reason_changes_nothing_for_grants_that_are_proved(folder: Path) -> None:
    take(folder, f"email,consent\n{ADA},granted\n", *PROVED, "--accept-unproven", "the old system")
    assert rows(folder, "select distinct origin from consents") == [("list.csv line 2",)]
    assert rows(folder, "select object from trail where action = 'consent'") == [("",)]


@pytest.mark.parametrize("text", [f"email,consent\n{ADA},\n", f"email,consent_opens\n{ADA}, \n"])
def test_an_empty_cell_changes_nothing_stored(folder: Path, text: str) -> None:
    take(folder, text)
    assert states(folder, ADA) == UNKNOWN if (folder / "t.db").exists() else True
    take(folder, f"email,consent\n{ADA},granted\n", *PROVED)
    take(folder, text)
    assert states(folder, ADA) == BOTH
    run(folder, "consent", "withdraw", ADA, "--db", "t.db")
    take(folder, text)
    assert set(states(folder, ADA).values()) == {"withdrawn"}


def test_a_list_without_the_column_is_refused_and_changes_nothing(folder: Path) -> None:
    take(folder, f"email,consent\n{ADA},granted\n", *PROVED)
    assert take(folder, f"email\n{ADA}\n").code == 2
    assert states(folder, ADA) == BOTH


def test_anything_else_is_an_error_with_its_line(folder: Path) -> None:
    done = take(folder, f"email,consent\nbob@x.example,granted\n{ADA},maybe\n", *PROVED)
    assert (done.code, "list.csv line 3: consent 'maybe' is not understood" in done.err) == (2, True)


def test_anything_else_is_unknown_and_said_where_that_is_wanted(folder: Path) -> None:
    text = f"email,consent\nbob@x.example,granted\n{ADA},maybe\n"
    done = take(folder, text, *PROVED, "--lenient")
    assert (done.code, "1 row not understood, left unknown: line 3" in done.err) == (0, True)
    assert (states(folder, "bob@x.example"), states(folder, ADA)) == (BOTH, UNKNOWN)


@pytest.mark.parametrize("words", [("granted", "denied"), ("denied", "granted")])
def test_of_the_same_address_twice_the_most_restrictive_row_wins(
    folder: Path, words: tuple[str, str]
) -> None:
    done = take(folder, f"email,consent\n{ADA},{words[0]}\nAda@x.example,{words[1]}\n", *PROVED)
    assert "1 row about somebody who is in it already: the most restrictive was taken" in done.out
    assert states(folder, ADA)["opens"] == "denied"


def test_a_stored_withdrawal_that_is_newer_wins(folder: Path) -> None:
    run(folder, "consent", "withdraw", ADA, "--db", "t.db")
    take(folder, f"email,consent\n{ADA},granted\n", *PROVED)
    assert states(folder, ADA)["opens"] == "withdrawn"


def test_who_was_never_asked_stays_unknown_and_is_not_written_as_denied(folder: Path) -> None:
    take(folder, f"email,consent\n{ADA},unknown\nbob@x.example,granted\n", *PROVED)
    assert states(folder, ADA) == UNKNOWN
    assert rows(folder, "select count(distinct subject) from consents") == [(1,)]


def test_a_form_that_is_sent_again_unticked_is_no_withdrawal(folder: Path) -> None:
    """What a form that was sent again says is an empty cell: only an explicit word is a refusal."""
    take(folder, f"email,consent,consent_at\n{ADA},granted,2026-03-01\n", *PROVED[:4])
    take(folder, f"email,consent,consent_at\n{ADA},,2026-09-01\n", *PROVED[:4])
    assert states(folder, ADA) == BOTH
    take(folder, f"email,consent,consent_at\n{ADA},no,2026-09-02\n", *PROVED[:4])
    assert states(folder, ADA)["opens"] == "denied"


@pytest.mark.parametrize("word", ["denied", "withdrawn", "unknown"])
def test_who_has_not_granted_it_gets_the_mail_as_it_was(folder: Path, word: str) -> None:
    text = f"email,consent\n{ADA},{word}\n"
    take(folder, text, *PROVED)
    (folder / "pixeltrack.toml").write_text('[consent]\npolicy = "required"\n')
    injected(folder, text)
    (copy,) = (folder / "summer").rglob("*.html") if (folder / "summer").exists() else folder.rglob("0*.html")
    written = copy.read_bytes()
    assert b'href="https://shop.example/a?x=1&amp;y=2"' in written
    assert b"/o/" not in written
    assert b"/c/" not in written
    assert f"{BASE}/u/".encode() in written
    assert f"{BASE}/p/".encode() in written


@pytest.mark.parametrize("column", ["consent_retargeting", "consent_export"])
def test_retargeting_has_two_names(folder: Path, column: str) -> None:
    take(folder, f"email,{column}\n{ADA},granted\n", *PROVED)
    assert states(folder, ADA) == UNKNOWN | {"retargeting": "granted"}


# -- informed, and no objection: France alone, and only of the transition ---------------------------------

INFORMED = f"email,consent,address_collected_at,notice_at\n{ADA},{objection.WORD},{{}},{{}}\n"


def test_informed_without_objection_counts_in_france_for_old_addresses(folder: Path) -> None:
    done = take(folder, INFORMED.format("2025-12-31", "2026-05-02"), preset="fr")
    assert (done.code, done.err) == (0, done.err)
    assert states(folder, ADA) == BOTH
    shown = json.loads(run(folder, "consent", "show", ADA, "--json", "--db", "t.db").out)["purposes"]["opens"]
    assert shown["method"] == "informed, no objection"


@pytest.mark.parametrize(
    ("collected", "told", "preset"),
    [
        ("2025-12-31", "2026-05-02", "eu"),
        ("2025-12-31", "2026-05-02", "us"),
        ("2026-04-14", "2026-05-02", "fr"),
        ("2026-04-13", "2026-07-15", "fr"),
        ("2026-04-13", "2026-04-12", "fr"),
        ("", "2026-05-02", "fr"),
        ("2025-12-31", "", "fr"),
    ],
)
def test_elsewhere_and_otherwise_it_is_unknown(folder: Path, collected: str, told: str, preset: str) -> None:
    done = take(folder, INFORMED.format(collected, told), *PROVED, preset=preset)
    assert done.code == 0
    assert f"1 row with {objection.WORD} left unknown: it counts with preset fr alone" in done.err
    assert states(folder, ADA) == UNKNOWN


def test_the_last_days_of_the_transition_count(folder: Path) -> None:
    assert take(folder, INFORMED.format("2026-04-13", "2026-07-14T23:00+02:00"), preset="fr").code == 0
    assert states(folder, ADA) == BOTH


def test_it_is_never_for_retargeting_nor_a_proof_of_a_grant_beside_it(folder: Path) -> None:
    head = "email,consent,consent_retargeting,address_collected_at,notice_at\n"
    for row in (
        f"{ADA},,{objection.WORD},2025-12-31,2026-05-02\n",
        f"{ADA},{objection.WORD},granted,2025-12-31,2026-05-02\n",
    ):
        take(folder, head + row, preset="fr")
        assert states(folder, ADA)["retargeting"] == "unknown"


def test_who_objects_later_is_not_measured(folder: Path) -> None:
    take(folder, INFORMED.format("2025-12-31", "2026-05-02"), preset="fr")
    run(folder, "consent", "withdraw", ADA, "--db", "t.db")
    take(folder, INFORMED.format("2025-12-31", "2026-05-02"), preset="fr")
    assert states(folder, ADA)["opens"] == "withdrawn"


def test_its_dates_are_dates(folder: Path) -> None:
    done = take(folder, INFORMED.format("long ago", "2026-05-02"), preset="fr")
    assert (done.code, "list.csv line 2: address_collected_at and notice_at are no dates" in done.err) == (
        2,
        True,
    )


def test_another_country_of_the_list_is_not_france(folder: Path) -> None:
    text = INFORMED.replace("notice_at\n", "notice_at,jurisdiction\n").replace("{}\n", "{},de\n")
    take(folder, text.format("2025-12-31", "2026-05-02"), preset="fr")
    assert states(folder, ADA) == UNKNOWN
