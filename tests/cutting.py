"""Rewriting without a store: the edits that compile.py makes, with short values of our own."""

from __future__ import annotations

from collections.abc import Callable

from pixeltrack.compile import _fill
from pixeltrack.edits import Edit, cut, cut_regions
from pixeltrack.links import Policy
from pixeltrack.message import plan_message
from pixeltrack.rewrite import Plan, plan
from pixeltrack.source import Source, read
from pixeltrack.template import Slot
from pixeltrack.urls import addresses

PLACES = addresses("https://t.example")
CODE = "abcdefgh"
TOKEN = "T" * 28
VALUES: dict[Slot, str] = {
    "message": TOKEN,
    "unsubscribe": "U" * 40,
    "preferences": "P" * 40,
}
PAGES = {
    "unsubscribe": f"https://t.example/u/{'U' * 40}",
    "preferences": f"https://t.example/p/{'P' * 40}",
    "privacy": "https://t.example/privacy",
}
OWN = PLACES.owns
POLICY = Policy(OWN)
PIXEL = f'<img src="https://t.example/o/abcdefgh/{TOKEN}.gif" width="1" height="1" alt="" border="0" />'


def click(number: int) -> str:
    """Return our URL of one link, as a rewritten mail has it."""
    return f"https://t.example/c/abcdefgh/{number}/{TOKEN}"


def planned(mail: bytes, encoding: str | None = None) -> Plan:
    return plan(read(mail, "mail.html", encoding), POLICY)


def edits_of(made: Plan) -> list[Edit]:
    """Return what compile.py would change: links by their number in the mail, then the pixel."""
    edits = []

    def edit(start: int, end: int, before: str, slot: Slot | None, after: str = "") -> None:
        before, after = made.enclose(start, before, after, slot is not None)
        edits.append(Edit(start, end, before, slot, after))

    for link in made.links:
        if link.decision == "fill":
            edit(link.start, link.end, *_fill(link, PLACES))
        elif link.decision == "wrap":
            edit(link.start, link.end, PLACES.click_before(CODE, link.number), "message")
    if made.pixel_at is not None:
        before, after = PIXEL.split(TOKEN + ".gif")
        edit(made.pixel_at, made.pixel_at, before, "message", f".gif{after}")
    return edits


def render(source: Source, edits: list[Edit]) -> bytes:
    return cut(source, edits).renderer()(VALUES)


def rewrite(mail: bytes, encoding: str | None = None) -> bytes:
    """Return the mail with its links wrapped, its placeholders filled and its pixel placed."""
    made = planned(mail, encoding)
    return render(made.source, edits_of(made))


def rewrite_message(mail: bytes, *, text: bool = True, anew: bool = False) -> bytes:
    """Return a whole message with the links and the pixel of its parts done."""
    made = plan_message(mail, "mail.eml", POLICY, text=text, anew=anew)
    return cut_regions(made.source, made.regions, edits_of(made)).renderer()(VALUES)


def growth(work: Callable[[str], object], piece: str, size: int = 30_000) -> float:
    """Return how many times longer work takes on twice the input; linear is about 2."""
    from time import process_time

    def seconds(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            start = process_time()
            work(text)
            best = min(best, process_time() - start)
        return best

    once = piece * (size // len(piece))
    return seconds(once * 2) / max(seconds(once), 0.002)  # below the clock's grain all is equal
