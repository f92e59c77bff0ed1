r"""Incomplete Gaussian rows, grouped by missing pattern (Little & Rubin 2019, section 11.2).

With o the observed cells of a pattern, :math:`W` the inverse of :math:`\Sigma_{oo}` embedded in d x d zeros,
:math:`B = \Sigma W` and :math:`a = \mu - B\mu`, a row completes to :math:`\hat z = a + B z` (z zero where
missing) with conditional covariance :math:`C = \Sigma - \Sigma W \Sigma`. The sums of the completed rows
follow from the sums of the observed ones: nothing is done row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.linalg import cholesky
from unseen.numerics.quadratic import pack, unpack


@dataclass(frozen=True, slots=True)
class Conditionals:
    """Per pattern and component: embedded precision W (P, K, d, d), log-determinants of Sigma_oo (P, K), masked
    means (P, K, d), and the number of observed cells of each pattern (P,)."""

    precision: Array
    log_det: Array
    mean: Array
    observed: Array
    masks: Array


def marginals(mean: Array, covariance: Array, masks: Array) -> Conditionals:
    """Marginal Gaussians of the observed cells of every pattern; mean (K, d), covariance (K, d, d)."""
    m = masks[:, None, :]
    both = m[..., :, None] & m[..., None, :]
    d = masks.shape[1]
    # rows and columns of missing cells become those of the identity: one batched factorisation for all patterns
    embedded = np.where(both, covariance, np.eye(d))
    lower = cholesky(embedded.reshape(-1, d, d)).reshape(embedded.shape)
    log_det = 2 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1)
    precision = np.where(both, np.linalg.inv(embedded), 0.0)
    return Conditionals(precision, log_det, np.where(m, mean, 0.0), masks.sum(1), masks)


def regressions(c: Conditionals, mean: Array, covariance: Array) -> tuple[Array, Array, Array]:
    """Offset a (P, K, d), coefficients B (P, K, d, d) and conditional covariance C (P, K, d, d)."""
    seen = c.masks[:, None, :, None]
    # for observed rows B is the identity and C is zero: written as such, free of rounding
    slopes = np.where(seen, np.eye(len(mean[0])) * c.masks[:, None, None, :], covariance @ c.precision)
    offset = mean - (slopes @ c.mean[..., None])[..., 0]
    missing = ~c.masks[:, None, :]
    free = missing[..., :, None] & missing[..., None, :]
    residual = np.where(free, covariance - slopes @ covariance, 0.0)
    return np.where(missing, offset, 0.0), slopes, residual


def complete_moments(
    moments: Array, c: Conditionals, mean: Array, covariance: Array, mass: Array | None = None
) -> Array:
    """Expected sums over completed rows, (K, F), from sums over masked rows per pattern, (P, K, F).

    ``mass`` (P, K) weighs the conditional covariances where it differs from the first moment (Student-t).
    """
    offset, slopes, residual = regressions(c, mean, covariance)
    weight, first, second = unpack(moments, mean.shape[-1])
    moved = (slopes @ first[..., None])[..., 0]
    cross = offset[..., :, None] * moved[..., None, :]
    square = slopes @ second @ np.swapaxes(slopes, -1, -2)
    square += cross + np.swapaxes(cross, -1, -2)
    square += weight[..., None, None] * offset[..., :, None] * offset[..., None, :]
    square += (weight if mass is None else mass)[..., None, None] * residual
    return pack(weight, weight[..., None] * offset + moved, square).sum(axis=0)
