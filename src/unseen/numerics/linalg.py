"""Cholesky factors with named failures."""

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
                    f"the covariance of {what} {k} is singular or not positive definite: add a prior "
                    "(prior=1; --prior 1), or use fewer components, or in Python raise the floor of the family"
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
