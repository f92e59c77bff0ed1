"""Symmetric matrices as their upper triangles, row by row: (d (d + 1) / 2, n) for n matrices of d rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from unseen.core.stats import Array


@lru_cache(maxsize=64)
def triangle(d: int) -> tuple[Array, Array]:
    """Rows and columns of the entries of an upper triangle."""
    return np.triu_indices(d)


def outer(x: Array) -> Array:
    """x x' of the columns of x (d, n), packed."""
    i, j = triangle(len(x))
    out: Array = x[i] * x[j]
    return out


def unpacked(packed: Array, d: int) -> Array:
    """Full matrices (n, d, d) of packed ones."""
    i, j = triangle(d)
    out = np.empty((packed.shape[1], d, d))
    out[:, i, j] = packed.T
    out[:, j, i] = packed.T
    return out


def packing(full: Array) -> Array:
    """Packed matrices of full ones (n, d, d).

    >>> packing(np.array([[[1.0, 2.0], [2.0, 5.0]]])).T.tolist()
    [[1.0, 2.0, 5.0]]
    """
    i, j = triangle(full.shape[1])
    out: Array = np.ascontiguousarray(full[:, i, j].T)
    return out
