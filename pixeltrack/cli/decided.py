"""When a decision about consent was made, and on which words: read from the options, or one clear error."""

from __future__ import annotations

from pathlib import Path

from pixeltrack.errors import InputError

_LONGEST = 1_000_000  # bytes of a wording
_LONGEST_REASON = 200  # characters


def read_at(at: str | None, now: int) -> int | None:
    from pixeltrack.times import read_time

    if at is None:
        return None
    decided = read_time(at, "--at")
    if decided > now:  # it would beat every withdrawal until then
        raise InputError(
            f"--at {at!r} is still to come", hint="a time without an offset is this machine's local time"
        )
    return decided


def read_reason(reason: str) -> str:
    """Return why something is accepted without proof: it stands in the audit trail, which names nobody."""
    said = " ".join(reason.split())
    if not said:
        raise InputError("--accept-unproven is empty", hint="say where these grants are from, in a few words")
    if "@" in said or len(said) > _LONGEST_REASON:
        raise InputError(
            "--accept-unproven has an address in it" if "@" in said else "--accept-unproven is too long",
            hint=f"it stands in the audit trail, which names nobody: {_LONGEST_REASON} characters at most",
        )
    return said


def read_wording(path: Path) -> bytes:
    """Return the bytes of the text that people were shown; raise InputError for what is no text."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", hint="give the text that people were shown") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8", hint="save the wording as plain text") from None
    if not text.strip():
        raise InputError(f"{path} is empty", hint="give the text that people were shown")
    if len(content) > _LONGEST:
        raise InputError(f"{path} has more than {_LONGEST:,} bytes", hint="give the wording alone, as text")
    return content
