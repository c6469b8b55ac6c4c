"""The key file: private, never overwritten, and its faults are named by line."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from pixeltrack import keyfile
from pixeltrack.errors import KeyFileError
from pixeltrack.tokens import Keyring

GOOD = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(32, 64))).decode()


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_key_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keyfile.create(tmp_path / "k")
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_what_was_made_is_read_back(tmp_path: Path) -> None:
    made = keyfile.create(tmp_path / "k")
    assert keyfile.load(tmp_path / "k").check_value() == made.check_value()
    assert keyfile.create(tmp_path / "other").check_value() != made.check_value()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "k", "precious")
    with pytest.raises(KeyFileError, match="exists already"):
        keyfile.create(path)
    assert path.read_text() == "precious"


def test_nor_is_what_a_dangling_link_points_at_made(tmp_path: Path) -> None:
    (tmp_path / "k").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="exists already"):
        keyfile.create(tmp_path / "k")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"cannot write the key file .*: No such file or directory"):
        keyfile.create(tmp_path / "none" / "k")


def test_a_missing_key_file_is_said_with_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="no key file at") as missing:
        keyfile.load(tmp_path / "k")
    assert "a new key would not" in (missing.value.hint or "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o601])
def test_a_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "k", f"1 {GOOD}\n", mode)
    with pytest.raises(KeyFileError, match=f"can be read by others \\(mode {mode:04o}\\)") as refused:
        keyfile.load(path)
    assert refused.value.hint == f"chmod 600 {path}"


def test_the_highest_number_signs_and_all_verify(tmp_path: Path) -> None:
    keyring = keyfile.load(write(tmp_path / "k", f"# old\n1 {GOOD}\n\n7 {OTHER}\r\n"))
    assert keyring.active == 7
    old = Keyring({1: bytes(range(32))})
    token = old.campaign("aaaaaaaa").message_token(bytes(8))
    assert keyring.verify_tracking("aaaaaaaa", token)


@pytest.mark.parametrize(
    "line",
    [
        *("nonsense", "1", f"1{GOOD}", f"x {GOOD}", f"0 {GOOD}", f"256 {GOOD}", f"-1 {GOOD}", f"1  {GOOD}"),
        *(
            f"1 {GOOD[:-4]}",
            f"1 {GOOD}AAAA",
            f"1 {GOOD[:-1]}",
            f"1 {GOOD} more",
            f"1 {GOOD[:20]}!{GOOD[21:]}",
        ),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "k", f"# a comment\n2 {OTHER}\n{line}\n")
    with pytest.raises(KeyFileError, match="line 3 is not a key") as refused:
        keyfile.load(path)
    assert GOOD[:12] not in str(refused.value)  # an error may be copied into a ticket


def test_a_number_that_stands_twice_is_refused(tmp_path: Path) -> None:
    # Whichever won, mail signed with the other would be dead, and nobody would be told.
    path = write(tmp_path / "k", f"1 {GOOD}\n1 {OTHER}\n")
    with pytest.raises(KeyFileError, match="line 2 repeats key 1"):
        keyfile.load(path)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyFileError, match="holds no key"):
        keyfile.load(write(tmp_path / "k", text))


@pytest.mark.parametrize("text", ["1 é", "\ufeff1 " + GOOD])
def test_a_file_that_is_not_ascii_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyFileError, match="line 1 is not a key"):
        keyfile.load(write(tmp_path / "k", text))


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read the key file"):
        keyfile.load(tmp_path)
