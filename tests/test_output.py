"""The output folder: all of it appears at once or nothing does, and only our own files are replaced."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import pytest

from pixeltrack import output, signals
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.output import Output

OLD, NEW = "000001-aaaaaa.html", "000001-bbbbbb.html"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "spring"


def _write(folder: Path, name: str = NEW, content: bytes = b"new", kind: str = "recipients") -> None:
    with Output(folder) as made:
        made.make_folder("html").write(name, content)
        if kind == "recipients":
            made.write("messages.csv", b"email\nada@example.com\n", 0o600)
        made.write("manifest.json", _manifest(kind).encode())
        made.publish()


def _manifest(kind: str) -> str:
    return json.dumps({"pixeltrack_manifest": 1, "kind": kind})


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_nothing_appears_before_publish(folder: Path):
    with Output(folder) as made:
        made.make_folder("html").write(NEW, b"new")
        made.write("manifest.json", b"{}")
        assert not folder.exists()
        made.publish()
        assert _files(folder) == {f"html/{NEW}": "new", "manifest.json": "{}"}


@pytest.mark.parametrize("existing", [False, True])
def test_an_error_leaves_nothing_behind(folder: Path, tmp_path: Path, existing: bool):
    if existing:
        _write(folder, OLD, b"old")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ZeroDivisionError), Output(folder) as made:
        made.make_folder("html").write(NEW, b"new")
        raise ZeroDivisionError
    assert sorted(tmp_path.rglob("*")) == before


def test_leaving_without_publish_leaves_nothing_behind(folder: Path, tmp_path: Path):
    with Output(folder) as made:
        made.make_folder("html").write(NEW, b"new")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_cleared_away_and_what_another_is_making_is_not(folder: Path):
    abandoned = folder.parent / ".spring.partial-x1y2z3"
    (abandoned / "html").mkdir(parents=True)
    with Output(folder) as other:
        other.make_folder("html").write(OLD, b"other")
        _write(folder)
        assert not abandoned.exists()
        other.write("manifest.json", _manifest("recipients").encode())
        other.publish()
    assert _files(folder) == {f"html/{OLD}": "other", "manifest.json": _manifest("recipients")}
    assert [path.name for path in folder.parent.iterdir()] == ["spring"]


def test_an_interruption_waits_until_all_is_done():
    done = []
    with pytest.raises(KeyboardInterrupt), signals.uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("whole")
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_bytes_are_written_as_they_are(folder: Path):
    with Output(folder) as made:
        made.make_folder("html").write(NEW, b"a\r\n\xff\0")
        made.publish()
    assert (folder / "html" / NEW).read_bytes() == b"a\r\n\xff\0"


def test_the_list_of_addresses_is_for_its_owner_alone(folder: Path):
    for _ in range(2):
        _write(folder)
        assert stat.S_IMODE((folder / "messages.csv").stat().st_mode) == 0o600


# -- a folder that is there -------------------------------------------------------------------------


def test_a_folder_with_anything_in_it_is_refused_without_force(folder: Path):
    folder.mkdir(parents=True)
    output.check(folder, force=False, campaign="")
    (folder / ".hidden").touch()
    with pytest.raises(InputError, match="is not empty"):
        output.check(folder, force=False, campaign="")
    output.check(folder, force=True, campaign="")


def test_force_replaces_our_files_and_keeps_the_users(folder: Path):
    _write(folder, OLD, b"old")
    ours = ("1234567-0123ab.html",)
    theirs = (
        "mine.html",
        "template.html",
        "000001-aaaaaa.html.bak",
        "00001-aaaaaa.html",
        "000001-AAAAAA.html",
    )
    for name in (*ours, *theirs):
        (folder / "html" / name).write_text("kept")
    (folder / "notes.txt").write_text("kept")
    _write(folder, NEW)
    assert _files(folder) == {
        f"html/{NEW}": "new",
        **dict.fromkeys((f"html/{name}" for name in theirs), "kept"),
        "manifest.json": _manifest("recipients"),
        "messages.csv": "email\nada@example.com\n",
        "notes.txt": "kept",
    }


def test_a_list_of_files_that_are_gone_does_not_stay(folder: Path):
    _write(folder, OLD)
    _write(folder, "template.html", kind="merge")
    assert sorted(_files(folder)) == ["html/template.html", "manifest.json"]


def test_a_file_of_the_users_in_the_place_of_ours_is_kept_beside_it(folder: Path):
    _write(folder, OLD)
    (folder / "html" / "template.html").write_text("theirs")
    _write(folder, "template.html", kind="merge")
    assert (folder / "html" / "template.html").read_text() == "new"
    assert (folder / "html" / "template.html.before").read_text() == "theirs"


@pytest.mark.parametrize("name", ["manifest.json", "messages.csv", "html/template.html"])
@pytest.mark.parametrize("manifest", ["{}", "[]", "no json", '{"pixeltrack_manifest": 1, "kind": "x"}', None])
def test_files_that_are_not_ours_are_not_replaced_even_by_force(
    folder: Path, name: str, manifest: str | None
):
    (folder / "html").mkdir(parents=True)
    (folder / name).write_text("theirs")
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match="that pixeltrack did not write"):
        output.check(folder, force=True, campaign="")


def test_a_preview_is_replaced_without_asking(folder: Path):
    _write(folder, "preview.html", kind="preview")
    output.check(folder, force=False, campaign="")
    (folder / "manifest.json").write_text(_manifest("merge"))
    with pytest.raises(InputError, match="is not empty"):
        output.check(folder, force=False, campaign="")


# -- places that cannot be written to ---------------------------------------------------------------


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    for force in (False, True):
        with pytest.raises(InputError, match="out is a file, not a folder"):
            output.check(tmp_path / "out", force=force, campaign="")


def test_a_folder_below_a_file_is_refused_before_anything_is_made(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PixeltrackError, match=r"cannot write to .*below: "):
        output.check(tmp_path / "file" / "deep" / "below", force=False, campaign="")
    with pytest.raises(PixeltrackError, match=r"cannot write to .*below: "):
        Output(tmp_path / "file" / "below")
    assert _files(tmp_path) == {"file": "mine"}


def test_a_place_where_no_folder_can_be_made_is_said_in_words():
    with pytest.raises(PixeltrackError, match="cannot write to /proc/none/spring: ") as refused:
        Output(Path("/proc/none/spring"))
    assert refused.value.hint == "choose another folder with --out"


def test_a_name_that_is_too_long_leaves_nothing_behind(folder: Path, tmp_path: Path):
    with pytest.raises(PixeltrackError, match="File name too long"), Output(folder) as made:
        made.make_folder("html").write("x" * 300, b"new")
    assert list(tmp_path.iterdir()) == []


# -- links to elsewhere -----------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / OLD).write_text("theirs")
    return place


def test_an_html_folder_that_leads_elsewhere_is_refused(folder: Path, elsewhere: Path):
    folder.mkdir(parents=True)
    (folder / "html").symlink_to(elsewhere)
    with pytest.raises(InputError, match="html is a link to elsewhere"):
        output.check(folder, force=True, campaign="")


def test_a_link_that_leads_nowhere_is_refused(folder: Path, tmp_path: Path):
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a file, not a folder"):
        output.check(folder, force=True, campaign="")
    assert not (tmp_path / "nowhere").exists()


def test_a_link_in_the_place_of_our_file_is_replaced_not_followed(folder: Path, elsewhere: Path):
    _write(folder)
    for link in (folder / "messages.csv", folder / "html" / NEW, folder / "html" / OLD):
        link.unlink(missing_ok=True)
        link.symlink_to(elsewhere / OLD)
    _write(folder)
    assert _files(elsewhere) == {OLD: "theirs"}
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("name", [OLD, NEW])
def test_a_message_is_never_written_through_a_link_or_over_a_file(folder: Path, elsewhere: Path, name: str):
    with pytest.raises(PixeltrackError, match="File exists"), Output(folder) as made:
        messages = made.make_folder("html")
        messages.write(OLD, b"first")
        (next(folder.parent.glob(".*partial*")) / "html" / NEW).symlink_to(elsewhere / OLD)
        messages.write(name, b"second")
    assert _files(elsewhere) == {OLD: "theirs"}
