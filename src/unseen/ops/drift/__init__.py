"""Drift: sequential tests of new data against what the champion was trained on.

`remember` sums up the rows behind a champion; `look` compares new rows with that, as often as one likes: the
probability of any false alarm over the champion's whole life is ``drift.false_alarms``; `latest` is the last look.
"""

from unseen.ops.drift.fresh import fresh_blocks
from unseen.ops.drift.look import batch_id, look
from unseen.ops.drift.own import of_version
from unseen.ops.drift.reference import recall, remember
from unseen.ops.drift.report import DriftReport, DriftTest, Latest
from unseen.ops.drift.state import latest

__all__ = [
    "DriftReport",
    "DriftTest",
    "Latest",
    "batch_id",
    "fresh_blocks",
    "latest",
    "look",
    "of_version",
    "recall",
    "remember",
]
