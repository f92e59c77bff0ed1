r"""Rows with a few missing cells completed through the precision matrix, where hardly two rows share a pattern.

With P the precision of all columns and y a row minus a component's mean, zero where missing,

.. math:: E[y_m \mid y_o] = -P_{mm}^{-1} (P y)_m, \qquad C = P_{mm}^{-1}, \qquad
          |\Sigma_{oo}| = |\Sigma| \, |P_{mm}|

so that a pattern costs the inverse of a matrix as large as what it misses, and all rows share two products with
matrices as large as a row. Distances are those of the completed rows: the missing cells' expectations minimise them.

Source: Rue & Held (2005), Gaussian Markov Random Fields, theorem 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import Cells
from unseen.core.patterns import Missing, Patterns
from unseen.core.stats import Array
from unseen.numerics.quadratic import pairs
from unseen.numerics.workspace import borrow

# with more rows to a pattern than this, a matrix for each pattern is made more cheaply than its rows are gathered
ROWS_SHARING = 8
# a larger share of missing cells makes the matrices of patterns as large as the rows
MOST_MISSING = 0.5
# a column of which the others leave less than this share of variance costs the expectations half their digits
LEAST_LEFT = 1e-7


def suits(patterns: Patterns) -> bool:
    """Whether these patterns are better completed one by one than through a matrix for each of them."""
    rows, (count, d) = len(patterns.order), patterns.masks.shape
    return rows < ROWS_SHARING * count and patterns.missing_cells <= MOST_MISSING * rows * d


def complete(
    cells: Cells, patterns: Patterns, precision: Array, whitener: Array, anchor: Array, shift: Array
) -> tuple[Array, CompletedRows, list[Array]]:
    """Squared distances (K, n) of rows in the order of their patterns, the rows completed, and half log-determinants.

    precision, whitener (K, d, d); anchor (d,) or (K, d); shift (K, d)
    """
    (d, n), k = cells.values.shape, len(shift)
    rows = borrow((k, d, n))
    np.subtract(cells.values, anchor[..., None], out=rows, dtype=float)
    rows -= shift[..., None]
    if cells.observed is not None:
        rows *= cells.observed
    slopes = np.matmul(precision, rows, out=borrow(rows.shape)).reshape(k, -1)
    flat = rows.reshape(k, -1)
    half_log_det = np.empty((len(patterns.masks), k))
    half_log_det[:] = -np.log(np.diagonal(whitener, axis1=1, axis2=2)).sum(-1)
    parts = []
    for group in patterns.missing:
        covariance, log_det = invert(precision, group)
        half_log_det[group.patterns] += 0.5 * log_det.T
        parts.append((group, covariance))
        mine = covariance if group.row_pattern is None else covariance[..., group.row_pattern]
        there = np.take(slopes, group.cells, axis=1).reshape(k, *group.here.shape) * group.here
        expected = np.einsum("kijn,kjn->kin", mine, there).reshape(k, -1)
        flat[:, group.cells[group.there]] = -expected[:, group.there]
    white = np.matmul(whitener, rows, out=slopes.reshape(rows.shape))
    return np.einsum("kdn,kdn->kn", white, white), CompletedRows(rows, patterns, parts), [half_log_det]


def invert(matrix: Array, group: Missing) -> tuple[Array, Array]:
    """Inverses of the parts of matrices (K, d, d) that patterns miss, (K, w, w, P), and log-determinants (K, P).

    Each pattern's part is filled up to w with the identity. All are swept at once, column after column.
    """
    k, d = matrix.shape[:2]
    w, count = group.columns.shape
    wide = np.zeros((k, d + w, d + w))
    wide[:, :d, :d] = matrix
    filler = np.arange(d, d + w)
    wide[:, filler, filler] = 1
    left = np.take(wide.reshape(k, -1), group.columns[:, None] * (d + w) + group.columns, axis=1)
    pivots = np.empty((k, w, count))
    for j in range(w):
        pivot = pivots[:, j]
        pivot[:] = left[:, j, j]
        row = left[:, j] / pivot[:, None]
        left -= left[:, :, j, None] * row[:, None]
        left[:, j], left[:, :, j], left[:, j, j] = row, row, -1 / pivot
    return np.negative(left, out=left), np.log(pivots, out=pivots).sum(axis=1)


class CompletedTable:
    """Rows (K, d, n) less the means of K components, expectations where missing, in the order of their patterns."""

    rows: Array

    def average(self, responsibilities: Array) -> Array:
        """Over components, (d, n), at responsibilities (K, n)."""
        return np.asarray(np.einsum("kn,kdn->dn", responsibilities, self.rows))

    def moments(self, weights: Array) -> tuple[Array, Array]:
        """First (K, d) and packed second moments (K, d(d+1)/2) about the means, at ``weights`` (K, n)."""
        weighted = np.multiply(self.rows, weights[:, None], out=borrow(self.rows.shape))
        i, j = pairs(self.rows.shape[1])
        return weighted.sum(axis=2), (weighted @ np.swapaxes(self.rows, 1, 2))[:, i, j]


@dataclass(frozen=True, slots=True)
class CompletedRows(CompletedTable):
    """Rows (K, d, n) less the means, expectations where missing, in the order of their patterns, and for each group
    of patterns the conditional covariances of what they miss (K, w, w, P)."""

    rows: Array
    patterns: Patterns
    parts: list[tuple[Missing, Array]]

    def spread(self, mass: Array) -> Array:
        """Conditional covariances of all rows, (K, d(d+1)/2), weighed by mass (K, n)."""
        k, d = self.rows.shape[:2]
        per_pattern = np.add.reduceat(mass, self.patterns.starts[:-1], axis=1) if mass.shape[1] else mass
        total = np.zeros((k, d * d))
        for group, covariance in self.parts:
            weighted = (covariance * per_pattern[:, None, None, group.patterns]).reshape(k, -1)[:, group.inside]
            for one, mine in zip(total, weighted, strict=True):
                one += np.bincount(group.squares, mine, d * d)
        i, j = pairs(d)
        return total[:, i * d + j]
