"""What pixeltrack says when something is wrong: what, which value, and what to do next."""

from __future__ import annotations


class PixeltrackError(Exception):
    """An expected failure, shown to the user as one ``Error:`` line and an optional ``Hint:``.

    ``exit_code`` is 1 (the work could not be done), 2 (the input or the call was wrong) or 3 (refused for
    the sake of the people it is about).
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(PixeltrackError):
    """The user's input or options are wrong: a file, a line or a value that must be changed."""

    exit_code = 2


class NotLawful(PixeltrackError):
    """What was asked for must not be done to people as it is: something lacks that their law asks for."""

    exit_code = 3


class Interrupted(PixeltrackError):
    """A long run was stopped, and what it has made is kept for ``--resume``."""

    def __init__(self, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class StoreError(PixeltrackError):
    """The database cannot be opened, read or written."""


class KeyFileError(PixeltrackError):
    """The key file is missing, unreadable, unsafe, or not the one that made the database."""


class SelfCheckError(PixeltrackError):
    """A proof about a rewritten mail failed; nothing was written."""


class NoSuchCampaign(PixeltrackError):
    """A campaign name that the database does not hold."""

    def __init__(self, name: str, known: list[str]) -> None:
        shown = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
        super().__init__(
            f"no such campaign: {name!r}",
            hint=f"known campaigns: {shown or 'none yet; pixeltrack inject makes one'}",
        )
