"""Held-out log-probability of the recorded cells of one column under one family, marginal or in a mixture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from labelled import Judged

FOLDS = 5
STEPS = 60
#: a gain per row that ends a fit
TOL = 1e-5
#: places of a grid that are summed over; of a finer one its values
PLACES = 4000


def held_out(
    column: Judged, family: str, atoms: tuple[float, ...], components: int, points: np.ndarray, counts: np.ndarray
) -> np.ndarray | None:
    """Log-probability (folds, values) of each value where its fold is left out; None where the family does not apply.

    A density counts times the step of the column's grid, divided by its sum over the grid where that is above one:
    of a narrow component on few values it is. Every prediction has a share of one row beside its training rows that
    is uniform over the column's range, so that no single cell decides.
    """
    from unseen.core.block import Block
    from unseen.errors import DataError, ModelError, NumericalError

    known, step = column.profile, column.profile.resolution
    uniform = -np.log((known.high - known.low) / step + 1 if step else known.high - known.low)
    try:
        model, cells, grid = bound(column, replace(column.choice, family=family, atoms=atoms), components, points)
        volume = 0.0
        if step and model.family.volume(grid) is not None:  # one step for all families, also beside atoms
            volume = np.where(np.isin(grid[0].values[0], atoms), 0.0, np.log(step))
        everywhere = Block(0, grid, grid[0].values.shape[1])
        out = np.empty(counts.shape)
        all_rows = Block(0, (cells,), len(points), weights=counts.sum(axis=0))
        first = improved(model, all_rows, begun(model, all_rows), STEPS)
        for fold in range(FOLDS):
            train = counts.sum(axis=0) - counts[fold]
            used = train > 0
            block = Block(0, (replace(cells, values=cells.values[:, used]),), int(used.sum()), weights=train[used])
            density = model.posterior(improved(model, block, first, STEPS // 3), everywhere)[1] + (
                0.0 if volume is None else volume
            )
            if step:
                density -= max(np.logaddexp.reduce(density), 0.0)
            n = train.sum()
            out[fold] = np.logaddexp(density[: len(points)] + np.log(n / (n + 1)), uniform - np.log(n + 1))
    except (DataError, ModelError, NumericalError, FloatingPointError):
        return None
    return out if np.isfinite(out).all() else None


def bound(column: Judged, choice: Any, components: int, points: np.ndarray) -> tuple[Any, Any, tuple[Any, ...]]:
    """A mixture of the column's own family, its values as cells, and those with the other places of its grid."""
    from unseen import Mixture
    from unseen.core.block import CATEGORY, Cells
    from unseen.making import single

    model = Mixture(single(choice), components).bind(replace(column.whole, columns=(column.profile,)))
    if model.slots[0].kind == CATEGORY:
        cells = Cells(np.arange(len(points), dtype=np.int32)[None])
        return model, cells, (cells,)
    rest, step = points[~np.isin(points, choice.atoms)], column.profile.resolution
    free = np.zeros(0)
    if step and np.ptp(rest) < PLACES * step:
        free = rest.min() + step * np.arange(round(np.ptp(rest) / step) + 1)
        free = free[np.abs(free[:, None] - points).min(axis=1) > step / 4]
    return model, Cells(points[None].astype(float)), (Cells(np.concatenate((points, free))[None].astype(float)),)


def begun(model: Any, block: Any) -> Any:
    """Components from the values cut into as many parts, each with a fifth of the others."""
    k, weights = model.components, block.weights
    if k == 1:
        return model.vague()
    middle = (np.cumsum(weights) - weights / 2) / weights.sum()
    part = np.minimum((middle * k).astype(int), k - 1)
    near = np.where(np.arange(k)[:, None] == part, 0.8, 0.2 / (k - 1))
    return model.maximize(model.collect(near, block), model.vague())


def improved(model: Any, block: Any, params: Any, steps: int) -> Any:
    """EM from some parameters until a step gains nothing worth having."""
    before = -np.inf
    for _ in range(steps):
        stats = model.expect(params, block)
        if stats.loglik <= before + TOL * block.weights.sum():
            break
        params, before = model.maximize(stats, params), stats.loglik
    return params
