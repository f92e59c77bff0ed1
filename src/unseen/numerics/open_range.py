"""Cells of columns that lie inside a range, without its bounds, and the floors on the shapes of their distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import CATEGORY, Cells
from unseen.core.family import Floor
from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.numerics.counts import rows_where

EMPTY = 1e-8
# a shape within this share of its bound rests on it
TOUCH = 1e-6


def check_open(column: ColumnProfile, upper: float, name: str) -> None:
    """Refuse a column that does not lie between 0 and ``upper``, both excluded, or does not vary.

    Raises
    ------
    DataError
        It says in how many rows, and what to use.
    """
    what = "positive numbers" if upper == np.inf else f"numbers between 0 and {upper:g}, both excluded"
    if column.kind == CATEGORY:
        raise DataError(f"column {column.name!r} holds text, not {what}: use Categorical for it, or ignore it")
    if column.low == column.high:
        raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")
    if column.low > 0 and column.high < upper:
        return
    outside = column.low < 0 or column.high > upper
    if outside:
        remedy = "Gaussian or StudentT"
        if upper < np.inf and column.low >= 0:
            remedy += f", or Beta(upper=...) if {upper:g} is not the largest possible value"
    else:
        remedy = f"Hurdle({name}()), with atoms at the bounds, or Gaussian"
    bounds, beyond = ("zero", "negative") if upper == np.inf else ("at a bound", "outside")
    values, _ = column.table()
    against = []
    if not outside or ((values == 0) | (values == upper)).any():
        against.append(f"{bounds} in {rows_where(column, lambda x: (x == 0) | (x == upper))}")
    if outside:
        against.append(f"{beyond} in {rows_where(column, lambda x: (x < 0) | (x > upper))}")
    raise DataError(
        f"column {column.name!r} is {' and '.join(against)}, and {name} describes {what}: use {remedy} for it"
    )


@dataclass(frozen=True, slots=True)
class Interior:
    """Cells over their centre, zero where missing (d, n), and their logarithms.

    rest : logarithms of what is left up to the upper bound over the centre's, no rows without such a bound
    jacobian : what the log-density of a row loses, (n,)    outside : rows with an impossible cell, or None
    """

    values: Array
    logs: Array
    rest: Array
    mask: Array | None
    jacobian: Array
    outside: Array | None

    def mass(self, r: Array) -> Array:
        """Weight of each component's observed cells by column, (K, d)."""
        if self.mask is not None:
            return np.asarray(r @ self.mask.T)
        return np.repeat(r.sum(axis=1, dtype=float)[:, None], len(self.values), axis=1)


def interior(cells: Cells, centre: Array, upper: float = np.inf) -> Interior:
    """What gamma (no upper bound) and beta densities need of the cells; centre (d,) inside the range."""
    x, seen, c = np.asarray(cells.values, float), cells.observed, centre[:, None]
    inside = (x > 0) & (x < upper)
    outside: Array = ~inside if seen is None else seen & ~inside
    usable = inside if seen is None else inside & seen
    z = np.where(usable, x, c)
    logs = np.log(z / c)
    jacobian = ((logs + np.log(c)) * usable).sum(axis=0)
    rest: Array = np.zeros((0, x.shape[1]))
    if upper < np.inf:
        rest = np.log1p((c - z) / (upper - c))
        jacobian += ((rest + np.log1p(-c / upper)) * usable).sum(axis=0)
    return Interior(
        z / c if seen is None else np.where(usable, z / c, 0.0),
        logs,
        rest,
        None if seen is None else seen.astype(float),
        jacobian,
        np.asarray(outside.any(axis=0)) if outside.any() else None,
    )


def floors_of(grid: Array, rest: Array, columns: tuple[str, ...]) -> list[Floor]:
    """Floors that bind, from where those of grids and those of the others do, (K, d) each."""
    return [Floor(int(k), columns[j], "grid") for k, j in zip(*np.nonzero(grid), strict=True)] + [
        Floor(int(k), columns[j], "variance") for k, j in zip(*np.nonzero(rest & ~grid), strict=True)
    ]
