"""Cholesky factors with named failures, and variance floors."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.errors import NumericalError


def cholesky(matrices: Array, what: str = "component") -> Array:
    """Lower Cholesky factors of (K, d, d) matrices.

    Raises
    ------
    NumericalError
        Names the first matrix that is not positive definite.
    """
    try:
        return np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        for k, matrix in enumerate(matrices):
            if not is_positive_definite(matrix):
                raise NumericalError(
                    f"the covariance of {what} {k} is singular or not positive definite: raise the variance "
                    "floor, add a prior, or use fewer components"
                ) from None
        raise


def is_positive_definite(matrix: Array) -> bool:
    """Whether a Cholesky factor exists."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(matrix).all())


def inverse_lower(lower: Array) -> Array:
    """Inverses of lower triangular matrices (..., d, d)."""
    d = lower.shape[-1]
    return np.tril(np.linalg.solve(lower, np.broadcast_to(np.eye(d), lower.shape)))


def floor_covariances(covariances: Array, scale: Array, floor: float) -> tuple[Array, int]:
    r"""Raise eigenvalues below ``floor`` in units of the data: those of :math:`D^{-1/2} \Sigma D^{-1/2}`.

    covariances (K, d, d), scale (d,) standard deviations of the data; returns the covariances and how many
    were changed.

    Raises
    ------
    NumericalError
        A covariance that is not finite: cells so large that their squares are none.
    """
    units = np.outer(scale, scale)
    standard = covariances / units
    if not np.isfinite(standard).all():
        raise NumericalError("a component's covariance is not finite: look for cells of another order of magnitude")
    margin = floor * np.eye(len(scale))
    try:
        np.linalg.cholesky(standard - margin)
        return covariances, 0
    except np.linalg.LinAlgError:
        pass
    out, bound = covariances.copy(), 0
    for k, matrix in enumerate(standard):
        values, vectors = np.linalg.eigh(matrix)
        if values[0] < floor:
            out[k] = (vectors * np.maximum(values, floor)) @ vectors.T * units
            bound += 1
    return out, bound
