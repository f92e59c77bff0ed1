"""Tables of category probabilities over a tile of rows: log-densities and expected counts.

Categories of all columns stand side by side, C in total. Columns of few categories become one-hot rows of one
matrix product; columns of many are looked up and counted. At tiles of 2,048 rows the two cost the same near
ten categories, whatever the number of components.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unseen.core.block import CATEGORY, Cells, Slot
from unseen.core.family import Collect, Family, unset
from unseen.core.stats import Array

ONE_HOT_MOST = 8
# stands for log 0 inside a matrix product, where -inf times 0 would be NaN
LOG_ZERO = -1e300


def logarithm(p: Array) -> Array:
    """log p, -inf at 0."""
    with np.errstate(divide="ignore"):
        out: Array = np.log(p)
    return out


def edges(widths: Sequence[int]) -> Array:
    """Where each column's categories begin, and where the last ends: (d + 1,)."""
    return np.concatenate([[0], np.cumsum(widths)])


def parts(array: Array, widths: Sequence[int]) -> list[Array]:
    """The columns' own parts of what stands side by side on the last axis."""
    return np.split(array, edges(widths)[1:-1], axis=-1)


class Tables:
    """K components over d columns, given as probabilities (K, C) with ``widths[j]`` categories in column j."""

    def __init__(self, probabilities: Array, widths: Sequence[int]) -> None:
        self.edges = edges(widths)
        log_p = logarithm(probabilities)
        self.narrow = [j for j, w in enumerate(widths) if w <= ONE_HOT_MOST]
        self.wide = [j for j, w in enumerate(widths) if w > ONE_HOT_MOST]
        self.rows = np.concatenate([np.empty(0, int), *(np.arange(*self.span(j)) for j in self.narrow)])
        narrow = log_p[:, self.rows]
        self.impossible = bool((narrow == -np.inf).any())
        self.natural = np.maximum(narrow, LOG_ZERO)
        # a last entry of 0 is what a missing cell, code -1, looks up
        self.lookup = {j: np.pad(log_p[:, slice(*self.span(j))], ((0, 0), (0, 1))) for j in self.wide}

    def span(self, column: int) -> tuple[int, int]:
        """First category of a column, and the one past its last."""
        return int(self.edges[column]), int(self.edges[column + 1])

    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        """Log-probability of the observed cells (K, n), and the collector R (K, n) -> expected counts (K, C)."""
        codes = cells.values if cells.observed is None else np.where(cells.observed, cells.values, -1)
        phi = self._one_hot(codes)
        density = self.natural @ phi
        if self.impossible:
            density[density < LOG_ZERO / 2] = -np.inf
        for j in self.wide:
            density += np.take(self.lookup[j], codes[j], axis=1)

        def collect(r: Array) -> Array:
            out = np.empty((len(r), int(self.edges[-1])))
            out[:, self.rows] = r @ phi.T
            for j in self.wide:
                first, last = self.span(j)
                shifted = np.add(codes[j], 1, dtype=np.intp)
                for k, weights in enumerate(r):
                    out[k, first:last] = np.bincount(shifted, weights, minlength=last - first + 1)[1:]
            return out

        return density, collect

    def _one_hot(self, codes: Array) -> Array:
        """Indicators of the narrow columns' categories, one row each; a missing cell has none."""
        out = np.empty((len(self.rows), codes.shape[1]))
        at = 0
        for j in self.narrow:
            first, last = self.span(j)
            for category in range(last - first):
                np.equal(codes[j], category, out=out[at])
                at += 1
        return out


def shares(counts: Array, widths: Sequence[int]) -> tuple[Array, Array]:
    """Counts (K, C) divided by their sum in each column, and these sums, (K, d); zero where nothing was counted."""
    totals = np.add.reduceat(counts, edges(widths)[:-1], axis=1)
    spread = np.repeat(totals, widths, axis=1)
    return np.divide(counts, spread, out=np.zeros_like(counts, dtype=float), where=spread > 0), totals


def log_prior(probabilities: Array, pseudo: Array) -> float:
    """Log-density of pseudo-counts, of which a category that has none asks nothing."""
    log_p = logarithm(probabilities)
    return float(np.multiply(pseudo, log_p, out=np.zeros_like(log_p), where=pseudo > 0).sum())


def draw_codes(probabilities: Array, states: Array, rng: np.random.Generator) -> Array:
    """A category for each row from the row of ``probabilities`` (K, c) that its state names."""
    uniform = rng.random(len(states))
    out = np.zeros(len(states), np.int32)
    for k in np.unique(states):
        mine = states == k
        ladder = probabilities[k].cumsum()
        found = np.searchsorted(ladder, uniform[mine] * ladder[-1], side="right")
        out[mine] = np.minimum(found, len(ladder) - 1)
    return out


class Categories(Family):
    """A family of categories over one slot, by tables of their probabilities."""

    columns: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(columns)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns, CATEGORY, self.categories),) if self.columns else unset()

    @property
    def widths(self) -> list[int]:
        """The number of categories of each column."""
        return [len(c) for c in self.categories]

    def evaluate(self, prepared: Tables, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        density, collect = prepared.evaluate(cells[0])
        return density, lambda r: {"occurrences": collect(r)}
