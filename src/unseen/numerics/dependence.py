"""Columns that follow exactly from others: a full covariance over them is singular."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array

#: share of a column's variance that others leave unexplained, below which it follows from them
EXACT = 1e-8


def dependent(columns: Array) -> tuple[dict[int, list[int]], float]:
    """Columns (d, n) that are linear functions of earlier ones, and of which: modified Gram-Schmidt, in order.

    Second, the smallest share of its variance that a column which is none has of its own.

    >>> hour, minute = np.arange(60.0) // 7, np.arange(60.0) % 7
    >>> dependent(np.array([hour, 100 * hour + minute, minute]))[0]
    {2: [0, 1]}
    """
    least = 1.0
    centred = columns - columns.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1))
    found: dict[int, list[int]] = {}
    basis: list[Array] = []
    kept: list[int] = []
    for j, column in enumerate(centred):
        if not 0 < size[j] < np.inf:  # of a column whose squares overflow nothing can be told
            continue
        rest = column / size[j]
        for _ in range(2):  # once more takes away what rounding left
            for q in basis:
                rest = rest - (q @ rest) * q
        if rest @ rest < EXACT:
            slopes = np.linalg.lstsq(centred[kept].T / size[kept], column / size[j], rcond=None)[0]
            found[j] = [k for k, slope in zip(kept, slopes, strict=True) if abs(slope) > 1e-4]
        else:
            least = min(least, float(rest @ rest))
            basis.append(rest / np.sqrt(rest @ rest))
            kept.append(j)
    return found, least
