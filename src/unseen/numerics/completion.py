"""Missing cells of Gaussian rows filled in: with their expectation, or with draws that spread as they should."""

from __future__ import annotations

import numpy as np

from unseen.core.block import Cells
from unseen.core.family import tile_rows
from unseen.core.stats import Array
from unseen.numerics.incomplete import PatternTable, incomplete_rows


def conditional_mean(means: Array, table: PatternTable | None, cells: Cells, responsibilities: Array) -> Array:
    """Expected cells (d, n): observed ones as they are, missing ones averaged over components.

    means (K, d); the table of the covariances around them, None where columns are independent; responsibilities (K, n)
    """
    if cells.observed is None:
        return cells.values.astype(float)
    out = means.T @ responsibilities
    if table is not None:
        size = tile_rows(3 * means.size)
        for first in range(0, out.shape[1], size):
            at = slice(first, first + size)
            rows = incomplete_rows(cells.rows(first, first + size), table, means, np.zeros_like(means))
            out[:, at] += rows.expectation(responsibilities[:, at])
    return np.where(cells.observed, cells.values, out)


def conditional_draw(means: Array, covariances: Array, cells: Cells, states: Array, noise: Array) -> Array:
    """Cells with the missing ones drawn given observed cells and each row's state (n,).

    noise : (d, n) standard normal draws, which a Student-t row has divided by the root of its precision factor
    """
    out = cells.values.astype(float)
    if cells.observed is None:
        return out
    for k in np.unique(states):
        # a joint draw corrected to agree with the observed cells has the right conditional distribution
        mine = np.flatnonzero(states == k)
        joint = means[k][:, None] + np.linalg.cholesky(covariances[k]) @ noise[:, mine]
        seen = cells.observed[:, mine]
        part = Cells(np.where(seen, cells.values[:, mine] - joint, 0.0), seen)
        table = PatternTable(covariances[[k]])
        gap = conditional_mean(np.zeros_like(means[[k]]), table, part, np.ones((1, len(mine))))
        out[:, mine] = np.where(seen, cells.values[:, mine], joint + gap)
    return out
