"""Sums over the rows of each unit; ``offsets`` (U + 1,) says where the rows of a unit begin."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array


def segment_sums(values: Array, offsets: Array) -> Array:
    """Sums of values (..., n) over the rows of each unit, (..., U); zero for a unit without rows.

    >>> segment_sums(np.arange(4.0), np.array([0, 3, 3, 4])).tolist()
    [3.0, 0.0, 3.0]
    """
    some = np.diff(offsets) > 0
    if some.all():
        sums: Array = np.add.reduceat(values, offsets[:-1], axis=-1) if len(some) else values[..., :0]
        return sums
    out = np.zeros((*values.shape[:-1], len(some)))
    if some.any():
        out[..., some] = np.add.reduceat(values, offsets[:-1][some], axis=-1)
    return out


def units_of(offsets: Array) -> Array:
    """The number of the unit that each row belongs to, (n,)."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
