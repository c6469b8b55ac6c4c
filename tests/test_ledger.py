"""What the ledger says of a person: a function of its entries, whatever order they were put down in."""

from __future__ import annotations

import io

import pytest
from conftest import START
from hypothesis import given, settings
from hypothesis import strategies as st

from pixeltrack.consentlist import Claims, Terms, read_claims
from pixeltrack.errors import InputError
from pixeltrack.ledger import (
    NOTHING,
    PURPOSES,
    Decision,
    Entry,
    Purpose,
    Standings,
    holding,
    recorded,
    stricter,
)
from pixeltrack.recipients import identity
from pixeltrack.tokens import Keyring

KEYRING = Keyring({1: bytes(32)})
ADA = KEYRING.subject("ada@x.example")
TERMS = Terms(START, at=START - 1000, method="form", wording=bytes(32))

Row = tuple[Purpose, int, Decision]
rows = st.lists(
    st.tuples(
        st.sampled_from(PURPOSES),
        st.integers(1, 6),  # few moments, so that some coincide
        st.sampled_from(("granted", "denied", "withdrawn")),
    ),
    max_size=8,
)
many = settings(max_examples=300, deadline=None)


# -- what holds -----------------------------------------------------------------------------------------


@many
@given(rows, st.randoms(use_true_random=False))
def test_order_does_not_matter(given_rows: list[Row], chance) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(given_rows)
    chance.shuffle(shuffled)
    assert recorded(shuffled) == recorded(given_rows)


@many
@given(rows)
def test_saying_all_of_it_again_changes_nothing(given_rows: list[Row]) -> None:
    assert recorded(given_rows + given_rows) == recorded(given_rows)


@many
@given(rows)
def test_who_was_never_asked_is_unknown_and_never_denied(given_rows: list[Row]) -> None:
    said = recorded(given_rows)._asdict()
    for purpose in PURPOSES:
        decisions = {decision for about, _at, decision in given_rows if about == purpose}
        assert (said[purpose] == "unknown") == (not decisions)
        if said[purpose] == "denied":
            assert decisions & {"denied", "withdrawn"}
        if said[purpose] == "granted":
            assert "granted" in decisions


@many
@given(rows, st.integers(1, 6), st.sampled_from(PURPOSES))
def test_a_withdrawal_beats_a_grant_of_the_same_moment_or_before(
    given_rows: list[Row], at: int, purpose: Purpose
) -> None:
    older = [row for row in given_rows if row[1] <= at]
    withdrawn: Row = (purpose, at, "withdrawn")
    assert recorded([*older, withdrawn])._asdict()[purpose] == "denied"
    assert recorded([withdrawn, *older])._asdict()[purpose] == "denied"  # a list that is imported again


@many
@given(rows, st.sampled_from(PURPOSES))
def test_a_newer_grant_beats_a_withdrawal(given_rows: list[Row], purpose: Purpose) -> None:
    assert recorded([(purpose, 7, "granted"), *given_rows])._asdict()[purpose] == "granted"


@many
@given(rows, rows)
def test_purposes_have_nothing_to_do_with_each_other(one: list[Row], other: list[Row]) -> None:
    opens = [row for row in one if row[0] == "opens"]
    rest = [row for row in other if row[0] != "opens"]
    assert recorded([*opens, *rest]).opens == recorded(opens).opens


@many
@given(rows)
def test_the_entry_that_is_shown_is_the_one_that_decides(given_rows: list[Row]) -> None:
    for purpose in PURPOSES:
        entry = holding(_entry(at, decision, about) for about, at, decision in given_rows if about == purpose)
        said = "unknown" if entry is None else "granted" if entry.decision == "granted" else "denied"
        assert recorded(given_rows)._asdict()[purpose] == said


@many
@given(st.dictionaries(st.binary(min_size=16, max_size=16), rows.filter(bool), max_size=20))
def test_the_whole_ledger_says_of_each_what_their_entries_say(people: dict[bytes, list[Row]]) -> None:
    ordered = [(subject, *row) for subject in sorted(people) for row in people[subject]]
    standings = Standings(ordered)
    assert len(standings) == len(people)
    for subject, given_rows in people.items():
        assert standings.of(subject) == recorded(given_rows)
    for stranger in (bytes(15) + b"\1", b"\xff" * 16):
        if stranger not in people:
            assert standings.of(stranger) == NOTHING


def test_two_ledgers_that_say_something_else_have_another_digest() -> None:
    said = [[], [(ADA, "opens", 1, "granted")], [(ADA, "opens", 1, "denied")], [(ADA, "clicks", 1, "denied")]]
    assert len({Standings(each).digest for each in said}) == 4  # type: ignore[arg-type]
    again = Standings([(ADA, "opens", 1, "granted"), (ADA, "opens", 2, "denied")])
    assert again.digest == Standings(said[2]).digest  # type: ignore[arg-type]


# -- several rows of one list ---------------------------------------------------------------------------


def _entry(at: int, decision: Decision, purpose: Purpose = "opens", origin: str = "l line 2") -> Entry:
    return Entry(ADA, purpose, decision, at, START, "form", "l", None, origin)


entries = st.builds(
    _entry,
    st.integers(1, 5),
    st.sampled_from(("granted", "denied", "withdrawn")),
    origin=st.sampled_from(("l line 2", "l line 3")),
)


@many
@given(entries, entries, entries)
def test_of_several_rows_the_most_restrictive_is_taken_in_any_order(
    one: Entry, two: Entry, three: Entry
) -> None:
    taken = stricter(one, two)
    assert taken == stricter(two, one)
    assert stricter(taken, three) == stricter(one, stricter(two, three))
    if "withdrawn" in (one.decision, two.decision):
        assert taken.decision == "withdrawn"
    elif "denied" in (one.decision, two.decision):
        assert taken.decision == "denied"


def test_of_two_grants_the_earlier_is_taken_and_of_two_refusals_the_later() -> None:
    assert stricter(_entry(1, "granted"), _entry(2, "granted")).at == 1
    assert stricter(_entry(1, "denied"), _entry(2, "denied")).at == 2


# -- lists ----------------------------------------------------------------------------------------------


def _read(text: str, terms: Terms = TERMS) -> Claims:
    return read_claims(io.StringIO(text, newline=""), "l.csv", terms, KEYRING)


def _said(text: str, terms: Terms = TERMS) -> set[tuple[str, str]]:
    return {(entry.purpose, entry.decision) for entry in _read(text, terms).entries}


def test_a_row_has_all_that_proves_it() -> None:
    digest = "ab" * 32
    claims = _read(
        "email,consent_opens,consent_at,consent_method,consent_source,consent_text_id\n"
        f"Ada@X.example,yes,2026-03-01T10:00+01:00,double opt-in,/signup,{digest}\n",
        Terms(START),
    )
    at = 1_772_355_600_000
    assert claims.entries == [
        Entry(
            *(ADA, "opens", "granted", at, START, "double opt-in", "/signup"),
            *(bytes.fromhex(digest), "l.csv line 2"),
        )
    ]


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        ("consent", "granted", {("opens", "granted"), ("clicks", "granted")}),
        ("consent", "no", {("opens", "denied"), ("clicks", "denied")}),
        ("consent", "Withdrawn", {("opens", "withdrawn"), ("clicks", "withdrawn")}),
        ("consent", "", set()),
        ("consent", "unknown", set()),
        ("consent_retargeting", "yes", {("retargeting", "granted")}),
        ("consent,consent_clicks", "granted,", {("opens", "granted"), ("clicks", "granted")}),
        ("consent,consent_clicks", "granted,denied", {("opens", "granted"), ("clicks", "denied")}),
        ("consent,consent_clicks", ",granted", {("clicks", "granted")}),
        ("consent,consent_opens", "withdrawn,granted", {("opens", "withdrawn"), ("clicks", "withdrawn")}),
    ],
)
def test_what_a_row_says_of_each_purpose(columns: str, cells: str, said: set[tuple[str, str]]) -> None:
    assert _said(f"email,{columns}\nada@x.example,{cells}\n") == said


def test_the_column_consent_is_about_the_purposes_that_were_named() -> None:
    about = TERMS._replace(purposes=("retargeting",))
    assert _said("email,consent\nada@x.example,yes\n", about) == {("retargeting", "granted")}


@pytest.mark.parametrize("lacking", ["at", "method", "wording"])
def test_a_grant_that_cannot_be_proved_leaves_the_person_unknown(lacking: str) -> None:
    terms = TERMS._replace(**{lacking: Terms(START)._asdict()[lacking]})
    claims = _read("email,consent\nada@x.example,granted\nbob@x.example,denied\n", terms)
    assert [entry.decision for entry in claims.entries] == ["denied", "denied"]  # refusing needs no proof
    assert (claims.unproven, claims.unproven_lines) == (1, [2])
    assert len(claims.missing) == 1


def test_a_refusal_without_a_time_counts_from_now() -> None:
    claims = _read("email,consent_opens\nada@x.example,denied\n", Terms(START))
    assert claims.entries[0].at == START


def test_of_a_person_who_is_there_twice_the_most_restrictive_row_is_taken() -> None:
    text = "email,consent,consent_at\nada@x.example,{},2026-03-01\nADA@x.example,{},2026-04-01\n"
    for words in (("granted", "denied"), ("denied", "granted")):
        claims = _read(text.format(*words))
        assert {entry.decision for entry in claims.entries} == {"denied"}
        assert (len(claims.entries), claims.twice, claims.rows) == (2, 1, 2)
    for words in (("granted", ""), ("", "granted")):  # a blank changes nothing
        assert {entry.decision for entry in _read(text.format(*words)).entries} == {"granted"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("email,consent\nada@x.example,maybe\n", "l.csv line 2: consent 'maybe' is not understood"),
        (
            "email,consent\nada@x.example,yes\nada.x.example,no\n",
            "l.csv line 3: 'ada.x.example' is not an email",
        ),
        (
            "email,consent,consent_at\nada@x.example,yes,soon\n",
            "l.csv line 2: consent_at is 'soon', which is no",
        ),
        (
            "email,consent,consent_at\nada@x.example,yes,2099-01-01\n",
            "l.csv line 2: consent_at is '2099-01-01', which is still to come",
        ),
        (
            "email,consent,consent_text_id\nada@x.example,yes,v2\n",
            "l.csv line 2: consent_text_id 'v2' is no SHA-256",
        ),
        ("email,name\nada@x.example,Ada\n", "l.csv has no consent column"),
        ("email,consent\n", "l.csv has a header but nobody in it"),
        ("", "l.csv is empty"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        _read(text)
    assert refused.value.message.startswith(message)


def test_an_address_is_the_same_person_however_it_is_written() -> None:
    claims = _read("email,consent\nAda@BÜCHER.example,denied\n")
    known_as = identity("ada@bücher.example", "test")
    assert claims.refusing == {KEYRING.subject(known_as): known_as}
