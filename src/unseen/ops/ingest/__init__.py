"""The batch of a retrain: which files it is, what identifies their rows, and whether they may train at all.

``take_in`` picks the partitions, ``check`` holds each against the schema before anything is computed. What the
system could not read just now is a `ReadError` (an `OSError`: try again); what is wrong with the data is a
`Finding`, or a `DataError` where there is no partition to tell of.
"""

from unseen.ops.ingest.gate import check
from unseen.ops.ingest.intake import Intake, take_in
from unseen.ops.ingest.partitions import Partition, ReadError, partitions
from unseen.ops.record import Finding

__all__ = ["Finding", "Intake", "Partition", "ReadError", "check", "partitions", "take_in"]
