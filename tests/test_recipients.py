"""Recipient lists: what is read, and that every fault is named with its line."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.listing import RecipientList
from pixeltrack.model import Recipient
from pixeltrack.recipients import identity, read


def _read(text: str) -> list[Recipient]:
    return list(read(io.StringIO(text, newline=""), "list.csv"))


def _refused(text: str) -> str:
    with pytest.raises(InputError) as refused:
        RecipientList(_read(text), "list.csv")
    return refused.value.message


def _seen(text: str) -> list[tuple[int, str, dict[str, str]]]:
    return [(each.line, each.address, dict(each.fields)) for each in _read(text)]


# -- CSV --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_is_read_whatever_program_wrote_it(delimiter: str, end: str, bom: str):
    rows = (
        ("First Name", "Email", "consent"),
        ("Ada", "ada@example.com", "yes"),
        ("", "bob@example.com", ""),
    )
    text = bom + "".join(delimiter.join(row) + end for row in rows)
    assert _read(text) == [
        Recipient("ada@example.com", "ada@example.com", "granted", "granted", {"first name": "Ada"}, 2),
        Recipient("bob@example.com", "bob@example.com", "unknown", "unknown", {"first name": ""}, 3),
    ]


def test_other_columns_are_kept_as_fields_and_spaces_round_them_are_not():
    assert _seen("email, city ,x\n ada@example.com ,  Paris 5e ,\n") == [
        (2, "ada@example.com", {"city": "Paris 5e", "x": ""})
    ]


def test_a_column_without_a_name_is_dropped():
    assert _seen("email,city,,\na@example.com,Rome,1,2\n") == [(2, "a@example.com", {"city": "Rome"})]


def test_a_cell_may_be_long_in_csv_as_in_json():
    long = "x" * 1_000_000
    assert _seen(f"email,note\na@example.com,{long}\n") == [(2, "a@example.com", {"note": long})]


def test_quoted_values_keep_delimiters_quotes_and_line_ends():
    assert _seen('email,note\na@example.com,"one, ""two""\r\nthree"\n') == [
        (2, "a@example.com", {"note": 'one, "two"\r\nthree'})
    ]


def test_line_numbers_hold_after_blank_lines_and_quoted_line_ends():
    text = '\r\n;\nemail;note\n\na@example.com;"1\n2\n3"\n  ;\nb@example.com;x\n'
    assert [line for line, *_ in _seen(text)] == [5, 9]


def test_a_list_without_a_line_end_at_its_end_is_complete():
    assert len(_read("email\na@example.com\nb@example.com")) == 2


# -- JSON lines -------------------------------------------------------------------------------------


def test_json_lines_are_read_and_values_become_text():
    text = (
        '\n{"email": "ada@example.com", "consent": true, "age": 36, "tags": ["x"], "none": null}\r\n\n'
        '{"email": " bob@example.com ", "consent": false, "name": "B\\u00f6b"}\n'
    )
    assert _read(text) == [
        Recipient(
            "ada@example.com",
            "ada@example.com",
            "granted",
            "granted",
            {"age": "36", "tags": '["x"]', "none": ""},
            2,
        ),
        Recipient("bob@example.com", "bob@example.com", "denied", "denied", {"name": "Böb"}, 4),
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("{", "line 2: not JSON: Expecting property name enclosed in double quotes"),
        ("email,name", "line 2: not JSON: Expecting value"),
        ('{"mail": "a@example.com"}', 'line 2: no email in \'{"mail": "a@example.com"}\''),
        ("[1]", "line 2: no email in '[1]'"),
        ('{"email": null}', "line 2: '' is not an email address"),
        ('{"email": "b@example.com", "consent": "maybe"}', "line 2: consent 'maybe' is not understood"),
        ('{"email": "b@example.com", "x": "\\ud800"}', "line 2: no JSON that can be stored"),
        ('{"email": "b\\ud800@example.com"}', "line 2: no JSON that can be stored"),
        ('{"email": "b@example.com", "x": ' + "1" * 5000 + "}", "line 2: no JSON that can be stored"),
        ('{"email": ' + "[" * 100_000, "line 2: no JSON that can be stored"),
    ],
    ids=range(10),
)
def test_a_fault_in_json_lines_is_named_with_its_line(second: str, message: str):
    assert _refused('{"email": "a@example.com"}\n' + second) == f"list.csv {message}"


# -- consent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        ("granted", "granted Yes y TRUE 1 opt-in in"),
        ("denied", "denied withdrawn NO n False 0 opt-out out"),
        ("unknown", "unknown Unknown"),
    ],
)
def test_consent_words(consent: str, words: str):
    for word in words.split():
        assert [each.opens for each in _read(f"email,consent\na@example.com, {word} ")] == [consent], word


def test_blank_or_missing_consent_is_unknown_never_granted():
    assert [each.opens for each in _read("email,consent\na@example.com,\nb@example.com, ")] == ["unknown"] * 2
    assert [each.opens for each in _read("email\na@example.com")] == ["unknown"]


# -- faults in CSV ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list.csv is empty"),
        ("\ufeff\r\n", "list.csv is empty"),
        ("name,mail\nAda,a@b.example", "list.csv has no email column; its first line says: name, mail"),
        ("\n,,\nname\n", "list.csv has no email column; its first line says: name"),
        ("a@example.com\nb@example.com", "list.csv has no email column; its first line says: a@example.com"),
        ("email,x,X\n", "list.csv: column 'x' is there twice"),
        ("email,Email\n", "list.csv: column 'email' is there twice"),
        ("email\n\n\n", "list.csv has a header but no recipients"),
        ("email,x\na@example.com,1\nb@example.com,1,2", "list.csv line 3: 3 cells under 2 columns"),
        ('email,x\na@example.com,"1\n2"\nb@example,', "list.csv line 4: 'b@example' is not an email address"),
        ("email,consent\na@example.com,no\nb@example.com", "list.csv line 3: 1 cells under 2 columns"),
        ('[{"email": "a@example.com"}]', "list.csv is a JSON array"),
        ("email,consent\na@example.com,perhaps", "list.csv line 2: consent 'perhaps' is not understood"),
        ('email,x\na@example.com,1\nb@example.com,"1\n\n', "list.csv line 3: unexpected end of data"),
        ('email,x\na@example.com,"1"2\n', "list.csv line 2: ',' expected after '\"'"),
        ("email,x\n,Ada", "list.csv line 2: '' is not an email address"),
    ],
)
def test_a_fault_in_csv_is_named_with_its_line(text: str, message: str):
    assert _refused(text) == message


# -- addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "same_as"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada+list@example.com", "ada+list@example.com"),
        ("o'hara_x-1@sub.example.co.uk", "o'hara_x-1@sub.example.co.uk"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("jörg@example.com", "jörg@example.com"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        ("+49171@sms.example", "+49171@sms.example"),
        ("a@1-x.xn--p1ai", "a@1-x.xn--p1ai"),
    ],
)
def test_an_address_names_a_person(address: str, same_as: str):
    assert identity(address, "here") == same_as


@pytest.mark.parametrize(
    "address",
    [
        *("", "ada", "ada@", "@example.com", "ada@example", "ada@example.com.", "ada@.example.com"),
        *("ada@exa..mple.com", "ada@@example.com", "ada@b@example.com", "ada lovelace@example.com"),
        *("ada@exam ple.com", "Ada <ada@example.com>", "<ada@example.com>", "ada@b.example, bob@b.example"),
        *("ada@example.com;", "mailto:ada@example.com", '"ada"@example.com', "ada@[127.0.0.1]"),
        *("ada@127.0.0.1", "ada@-x.example", "ada@under_score.example", "ada@b.example\n", "a\0da@b.example"),
        *("a..b@example.com", ".a@example.com", "a.@example.com", "a@b-.example", "a@b.example-"),
        *(
            "a@xn--.example",
            "a\u200b@b.example",
            "a@b\u200d.example",
            "a\u202eb@b.example",
            "a\x80@b.example",
        ),
        *("=1+1@b.example", "=cmd|'!A0@b.example", "+cmd|'!A0@b.example"),
        *(f"{'a' * 65}@example.com", f"ada@{'a' * 64}.example", f"ada@{'a.' * 127}example"),
    ],
)
def test_what_is_no_address_is_refused_with_its_line(address: str):
    with pytest.raises(
        InputError, match=r"list\.csv line 9: .* (is not an email address|has no valid domain)"
    ):
        identity(address, "list.csv line 9")


# -- duplicates -------------------------------------------------------------------------------------


def test_a_person_twice_is_refused_with_both_lines():
    assert _refused("email\nada@example.com\nbob@example.com\nADA@example.com") == (
        "list.csv line 4: ADA@example.com is already on line 2"
    )


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("yes", "no", "denied"),
        ("no", "yes", "denied"),
        ("yes", "", "unknown"),
        ("", "yes", "unknown"),
        ("", "no", "denied"),
        ("yes", "yes", "granted"),
    ],
)
def test_merging_keeps_the_first_row_and_the_stricter_consent(first: str, second: str, kept: str):
    rows = _read(f"email,name,consent\nada@example.com,Ada,{first}\nAda@Example.com,Other,{second}")
    assert list(RecipientList(rows, "list.csv", merge=True)) == [
        Recipient("ada@example.com", "ada@example.com", kept, kept, {"name": "Ada"}, 2)  # type: ignore[arg-type]
    ]


# -- what is written is read back -------------------------------------------------------------------

_CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
_TEXT = st.text(_CHARACTERS, max_size=20).map(str.strip)
_ROWS = st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=8)


@given(rows=_ROWS, delimiter=st.sampled_from(",;\t"), end=st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str, end: str):
    written = io.StringIO(newline="")
    # QUOTE_ALL, as until Python 3.13 the module leaves a lone carriage return without quotes.
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("email", "one", "two"))
    writer.writerows((f"p{n}@example.com", *row) for n, row in enumerate(rows))
    assert [tuple(each.fields.values()) for each in _read(written.getvalue())] == rows


@given(rows=_ROWS)
def test_what_the_json_module_writes_is_read_back(rows: list[tuple[str, str]]):
    people = [{"email": f"p{n}@example.com", "one": one, "two": two} for n, (one, two) in enumerate(rows)]
    for ascii_only in (True, False):
        text = "\n".join(json.dumps(person, ensure_ascii=ascii_only) for person in people)
        assert [tuple(each.fields.values()) for each in _read(text)] == rows


def test_keys_of_json_lines_are_known_whatever_their_case():
    lines = '{"Email": "ann@x.example", " Consent ": "denied"}\n'
    (ann,) = read(io.StringIO(lines), "list.jsonl")
    assert (ann.address, ann.opens) == ("ann@x.example", "denied")


@pytest.mark.parametrize("second", ["Consent", "consent"])
def test_a_key_that_is_there_twice_is_refused(second: str):
    lines = f'{{"email": "ann@x.example", "consent": "granted", "{second}": "denied"}}\n'
    with pytest.raises(InputError, match="line 1: (?:a|the) key .*is there twice"):
        list(read(io.StringIO(lines), "list.jsonl"))
