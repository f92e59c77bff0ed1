r"""Quadratic forms as one matrix product: :math:`\phi(z) = (1, z_i, z_i z_j)_{i \le j}`, F = 1 + d + d(d+1)/2."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.workspace import borrow


@lru_cache(maxsize=64)
def pairs(d: int) -> tuple[Array, Array]:
    """Row and column of each packed product, in the order of `features`."""
    rows, columns = np.triu_indices(d)
    return rows, columns


def features(values: Array, anchor: Array, observed: Array | None = None, dtype: np.dtype | type = float) -> Array:
    r""":math:`\phi(z)`, (F, n), for z = values - anchor (d, n), zero where missing.

    The difference is taken in double precision and then rounded to ``dtype``; the result lives in a borrowed
    buffer.
    """
    d, n = values.shape
    out = borrow((1 + d + d * (d + 1) // 2, n), dtype)
    out[0] = 1
    z = out[1 : 1 + d]
    np.subtract(values, anchor[:, None], out=z, dtype=np.float64, casting="same_kind")
    if observed is not None:
        z *= observed
    at = 1 + d
    for i in range(d):
        np.multiply(z[i], z[i:], out=out[at : at + d - i])
        at += d - i
    return out


def natural(mean: Array, precision: Array) -> Array:
    r"""Coefficients c (..., F) with :math:`c \cdot \phi(z) = -\tfrac12 (z-\mu)^\top P (z-\mu)`."""
    d = mean.shape[-1]
    i, j = pairs(d)
    linear = (precision @ mean[..., None])[..., 0]
    out = np.empty((*mean.shape[:-1], 1 + d + len(i)))
    out[..., 0] = -0.5 * (linear * mean).sum(-1)
    out[..., 1 : 1 + d] = linear
    out[..., 1 + d :] = precision[..., i, j] * np.where(i == j, -0.5, -1.0)
    return out


def unpack(moments: Array, d: int) -> tuple[Array, Array, Array]:
    """Packed sums (..., F) as mass (...,), first moments (..., d) and full second moments (..., d, d)."""
    i, j = pairs(d)
    second = np.empty((*moments.shape[:-1], d, d))
    second[..., i, j] = moments[..., 1 + d :]
    second[..., j, i] = moments[..., 1 + d :]
    return moments[..., 0], moments[..., 1 : 1 + d], second


def pack(mass: Array, first: Array, second: Array) -> Array:
    """The inverse of `unpack`."""
    i, j = pairs(first.shape[-1])
    return np.concatenate([mass[..., None], first, second[..., i, j]], axis=-1)


def rounding_bound(mean: Array, precision: Array, deviations: float = 4.0) -> float:
    r"""Largest :math:`m^\top |P| m` over components, m = |mean| + deviations x sd: times eps it bounds the
    rounding error of a log-density computed through `features`, for rows that belong to the component."""
    diagonal = np.diagonal(precision, axis1=-2, axis2=-1)
    # the conditional sd, 1/sqrt(P_jj), is at most the marginal one; the off-diagonal terms carry the rest
    reach = np.abs(mean) + deviations / np.sqrt(np.maximum(diagonal, 1e-300))
    return float((reach * (np.abs(precision) @ reach[..., None])[..., 0]).sum(-1).max())
