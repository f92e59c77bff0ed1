r"""Rows with missing cells under K Gaussians: distances of what was seen, expectations of what was not.

Rows are grouped by missing pattern (Little & Rubin 2019, section 11.2). With y a row minus a component's mean, zero
where missing, and M the matrix of its pattern (see `sweep`), :math:`M y` holds the innovations of the observed
cells and the expected missing ones; the latter's covariance C depends on the pattern alone.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from unseen.core.block import Cells
from unseen.core.patterns import Patterns
from unseen.core.stats import Array
from unseen.numerics.quadratic import pack
from unseen.numerics.sweep import Regressions, in_order, regress
from unseen.numerics.workspace import borrow

PATTERN_BUDGET = 2_000_000  # doubles in one table of per-pattern matrices
# one for all tables: a table that held its own could not be pickled
_ADDING = threading.Lock()


class PatternTable:
    """Regressions of the patterns met so far at given parameters, made once for all blocks and threads.

    It holds as many patterns as `PATTERN_BUDGET` allows, and begins anew when those are used up. ``met`` is shared by
    tables at different parameters: patterns met before are made at once, as long as they all fit.
    """

    def __init__(
        self, covariance: Array, precision: Array | None = None, met: dict[bytes, Array] | None = None
    ) -> None:
        self.covariance = covariance
        self.precision = np.linalg.inv(covariance) if precision is None else precision
        k, d = covariance.shape[:2]
        self.capacity = max(1, PATTERN_BUDGET // (k * (d * d + d * (d + 1) // 2)))
        self.capacity = min(self.capacity, 2 ** min(d, 24))
        self._met = {} if met is None else met
        self._places: dict[bytes, int] = {}
        self._held: Regressions | None = None  # until there is a pattern: complete rows need none

    def find(self, keys: list[bytes], masks: Array) -> tuple[Regressions, Array]:
        """A table and the places in it of patterns, no more of them than its capacity: their names and masks (P, d)."""
        with _ADDING:
            held, fresh = self._held, {key: masks[i] for i, key in enumerate(keys) if key not in self._places}
            if held is None or fresh:
                held = self._add(fresh, dict(zip(keys, masks, strict=True)))
            return held, np.array([self._places[key] for key in keys], np.intp)

    def _add(self, fresh: dict[bytes, Array], wanted: dict[bytes, Array]) -> Regressions:
        """Make what is new; at first everything met before as well, and everything wanted in a new table."""
        if len(self._met) <= self.capacity:
            self._met.update(fresh)
        if self._held is None and len(self._met) <= self.capacity:
            fresh = self._met
        elif self._held is None or len(self._places) + len(fresh) > self.capacity:
            self._held, fresh = None, wanted
        if self._held is None:  # others may still read what was held before
            self._held, self._places = Regressions.room(self.capacity, *self.covariance.shape[:2]), {}
        keys, masks = list(fresh), np.array(list(fresh.values()))
        order, first = in_order(masks), len(self._places)
        regress(self.covariance, self.precision, masks[order], self._held.part(first, first + len(keys)))
        self._places.update((keys[i], first + at) for at, i in enumerate(order))
        return self._held


@dataclass(frozen=True, slots=True)
class IncompleteRows:
    """Rows in the order of their patterns, seen from K components.

    shift : (K, d) means minus anchors
    squares : (K, n) squared Mahalanobis distances of the observed cells
    completed : (K, d, n) values minus means, expectations where missing
    residual : of some patterns after the other, packed conditional covariances (P, K, d(d+1)/2)
    half_log_det : (P, K)
    """

    patterns: Patterns
    shift: Array
    squares: Array
    completed: Array
    residual: list[Array]
    half_log_det: Array

    def restored(self, rows: Array) -> Array:
        """Anything (..., n) in the order the rows came in."""
        if self.patterns.sorted:
            return rows
        out = np.empty_like(rows)
        out[..., self.patterns.order] = rows
        return out

    def sorted(self, rows: Array) -> Array:
        """Anything (..., n) in the order of the patterns."""
        return rows if self.patterns.sorted else rows[..., self.patterns.order]

    @property
    def distances(self) -> Array:
        """Squared Mahalanobis distances of the observed cells, (K, n)."""
        return self.restored(self.squares)

    @property
    def half_log_dets(self) -> Array:
        """Half the log-determinant of the observed cells' covariance, (K, n)."""
        return self.restored(np.repeat(self.half_log_det.T, np.diff(self.patterns.starts), axis=1))

    @property
    def seen(self) -> Array:
        """How many cells of each row are observed, (n,)."""
        return self.restored(np.repeat(self.patterns.masks.sum(axis=1), np.diff(self.patterns.starts)))

    def expectation(self, responsibilities: Array) -> Array:
        """Values minus means averaged over components, (d, n), at responsibilities (K, n)."""
        return self.restored(np.einsum("kn,kdn->dn", self.sorted(responsibilities), self.completed))

    def moments(self, weights: Array, mass: Array | None = None) -> Array:
        """Expected sums over completed rows about the anchor, packed (K, F), at ``weights`` (K, n).

        ``mass`` (K, n) weighs the conditional covariances where it differs from the weights (Student-t).
        """
        weights, mass = self.sorted(weights), None if mass is None else self.sorted(mass)
        weighted = np.multiply(self.completed, weights[:, None], out=borrow(self.completed.shape))
        total, first = weights.sum(axis=1, dtype=float), weighted.sum(axis=2)
        cross = first[:, :, None] * self.shift[:, None]
        second = weighted @ np.swapaxes(self.completed, 1, 2) + cross + np.swapaxes(cross, 1, 2)
        second += total[:, None, None] * self.shift[:, :, None] * self.shift[:, None]
        packed = pack(total, first + total[:, None] * self.shift, second)
        packed[:, 1 + len(first[0]) :] += self._spread(weights if mass is None else mass)
        return packed

    def _spread(self, mass: Array) -> Array:
        """Conditional covariances of all rows, (K, d(d+1)/2)."""
        per_pattern = np.add.reduceat(mass, self.patterns.starts[:-1], axis=1)
        total, first = np.zeros((len(mass), self.residual[0].shape[-1])), 0
        for residual in self.residual:
            total += np.einsum("kp,pkf->kf", per_pattern[:, first : first + len(residual)], residual)
            first += len(residual)
        return total


def incomplete_rows(cells: Cells, table: PatternTable, anchor: Array, shift: Array) -> IncompleteRows:
    """Rows (d, n) with missing cells against components at ``anchor`` + ``shift``; anchor (d,) or (K, d)."""
    patterns = cells.patterns()
    rows = cells if patterns.sorted else cells.take(patterns.order)
    observed = np.ones(rows.values.shape) if rows.observed is None else rows.observed.astype(float)
    k, d = shift.shape
    centred = borrow((k, d, len(patterns.order)))
    np.subtract(rows.values, anchor[..., None], out=centred, dtype=float)
    centred -= shift[..., None]
    centred *= observed
    product = borrow(centred.shape)
    residual, half_log_det = [], []
    for first in range(0, len(patterns.masks), table.capacity):
        last = first + table.capacity
        held, places = table.find(patterns.keys[first:last], patterns.masks[first:last])
        for these, at, size in patterns.batches(first, last):
            y, out = by_pattern(centred[..., at], size), by_pattern(product[..., at], size)
            np.matmul(held.matrix[places[these]], y, out=out)
        residual.append(held.residual[places])
        half_log_det.append(held.half_log_det[places])
    innovations = np.multiply(product, observed, out=borrow(centred.shape))
    squares = np.einsum("kdn,kdn->kn", innovations, innovations)
    product -= innovations
    product += centred
    return IncompleteRows(patterns, shift, squares, product, residual, np.concatenate(half_log_det))


def by_pattern(rows: Array, size: int) -> Array:
    """A view (P, K, d, size) of rows (K, d, P size)."""
    return rows.reshape(*rows.shape[:2], -1, size).transpose(2, 0, 1, 3)
