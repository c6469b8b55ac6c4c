"""Judging hits: facts in, verdicts out. Nothing here knows a database.

``judge`` is the whole of it. One hit by itself (``hit``), the hits of one message beside each other
(``clicks``), one address on many messages (``stretches``), and the decision (``decision``).
"""

from pixeltrack.judging.decision import Judge, judge, judge_of, spread_among
from pixeltrack.judging.values import LABELS, Context, Fact, Label, Verdict

__all__ = ["LABELS", "Context", "Fact", "Judge", "Label", "Verdict", "judge", "judge_of", "spread_among"]
