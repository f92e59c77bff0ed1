r"""Regressions of missing cells on observed ones, for many missing patterns of the same covariances at once.

For a pattern with observed columns o and missing columns m, one d x d matrix holds all that is needed: in observed
rows :math:`L^{-1}` (where :math:`L L^\top = \Sigma_{oo}`), in missing rows :math:`B = \Sigma_{mo} \Sigma_{oo}^{-1}`
beside :math:`C = \Sigma_{mm} - B \Sigma_{om}`. Applied to a row minus its mean, zero where missing, it gives the
innovations of the observed cells, whose squares sum to the Mahalanobis distance, and the expected missing cells.

Source: Goodnight (1979), The American Statistician 33, on the sweep operator; Little & Rubin (2019), section 7.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.linalg import cholesky, inverse_lower
from unseen.numerics.quadratic import pairs

# beyond so many columns patterns share too little, and LAPACK's blocked products win
SWEPT_COLUMNS = 16
# a column of which the others leave less than this share of variance costs the sweep too many digits
TOLERANCE = 1e-6
# doubles in one array of a sweep: fresh pages for larger ones cost more than the arithmetic
SWEPT_AT_ONCE = 262_144


@dataclass(frozen=True, slots=True)
class Regressions:
    """Per pattern and component: the matrix above (P, K, d, d), its C packed, zero elsewhere, (P, K, d(d+1)/2), and
    half the log-determinant of Sigma_oo (P, K)."""

    matrix: Array
    residual: Array
    half_log_det: Array


def regressions(covariance: Array, precision: Array, masks: Array) -> Regressions:
    """The regressions of every pattern in ``masks`` (P, d); covariance and precision (K, d, d).

    A pattern's numbers do not depend on which others are asked for with it.
    """
    k, d = covariance.shape[:2]
    if d <= SWEPT_COLUMNS and share_left(covariance, precision) > TOLERANCE:
        return _in_parts(covariance, masks, max(1, SWEPT_AT_ONCE // (k * d * d)))
    return factor(covariance, masks)


def share_left(covariance: Array, precision: Array) -> float:
    r"""The smallest share of a column's variance that the other columns leave, :math:`1 / (P_{jj} \Sigma_{jj})`.

    No pivot of any sweep, whatever the pattern, is a smaller share of its column's variance.
    """
    inflation = np.diagonal(covariance, axis1=1, axis2=2) * np.diagonal(precision, axis1=1, axis2=2)
    return float(1 / inflation.max())


def sweep(covariance: Array, masks: Array) -> Regressions:
    """By sweeping column after column: patterns that agree up to a column share the work done so far."""
    (count, d), k = masks.shape, len(covariance)
    bits = 1 << np.arange(d)
    patterns = masks @ bits
    # beginnings of patterns come last, where NumPy's loops are long: in order, those without the latest column first
    matrix, half_log_det, codes = covariance[..., None], np.zeros((k, 1)), np.zeros(1, np.intp)
    for j, bit in enumerate(bits):
        longer = np.unique(patterns & (2 * bit - 1))
        parents = np.searchsorted(codes, longer & (bit - 1))
        without, has = np.split(parents, [np.searchsorted(longer, bit)])
        seen = (codes[has] & bits[:, None]) != 0
        swept, log_root = _sweep_column(np.take(matrix, has, axis=-1), seen, j)
        matrix = np.concatenate([np.take(matrix, without, axis=-1), swept], axis=-1)
        half_log_det = np.concatenate([half_log_det[:, without], half_log_det[:, has] + log_root], axis=-1)
        codes = longer
    i, j = pairs(d)
    residual = matrix[:, i, j] * ((codes & (bits[i] | bits[j])[:, None]) == 0)
    at = np.searchsorted(codes, patterns)
    return Regressions(
        matrix.reshape(-1, len(codes)).T[at].reshape(count, k, d, d),
        residual.reshape(-1, len(codes)).T[at].reshape(count, k, len(i)),
        half_log_det.T[at],
    )


def _sweep_column(matrix: Array, seen: Array, j: int) -> tuple[Array, Array]:
    """Column j becomes observed, in (K, d, d, N) where ``seen`` (d, N) is already; also half the log of the pivots.

    Row j has had its last use as a regression, so it turns into the innovation of column j. Innovations have zeros
    in later columns, so the update leaves those of earlier columns as they are.
    """
    row = matrix[:, j]
    root = np.sqrt(row[:, j])
    slope = matrix[:, :, j] / row[:, None, j]
    out = slope[:, :, None] * row[:, None]
    np.subtract(matrix, out, out=out)
    out[:, :, j] = slope
    out[:, j] = np.where(seen, row / -root[:, None], 0.0)
    out[:, j, j] = 1 / root
    return out, np.log(root)


def factor(covariance: Array, masks: Array) -> Regressions:
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
    i, j = pairs(d)
    packed = residual[..., i, j] * ~(here[..., i] | here[..., j])
    return Regressions(np.where(here[..., :, None], whitener, below), packed, half_log_det)


def _in_parts(covariance: Array, masks: Array, size: int) -> Regressions:
    """Swept in alphabetical order, so that the patterns of one part share beginnings."""
    if len(masks) <= size:
        return sweep(covariance, masks)
    order = np.lexsort(masks.T[::-1])
    parts = [sweep(covariance, masks[order[a : a + size]]) for a in range(0, len(order), size)]
    back = np.argsort(order)
    return Regressions(
        *(np.concatenate([getattr(part, name) for part in parts])[back] for name in Regressions.__slots__)
    )
