"""Tokens: pinned for ever, accepted as they were made and in no other spelling."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Iterator

import pytest

from pixeltrack.minting import TokenKind, number
from pixeltrack.tokens import Keyring, Person, Tracked
from pixeltrack.urls import addresses

# A promise for ever: mail that people keep holds these for this key, name and address.
KEY = bytes(range(32))
CODE = "67iqlp26"
ANN = 1528692914399113469
MESSAGE = "EQEVNwIbNWpw_XlxsGU1Vc9n7wRN"
PREVIEW = "EgEAAAAAAAAAAEPutN0mfWEtGSBc"
MERGE = "EwEAAAAAAAAAAK6HSlKNZdQy7QPO"
UNSUBSCRIBE = "EQH30QW_XhU3Ahs1anD9D2oNomD3ZzHx3PqC93-I"
PREFERENCES = "EQH30QW_XhU3Ahs1anD9UHFYK5lDl2NNV5L8IZCU"
PREVIEW_UNSUBSCRIBE = "EgH30QW_XgAAAAAAAAAAljipEDnLupiXmT4xaJ2W"
BOUND = {
    0: "MQEVNwIbNWpw_Q75KHMaSIMnHzSY",
    1: "MQEVNwIbNWpw_TSYhlieWy7tz--R",
    70: "MQEVNwIbNWpw_eE2U_0m_EectMNR",
}
BY_MODE: dict[TokenKind, str] = {
    "pseudonymous": "FAG0Ov3TJqlUCw4uuBiYQh8TK-rW",
    "hygiene": "FQEVNwIbNWpw_fOk_8LwcQbfayOF",
    "company": "FgGdRY1pRsfT6YbnWvt8CtLAc4WU",
    "aggregate": "FwEAAAAAAAAAAHtJldEQOFSgMVdb",
}
BOUND_BY_MODE: dict[TokenKind, str] = {
    "pseudonymous": "NAG0Ov3TJqlUC9PheVgL7DHXrfTR",
    "hygiene": "NQEVNwIbNWpw_ZyvAjjzaDjNb2vV",
    "company": "NgGdRY1pRsfT6VXeqCQSF_RuNlCW",
    "aggregate": "NwEAAAAAAAAAABZduRZO10axzgEd",
}
SUBJECT_UNSUBSCRIBE = "GAH30QW_XmxI-oF7tZSqlT6T95mvqjrJ0Yp56Mk0nHSE7JOW"
SUBJECT_PREFERENCES = "GAH30QW_XmxI-oF7tZSqlT6T95mvqjppg3O6K4TWCQhsQ4cf"

KEYRING = Keyring({1: KEY})
KEYS = KEYRING.campaign(CODE)
PSEUDONYM = KEYS.pseudonym("ann@example.org")

CHECKS: dict[str, tuple[str, Callable[[str], object]]] = {
    "tracking": (MESSAGE, lambda token: KEYRING.verify_tracking(CODE, token)),
    "unsubscribe": (UNSUBSCRIBE, lambda token: KEYRING.verify_personal("unsubscribe", token)),
    "preferences": (PREFERENCES, lambda token: KEYRING.verify_personal("preferences", token)),
}
MORE: dict[str, tuple[str, Callable[[str], object]]] = {
    **CHECKS,
    "aggregate": (BY_MODE["aggregate"], lambda token: KEYRING.verify_tracking(CODE, token)),
    "subject": (SUBJECT_PREFERENCES, lambda token: KEYRING.verify_personal("preferences", token)),
}
every_token = pytest.mark.parametrize(("token", "verify"), MORE.values(), ids=MORE)


def test_tokens_are_pinned_for_ever() -> None:
    assert KEYRING.campaign_code("spring") == CODE
    assert KEYRING.campaign_code("spring", attempt=1) == "h4uax5kx"
    assert number(PSEUDONYM) == ANN
    assert KEYS.message_token(PSEUDONYM) == MESSAGE
    assert KEYS.bound_tokens(PSEUDONYM, BOUND) == BOUND
    assert KEYS.preview_token() == PREVIEW
    assert KEYS.merge_token("*|EMAIL|*") == f"{MERGE}.*|EMAIL|*"
    assert KEYS.personal_token("unsubscribe", PSEUDONYM) == UNSUBSCRIBE
    assert KEYS.personal_token("preferences", PSEUDONYM) == PREFERENCES
    assert KEYS.personal_token("unsubscribe", bytes(8), "preview") == PREVIEW_UNSUBSCRIBE


#: What a token of each mode says: the person in two ways, a company's group, or nobody in particular.
IDS: dict[TokenKind, bytes] = {
    "pseudonymous": KEYS.unlinked_pseudonym("ann@example.org"),
    "hygiene": PSEUDONYM,
    "company": KEYS.crowd("example ltd"),
    "aggregate": bytes(8),
}


@pytest.mark.parametrize("kind", IDS)
def test_tokens_of_every_mode_are_pinned_for_ever(kind: TokenKind) -> None:
    assert KEYS.message_token(IDS[kind], kind) == BY_MODE[kind]
    assert KEYS.bound_tokens(IDS[kind], [0], kind) == {0: BOUND_BY_MODE[kind]}
    for token in (BY_MODE[kind], BOUND_BY_MODE[kind]):
        tracked = KEYRING.verify_tracking(CODE, token)
        assert tracked == Tracked(kind, number(IDS[kind]))
        assert tracked.mode == kind
    assert KEYRING.verify_tracking(CODE, BOUND_BY_MODE[kind], 1) is None


def test_tokens_that_name_a_person_by_address_are_pinned_for_ever() -> None:
    subject = KEYRING.subject("ann@example.org")
    assert KEYS.subject_token("unsubscribe", subject) == SUBJECT_UNSUBSCRIBE
    assert KEYS.subject_token("preferences", subject) == SUBJECT_PREFERENCES
    assert KEYRING.verify_personal("preferences", SUBJECT_PREFERENCES) == Person(CODE, "subject", 0, subject)
    assert KEYRING.verify_personal("unsubscribe", SUBJECT_PREFERENCES) is None
    places = addresses("https://track.example.com")
    assert places.owns(places.unsubscribe(SUBJECT_UNSUBSCRIBE)) == "unsubscribe"
    assert KEYRING.verify_tracking(CODE, SUBJECT_UNSUBSCRIBE) is None


def test_no_two_ids_of_one_person_are_the_same() -> None:
    assert len({*IDS.values(), KEYS.crowd("ann@example.org"), KEYRING.subject("ann@example.org")[:8]}) == 6


def test_what_the_database_keeps_of_a_key_is_pinned_for_ever() -> None:
    assert KEYRING.subject("ann@example.org").hex() == "6c48fa817bb594aa953e93f799afaa3a"
    assert KEYRING.check_value() == "fcdd0e43f12c2852"


def test_pinned_tokens_verify() -> None:
    assert KEYRING.verify_tracking(CODE, MESSAGE) == Tracked("message", ANN, key_id=1)
    assert KEYRING.verify_tracking(CODE, PREVIEW) == Tracked("preview", 0, key_id=1)
    assert KEYRING.verify_personal("unsubscribe", UNSUBSCRIBE) == Person(CODE, "message", ANN)
    assert KEYRING.verify_personal("preferences", PREFERENCES) == Person(CODE, "message", ANN)
    assert KEYRING.verify_personal("unsubscribe", PREVIEW_UNSUBSCRIBE) == Person(CODE, "preview", 0)


def edits(token: str) -> Iterator[str]:
    """Every other spelling that one slip of the finger makes, case changes included."""
    alphabet = string.ascii_letters + string.digits + "-_+/=.%~ \n\0é"
    for place in range(len(token) + 1):
        yield from (token[:place] + letter + token[place:] for letter in alphabet)
        yield token[:place] + token[place + 1 :]
        yield from (token[:place] + letter + token[place + 1 :] for letter in alphabet)
    yield from (token.upper(), token.lower(), token.swapcase(), token[::-1], "")


@every_token
def test_every_single_edit_of_a_token_is_refused(token: str, verify: Callable[[str], object]) -> None:
    assert verify(token) is not None
    assert [edit for edit in edits(token) if edit != token and verify(edit)] == []


@every_token
def test_every_flipped_bit_is_refused(token: str, verify: Callable[[str], object]) -> None:
    raw = base64.urlsafe_b64decode(token)
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert verify(base64.urlsafe_b64encode(flipped).decode()) is None, f"bit {bit}"


@every_token
def test_a_token_has_one_spelling(token: str, verify: Callable[[str], object]) -> None:
    plain = token.replace("-", "+").replace("_", "/")
    assert plain == token or verify(plain) is None
    for other in (token + "=", token + "====", token + "!", f" {token}", f"{token}\n", token[:-1] + "="):
        assert verify(other) is None, repr(other)
    for length in range(64):
        assert verify("A" * length) is None
        assert verify("=" * length) is None
        assert verify("é" * length) is None
        assert verify("\udce9" * length) is None  # what a WSGI server may make of a stray byte


def test_a_token_has_no_bits_that_mean_nothing() -> None:
    # Else the last character would have several spellings: YWJjZA== is also YWJjZB==.
    for token in (MESSAGE, UNSUBSCRIBE):
        assert len(token) % 4 == 0
        assert "=" not in token


def test_a_tracking_token_never_acts_and_an_acting_token_never_tracks() -> None:
    tokens = {"tracking": MESSAGE, "unsubscribe": UNSUBSCRIBE, "preferences": PREFERENCES}
    for purpose, (_, verify) in CHECKS.items():
        accepted = [name for name, token in tokens.items() if verify(token)]
        assert accepted == [purpose]


def test_a_token_is_of_one_campaign() -> None:
    other = KEYRING.campaign_code("summer")
    assert KEYRING.verify_tracking(other, MESSAGE) is None
    assert KEYRING.verify_tracking("", MESSAGE) is None
    moved = base64.urlsafe_b64decode(UNSUBSCRIBE)
    moved = moved[:2] + base64.b32decode(other.upper()) + moved[7:]
    assert KEYRING.verify_personal("unsubscribe", base64.urlsafe_b64encode(moved).decode()) is None


def test_one_person_has_unlike_pseudonyms_in_two_campaigns() -> None:
    assert KEYRING.campaign(KEYRING.campaign_code("summer")).pseudonym("ann@example.org") != PSEUDONYM


def test_a_new_key_signs_and_the_old_one_still_verifies() -> None:
    rotated = Keyring({1: KEY, 2: bytes(range(32, 64))})
    keys = rotated.campaign(CODE)
    fresh = keys.message_token(keys.pseudonym("ann@example.org"))
    assert fresh == "EQKIAUqydYXdGnY4OQKYwb3vZEcG"
    assert rotated.verify_tracking(CODE, fresh)
    assert rotated.verify_tracking(CODE, MESSAGE) == Tracked("message", ANN, key_id=1)
    assert rotated.verify_personal("unsubscribe", UNSUBSCRIBE) == Person(CODE, "message", ANN)
    assert rotated.campaign(CODE, key_id=1).message_token(PSEUDONYM) == MESSAGE
    assert KEYRING.verify_tracking(CODE, fresh) is None  # whoever has only the old key


def test_opt_outs_and_the_database_survive_a_new_key() -> None:
    rotated = Keyring({1: KEY, 2: bytes(range(32, 64))})
    assert rotated.subject("ann@example.org") == KEYRING.subject("ann@example.org")
    assert rotated.check_value() == KEYRING.check_value()


def test_another_key_verifies_nothing() -> None:
    other = Keyring({1: bytes(32)})
    assert other.verify_tracking(CODE, MESSAGE) is None
    assert other.verify_personal("unsubscribe", UNSUBSCRIBE) is None
    assert other.check_value() != KEYRING.check_value()


@pytest.mark.parametrize("ids", [(), (0,), (256,), (1, 300)])
def test_a_keyring_refuses_numbers_that_no_token_can_hold(ids: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        Keyring(dict.fromkeys(ids, KEY))


def test_a_merge_token_counts_once_the_mail_system_has_filled_it_in() -> None:
    ann = KEYRING.verify_tracking(CODE, f"{MERGE}.12345")
    bob = KEYRING.verify_tracking(CODE, f"{MERGE}.12346")
    assert ann is not None
    assert bob is not None
    assert ann.counts
    assert ann.kind == bob.kind == "merge"
    assert ann.pseudonym != bob.pseudonym


@pytest.mark.parametrize("left", ["*|EMAIL|*", "{{id}}", "%%ID%%", "", "a b", "é", "x" * 65, "a/b", "ann@x"])
def test_a_merge_token_that_was_not_filled_in_answers_and_does_not_count(left: str) -> None:
    assert KEYRING.verify_tracking(CODE, f"{MERGE}.{left}") == Tracked("merge", 0, counts=False, key_id=1)


@pytest.mark.parametrize("sealed", [MESSAGE, PREVIEW])
def test_only_a_merge_token_takes_a_foreign_id(sealed: str) -> None:
    assert KEYRING.verify_tracking(CODE, f"{sealed}.12345") is None
    assert KEYRING.verify_tracking(CODE, f"{sealed}.") is None


def test_the_sealed_part_of_a_merge_token_bears_no_edit() -> None:
    for edit in edits(MERGE):
        assert edit == MERGE or edit == f"{MERGE}." or not KEYRING.verify_tracking(CODE, f"{edit}.12345")


def test_lengths_keep_urls_short() -> None:
    click = addresses("https://track.example.com").click_before(CODE, 9999) + MESSAGE
    assert len(click) < 100
    assert max(map(len, (MESSAGE, PREVIEW, MERGE, UNSUBSCRIBE, PREFERENCES))) <= 40


def test_a_token_shows_nothing_of_the_address() -> None:
    raw = base64.urlsafe_b64decode(MESSAGE) + base64.urlsafe_b64decode(UNSUBSCRIBE)
    assert not any(part in raw for part in (b"ann", b"example", b"spring"))


# -- tokens of one link -----------------------------------------------------------------------------


@pytest.mark.parametrize("link", BOUND)
def test_a_bound_token_holds_for_its_own_link_alone(link: int) -> None:
    assert KEYRING.verify_tracking(CODE, BOUND[link], link) == Tracked("message", ANN, key_id=1)
    for other in {0, 1, 2, 69, 70, 134, 9_999_999} - {link}:
        assert KEYRING.verify_tracking(CODE, BOUND[link], other) is None
    assert KEYRING.verify_tracking("aaaaaaaa", BOUND[link], link) is None
    for more in ".", ".x", "..":  # one hit has one address
        assert KEYRING.verify_tracking(CODE, f"{BOUND[link]}{more}", link) is None


def test_a_bound_token_is_no_token_for_all_links() -> None:
    raw = bytearray(base64.urlsafe_b64decode(BOUND[1]))
    raw[0] &= 0x1F
    assert KEYRING.verify_tracking(CODE, base64.urlsafe_b64encode(raw).decode(), 1) is None


def test_every_bit_of_a_bound_token_counts() -> None:
    raw = base64.urlsafe_b64decode(BOUND[1])
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert KEYRING.verify_tracking(CODE, base64.urlsafe_b64encode(flipped).decode(), 1) is None


@pytest.mark.parametrize("kind", ["message", "preview"])
def test_tokens_minted_together_are_those_minted_one_by_one(kind: TokenKind) -> None:
    mint = KEYS.minter(kind)
    for one in range(500):
        pseudonym = one.to_bytes(8, "little")
        assert mint(pseudonym) == (
            KEYS.message_token(pseudonym, kind),
            KEYS.personal_token("unsubscribe", pseudonym, kind),
            KEYS.personal_token("preferences", pseudonym, kind),
        )


def test_a_token_ends_with_a_letter_whatever_it_is_made_of() -> None:
    for person in range(300):
        pseudonym = KEYS.pseudonym(str(person))
        made = (
            KEYS.message_token(pseudonym),
            KEYS.personal_token("preferences", pseudonym),
            *KEYS.bound_tokens(pseudonym, range(3)).values(),
        )
        assert all(token[-1] in string.ascii_letters for token in made)


def test_the_keys_of_made_up_campaigns_are_not_kept_and_those_of_real_ones_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pixeltrack.tokens._PROVED", 3)
    keyring = Keyring({1: KEY})
    for each in range(100):
        code = keyring.campaign_code(str(each))
        assert keyring.verify_tracking(code, "A" * 28) is None
        assert keyring.verify_tracking(code, MESSAGE) is None
    assert not keyring._proved
    for _ in range(2):  # the second time from what is kept, or anew where that has gone
        for each in range(10):
            keys = keyring.campaign(keyring.campaign_code(str(each)))
            assert keyring.verify_tracking(keys.code, keys.message_token(PSEUDONYM)) == Tracked(
                "message", ANN
            )
            assert keyring.verify_tracking(keys.code, keys.bound_tokens(PSEUDONYM, [7])[7], 7)
            assert keyring.verify_tracking(keys.code, MESSAGE) is None
        assert len(keyring._proved) == 3
