"""Telling other programs what happens: signed, at least once, in the order of storing (docs/webhooks.md).

``order`` knows what is new, ``payload`` what may be told of it, ``batches`` how much at once, ``target`` and
``wire`` where it may go and how, ``sending`` when, and what becomes of what fails.
"""


def events(number: int) -> str:
    """Return how many events, in words."""
    return "1 event" if number == 1 else f"{number:,} events"
