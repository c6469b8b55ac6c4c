"""A mail's days, played: people on many mail programs, and the machines that come with mail.

``draw`` makes a plan of hits with the truth beside each; ``expect`` adds the truth up by itself, so
that a report can be compared with what really happened; ``play`` makes the hits over real HTTP, and
``store`` puts them into a database. Nothing here knows the rules by which pixeltrack judges.
"""

from pixeltrack.simulate.draw import draw
from pixeltrack.simulate.hits import Headers, Hit, Person, Place, Plan, Program
from pixeltrack.simulate.mixes import DEMO, MIXES, Mix
from pixeltrack.simulate.truth import Expected, expect

__all__ = [
    "DEMO",
    "MIXES",
    "Expected",
    "Headers",
    "Hit",
    "Mix",
    "Person",
    "Place",
    "Plan",
    "Program",
    "draw",
    "expect",
]
