r"""Regressions of missing cells on observed ones, for many missing patterns of the same covariances at once.

For a pattern with observed columns o and missing columns m, one d x d matrix holds all that is needed: in observed
rows :math:`L^{-1}` (where :math:`L L^\top = \Sigma_{oo}`), in missing rows :math:`B = \Sigma_{mo} \Sigma_{oo}^{-1}`
beside :math:`C = \Sigma_{mm} - B \Sigma_{om}`. Applied to a row minus its mean, zero where missing, it gives the
innovations of the observed cells, whose squares sum to the Mahalanobis distance, and the expected missing cells.

Source: Goodnight (1979), The American Statistician 33, on the sweep operator; Little & Rubin (2019), section 7.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from unseen.core.stats import Array
from unseen.kernels.layout import SPARE
from unseen.numerics.compiled_patterns import PatternKernel
from unseen.numerics.linalg import cholesky, inverse_lower
from unseen.numerics.quadratic import pairs
from unseen.numerics.workspace import borrow

# beyond so many columns patterns share too little, and LAPACK's blocked products win
SWEPT_COLUMNS = 16
# a column of which the others leave less than this share of variance costs the sweep too many digits
TOLERANCE = 1e-6
# doubles in one array of a sweep, so that it stays in a near cache
SWEPT_AT_ONCE = 131_072


@dataclass(frozen=True, slots=True)
class Regressions:
    """Per pattern and component: the columns of the matrix above (P, K, d, d), its C packed, zero elsewhere,
    (P, K, d(d+1)/2), and half the log-determinant of Sigma_oo (P, K)."""

    columns: Array
    residual: Array
    half_log_det: Array

    @property
    def matrix(self) -> Array:
        """The matrices above, (P, K, d, d)."""
        return np.swapaxes(self.columns, -1, -2)

    @classmethod
    def room(cls, patterns: int, components: int, d: int) -> Regressions:
        """Uninitialised memory for so many patterns, with some to spare behind it."""
        shapes = [(patterns, components, *shape) for shape in ((d, d), (d * (d + 1) // 2,), ())]
        return cls(*(borrow((prod(shape) + SPARE,))[:-SPARE].reshape(shape) for shape in shapes))

    def part(self, start: int, stop: int) -> Regressions:
        """A view of patterns ``start`` to ``stop``."""
        return Regressions(self.columns[start:stop], self.residual[start:stop], self.half_log_det[start:stop])


def regress(
    covariance: Array, precision: Array, masks: Array, out: Regressions, twin: PatternKernel | None = None
) -> None:
    """Write into ``out`` the regressions of the patterns in ``masks`` (P, d), each there once, at best `in_order`.

    covariance and precision (K, d, d). A pattern's numbers do not depend on which others are asked for with it.
    """
    k, d = covariance.shape[:2]
    size = max(1, SWEPT_AT_ONCE // (k * d * d))
    swept = d <= SWEPT_COLUMNS and share_left(covariance, precision) > TOLERANCE
    if swept and twin is not None:
        out.half_log_det[:] = 0.5 * np.log(twin.sweep(covariance, masks, out.columns, out.residual)).sum(-1)
        return
    for first in range(0, len(masks), size):
        (sweep if swept else factor)(covariance, masks[first : first + size], out.part(first, first + size))


def in_order(masks: Array) -> Array:
    """The alphabetical order of patterns: neighbours share beginnings."""
    return np.lexsort(masks.T[::-1])


def share_left(covariance: Array, precision: Array) -> float:
    r"""The smallest share of a column's variance that the other columns leave, :math:`1 / (P_{jj} \Sigma_{jj})`.

    No pivot of any sweep, whatever the pattern, is a smaller share of its column's variance.
    """
    inflation = np.diagonal(covariance, axis1=1, axis2=2) * np.diagonal(precision, axis1=1, axis2=2)
    return float(1 / inflation.max())


def sweep(covariance: Array, masks: Array, out: Regressions) -> None:
    """By sweeping column after column: patterns that agree up to a column share the work done so far."""
    (count, d), k = masks.shape, len(covariance)
    space = borrow((3, k * d * d * count))
    # beginnings of patterns come last, where NumPy's loops are long: those without the latest column, then the others
    matrix, half_log_det = covariance.reshape(-1, 1), np.zeros((k, 1))
    steps, order = _beginnings(masks.tobytes(), d)
    for j, (without, has, seen) in enumerate(steps):
        first = len(without)
        after = _shaped(space[j % 2], len(matrix), first + len(has))
        after[:, :first] = np.take(matrix, without, axis=1, out=_shaped(space[2], len(matrix), first), mode="clip")
        before = np.take(matrix, has, axis=1, out=_shaped(space[2], len(matrix), len(has)), mode="clip")
        log_root = _sweep_column(before.reshape(k, d, d, -1), seen, j, after.reshape(k, d, d, -1)[..., first:])
        half_log_det = np.concatenate([half_log_det[:, without], half_log_det[:, has] + log_root], axis=1)
        matrix = after
    out.columns[order] = matrix.reshape(k, d, d, -1).transpose(3, 0, 2, 1)
    out.half_log_det[order] = half_log_det.T
    left, right = pairs(d)
    np.take(out.columns.reshape(count, k, -1), right * d + left, axis=2, out=out.residual, mode="clip")
    np.multiply(out.residual, ~(masks[:, left] | masks[:, right])[:, None], out=out.residual)


@lru_cache(maxsize=64)
def _beginnings(masks: bytes, d: int) -> tuple[list[tuple[Array, Array, Array]], Array]:
    """Column by column, which beginnings of patterns go on without it, which with it, and what the latter have seen.

    Places are those among the beginnings one column shorter; the last array has the place of each whole pattern.
    """
    bits = 1 << np.arange(d)
    patterns = np.frombuffer(masks, bool).reshape(-1, d) @ bits
    codes, steps = np.zeros(1, np.intp), []
    for bit in bits:
        longer = np.unique(patterns & (2 * bit - 1))
        parents = np.searchsorted(codes, longer & (bit - 1))
        first = int(np.searchsorted(longer, bit))
        has = parents[first:]
        steps.append((parents[:first], has, (codes[has] & bits[:, None]) != 0))
        codes = longer
    return steps, np.argsort(patterns)


def _shaped(space: Array, rows: int, columns: int) -> Array:
    return space[: rows * columns].reshape(rows, columns)


def _sweep_column(matrix: Array, seen: Array, j: int, out: Array) -> Array:
    """Column j becomes observed, where ``seen`` (d, N) is already; returns half the log of the pivots, (K, N).

    Row j has had its last use as a regression, so it turns into the innovation of column j. Innovations have zeros
    in later columns, so the update leaves those of earlier columns as they are.
    """
    row = matrix[:, j]
    root = np.sqrt(row[:, j])
    slope = matrix[:, :, j] / row[:, None, j]
    np.multiply(slope[:, :, None], row[:, None], out=out)
    np.subtract(matrix, out, out=out)
    out[:, :, j] = slope
    out[:, j] = np.where(seen, row / -root[:, None], 0.0)
    out[:, j, j] = 1 / root
    return np.log(root)


def factor(covariance: Array, masks: Array, out: Regressions) -> None:
    """By a Cholesky factorisation for each pattern: slower in few columns, safe where columns nearly repeat others."""
    d = masks.shape[1]
    here = masks[:, None, :]
    both = here[..., :, None] & here[..., None, :]
    # rows and columns of missing cells become those of the identity: one batched factorisation for all patterns
    embedded = np.where(both, covariance, np.eye(d))
    lower = cholesky(embedded.reshape(-1, d, d)).reshape(embedded.shape)
    half_log_det = np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1)
    whitener = np.where(both, inverse_lower(lower), 0.0)
    slopes = covariance @ (np.swapaxes(whitener, -1, -2) @ whitener)
    residual = covariance - slopes @ covariance
    below = np.where(here[..., None, :], slopes, residual)
    out.matrix[:] = np.where(here[..., :, None], whitener, below)
    out.half_log_det[:] = half_log_det
    i, j = pairs(d)
    out.residual[:] = residual[..., i, j] * ~(here[..., i] | here[..., j])
