"""Cells at single values of their columns and beside them: which are where, and what fills missing ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array


def split_cells(cells: Cells, places: Sequence[int], atoms: Sequence[Sequence[float]]) -> tuple[Cells, Cells]:
    """Codes of the columns with atoms, 0 for the rest, and all cells with those at an atom missing.

    ``places`` : where the columns with atoms stand among all, with their ``atoms`` in the same order
    """
    codes = np.zeros((len(atoms), cells.values.shape[1]), np.int32)
    for row, place, values in zip(codes, places, atoms, strict=True):
        for code, value in enumerate(values, 1):
            row[cells.values[place] == value] = code
    seen = np.ones(cells.values.shape, bool) if cells.observed is None else cells.observed.copy()
    known = None if cells.observed is None else cells.observed[places]
    seen[places] &= codes == 0
    return Cells(codes, known), Cells(cells.values, None if seen.all() else seen)


def filling_shares(shares: Array, slips: Array) -> Array:
    """The shares (K, 1 + m) of a column's rest and atoms that fill its missing cells: none for ``slips`` (1 + m,)."""
    if not slips.any():
        return shares
    kept = np.where(slips, 0.0, shares)
    total = kept.sum(axis=1, keepdims=True)
    only = np.eye(len(slips))[0]  # a component of nothing but slips fills with its rest
    return np.where(total > 0, kept / np.where(total > 0, total, 1.0), only)
