"""Whether a column says who a row is, not what it is: whole numbers that count the rows, and names of identifiers."""

from __future__ import annotations

import re

import numpy as np

from unseen.core.block import INTEGER
from unseen.core.profile import ColumnProfile

#: of fewer rows whole numbers without a repeat say nothing
MANY = 30
#: pairs of equal numbers that even draws from the whole range would have: that there is none has a chance of exp(-12)
PAIRS = 12.0
NAMES = frozenset(("id", "uid", "pid", "uuid", "guid", "identifier"))


def numbers_rows(column: ColumnProfile) -> bool:
    """Whether whole numbers are all different although their range is too narrow for that to be chance.

    Rows that are drawn from any distribution over a range repeat at least as often as rows drawn evenly, of which n
    among R places have about n(n - 1) / 2R equal pairs.
    """
    step, n = column.resolution, column.weight
    if column.kind != INTEGER or step != 1 or n < MANY:
        return False  # every second number, or every hundredth, is a design
    points, mass = column.table()
    seen = len(points)
    if len(np.unique(points)) < seen or (mass > 1.5 * n / seen).any():
        return False
    if column.distinct is None and column.high - column.low == (n - 1) * step:
        return True
    places = (column.high - column.low) / step + 1
    return column.distinct in (None, int(n)) and seen * (seen - 1) / 2 / places > PAIRS


def named_identifier(name: str) -> bool:
    """Whether the first or the last word of a column's name is one for identifiers.

    >>> [n for n in ("id", "case.id", "PatientID", "userId", "covid", "paid", "grid") if named_identifier(n)]
    ['id', 'case.id', 'PatientID', 'userId']
    """
    words = _words(name)
    return bool(words) and not NAMES.isdisjoint((words[0], words[-1]))


def begins_so(name: str) -> bool:
    """Whether only the first of several words is one for identifiers: ``id_customer``, but ``id_ratio``, too."""
    words = _words(name)
    return len(words) > 1 and words[0] in NAMES and words[-1] not in NAMES


def _words(name: str) -> list[str]:
    return [w.lower() for w in re.split(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])", name) if w]
