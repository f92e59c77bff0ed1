"""Whether a candidate may replace the champion: held-out rows, what they say of both, and the gates."""

from unseen.ops.judge.alignment import Flow, align
from unseen.ops.judge.comparing import compare
from unseen.ops.judge.gates import allowed, judge
from unseen.ops.judge.heldout import HoldOut
from unseen.ops.judge.memory import Everything, Remembered
from unseen.ops.judge.metric import MetricError
from unseen.ops.judge.validation import validate

__all__ = [
    "Everything",
    "Flow",
    "HoldOut",
    "MetricError",
    "Remembered",
    "align",
    "allowed",
    "compare",
    "judge",
    "validate",
]
