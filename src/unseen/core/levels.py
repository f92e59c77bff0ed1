"""Whether a few numbers are levels or codes, by where they lie on their grid."""

from __future__ import annotations

import numpy as np

from unseen.core.profile import ColumnProfile

#: numbers of at most so many different values are ordered codes; up to so many they may be
CODES, LEVELS = 6, 12


def growing(column: ColumnProfile) -> bool:
    """Whether a few whole numbers are levels such as 1, 2, 5, 10, 50, 100."""
    gaps = np.diff(column.table()[0])
    rises = np.diff(gaps)
    return bool((rises >= 0).all()) and int((rises > 0).sum()) >= 3 and gaps[-1] >= 10 * gaps[0]


def may_be_levels(column: ColumnProfile) -> bool:
    """Whether numbers are so few that they may be levels: whole ones side by side, others where most are left out."""
    distinct = column.distinct or 0
    if not 2 < distinct <= min(LEVELS, column.weight / 2) or not column.resolution:
        return False
    spread = column.high - column.low
    few = 4 * distinct <= spread / column.resolution if column.fractions else spread <= 2 * LEVELS
    return few or distinct <= CODES


def far_apart(column: ColumnProfile) -> bool:
    """Whether a few whole numbers leave most of their grid out, as the numbers of shops or districts do."""
    points, _ = column.table()
    step = column.resolution
    if not step or np.count_nonzero(np.diff(points) < 2.5 * step) >= len(points) // 2:
        return False  # numbers side by side and some beyond them are counts
    return bool(np.ptp(points) > 4 * LEVELS and 4 * len(points) <= np.ptp(points) / step)
