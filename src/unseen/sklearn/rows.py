"""Row-wise answers of a fitted mixture for a plain matrix, block by block on all cores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import Block, Cells
from unseen.core.source import cut
from unseen.core.stats import Array, Params
from unseen.core.workers import Workers, usable_cores
from unseen.models.mixture import Mixture


def cells_of(X: Array) -> Cells:
    """A matrix (n, d) with NaN where a cell is missing, column by column."""
    columns = np.ascontiguousarray(X.T)
    missing = np.isnan(columns)
    if not missing.any():
        return Cells(columns)
    return Cells(np.where(missing, columns.dtype.type(0), columns), ~missing)


def by_rows(f: Callable[[Block], tuple[Array, ...]], X: Array) -> tuple[Array, ...]:
    """Arrays whose first axis runs over the rows of X, from ``f`` over its blocks."""
    cuts = cut(len(X))

    def one(i: int) -> tuple[Array, ...]:
        start, stop, _ = cuts[i]
        cells = cells_of(X[start:stop])
        block = Block(i, (cells,), stop - start)
        if cells.observed is None:
            return f(block)
        order = cells.patterns().order  # rows with the same missing cells go together: fewer factorisations
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return tuple(a[back] for a in f(block.take(order)))

    with one_blas_thread():
        parts = Workers(usable_cores()).collect(one, range(len(cuts)), tuple)
    return tuple(np.concatenate(pieces) for pieces in zip(*parts, strict=True))


def responsibilities_and_density(model: Mixture, params: Params, block: Block) -> tuple[Array, Array]:
    """Posterior probabilities (n, K) and log-density (n,) of the rows of a block."""
    r, density = model.posterior(params, block)
    return r.T, density
