r"""Rows with missing cells under K Gaussians: distances of what was seen, expectations of what was not.

Rows are grouped by missing pattern (Little & Rubin 2019, section 11.2). With y a row minus a component's mean, zero
where missing, and M the matrix of its pattern (see `sweep`), :math:`M y` holds the innovations of the observed
cells and the expected missing ones; the latter's covariance C depends on the pattern alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from unseen.core.block import Cells
from unseen.core.patterns import Patterns
from unseen.core.stats import Array
from unseen.numerics import by_precision
from unseen.numerics.compiled_patterns import PatternKernel
from unseen.numerics.linalg import cholesky, inverse_lower
from unseen.numerics.quadratic import pairs
from unseen.numerics.sweep import SWEPT_COLUMNS, Regressions, in_order, regress, share_left
from unseen.numerics.workspace import borrow

PATTERN_BUDGET = 2_000_000  # doubles in one table of per-pattern matrices
Places = tuple[int, int, Regressions, Array]
# one for all tables: a table that held its own could not be pickled
_ADDING = threading.Lock()


class Met:
    """Patterns met so far, at whatever parameters: masks (d,) by name."""

    def __init__(self) -> None:
        self.masks: dict[bytes, Array] = {}
        self._ordered: tuple[Array, dict[bytes, int]] = np.empty((0, 0), bool), {}

    def ordered(self) -> tuple[Array, dict[bytes, int]]:
        """All of them as `_ordered`, which parameter after parameter asks for again."""
        if len(self._ordered[1]) < len(self.masks):
            self._ordered = _ordered(self.masks)
        return self._ordered


def _ordered(masks: dict[bytes, Array]) -> tuple[Array, dict[bytes, int]]:
    """Masks (P, d) in an order that is good for sweeping, and where each is by name."""
    keys, rows = list(masks), np.array(list(masks.values()))
    order = in_order(rows)
    return rows[order], {keys[i]: at for at, i in enumerate(order)}


class PatternTable:
    """Regressions of the patterns met so far at given parameters, made once for all blocks and threads.

    It holds as many patterns as `PATTERN_BUDGET` allows, and begins anew when those are used up. ``met`` is shared by
    tables at different parameters: patterns met before are made at once, as long as they all fit.
    """

    def __init__(
        self,
        covariance: Array,
        precision: Array | None = None,
        met: Met | None = None,
        compiled: bool = False,
    ) -> None:
        self.covariance, self.twin = covariance, PatternKernel.where_there() if compiled else None
        self.precision = np.linalg.inv(covariance) if precision is None else precision
        k, d = covariance.shape[:2]
        self.capacity = max(1, PATTERN_BUDGET // (k * (d * d + d * (d + 1) // 2)))
        self.capacity = min(self.capacity, 2 ** min(d, 24))
        self._met = Met() if met is None else met
        self._places: dict[bytes, int] = {}
        self._held: Regressions | None = None  # until there is a pattern: complete rows need none

    @cached_property
    def whitener(self) -> Array:
        """Inverse Cholesky factors of all columns' covariances, (K, d, d)."""
        return inverse_lower(cholesky(self.covariance))

    @cached_property
    def precise(self) -> bool:
        """Whether expectations may be taken from the precision matrix."""
        return share_left(self.covariance, self.precision) > by_precision.LEAST_LEFT

    def holds(self, patterns: Patterns) -> bool:
        """Whether all of these have room at once, in a table that no kernel fills."""
        return self.twin is None and len(patterns.masks) <= self.capacity

    def find(self, keys: list[bytes], masks: Array) -> tuple[Regressions, Array]:
        """A table and the places in it of patterns, no more of them than its capacity: their names and masks (P, d)."""
        with _ADDING:
            held = self._held
            if held is None or not all(map(self._places.__contains__, keys)):
                wanted = dict(zip(keys, masks, strict=True))
                held = self._add({key: mask for key, mask in wanted.items() if key not in self._places}, wanted)
            return held, np.fromiter(map(self._places.__getitem__, keys), np.int64, len(keys))

    def places(self, patterns: Patterns) -> Iterator[Places]:
        """Patterns ``first`` to ``last``, as many at a time as the table holds, and where it has them."""
        for first in range(0, len(patterns.masks), self.capacity):
            last = min(first + self.capacity, len(patterns.masks))
            yield first, last, *self.find(patterns.keys[first:last], patterns.masks[first:last])

    def _add(self, fresh: dict[bytes, Array], wanted: dict[bytes, Array]) -> Regressions:
        """Make what is new; at first everything met before as well, and everything wanted in a new table."""
        if len(self._met.masks) <= self.capacity:
            self._met.masks.update(fresh)
        ordered = None
        if self._held is None and len(self._met.masks) <= self.capacity:
            ordered = self._met.ordered()
        elif self._held is None or len(self._places) + len(fresh) > self.capacity:
            self._held, fresh = None, wanted
        if self._held is None:  # others may still read what was held before
            self._held, self._places = Regressions.room(self.capacity, *self.covariance.shape[:2]), {}
        masks, places = ordered or _ordered(fresh)
        first = len(self._places)
        regress(self.covariance, self.precision, masks, self._held.part(first, first + len(masks)), self.twin)
        self._places.update(places if first == 0 else {key: first + at for key, at in places.items()})
        return self._held


@dataclass(frozen=True, slots=True)
class IncompleteRows:
    """Rows in the order of their patterns, seen from K components.

    shift : (K, d) means minus anchors
    squares : (K, n) squared Mahalanobis distances of the observed cells
    completed : values minus means, expectations where missing
    half_log_det : (P, K)
    """

    patterns: Patterns
    shift: Array
    squares: Array
    completed: Completed
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
        return self.restored(self.completed.average(self.sorted(responsibilities)))

    def moments(self, weights: Array, mass: Array | None = None) -> Array:
        """Expected sums over completed rows about the anchor, packed (K, F), at ``weights`` (K, n).

        ``mass`` (K, n) weighs the conditional covariances where it differs from the weights (Student-t).
        """
        weights, mass = self.sorted(weights), None if mass is None else self.sorted(mass)
        total = weights.sum(axis=1, dtype=float)[:, None]
        first, second = self.completed.moments(weights)
        i, j = pairs(self.shift.shape[1])
        at_i, at_j = self.shift[:, i], self.shift[:, j]
        second = second + first[:, i] * at_j + at_i * first[:, j] + total * at_i * at_j
        second += self._spread(weights if mass is None else mass)
        return np.concatenate([total, first + total * self.shift, second], axis=1)

    def _spread(self, mass: Array) -> Array:
        """Conditional covariances of all rows, (K, d(d+1)/2)."""
        return self.completed.spread(mass)


class Completed(Protocol):
    """Rows less the means of K components, expectations where missing, in the order of their patterns."""

    def average(self, responsibilities: Array) -> Array:
        """Over components, (d, n), at responsibilities (K, n)."""
        ...

    def moments(self, weights: Array) -> tuple[Array, Array]:
        """First (K, d) and packed second moments (K, d(d+1)/2) at ``weights`` (K, n)."""
        ...

    def spread(self, mass: Array) -> Array:
        """Conditional covariances of all rows, (K, d(d+1)/2), each weighed by its mass (K, n)."""
        ...


@dataclass(frozen=True, slots=True)
class PlainlyCompleted(by_precision.CompletedTable):
    """Rows (K, d, n), where their patterns begin, and the conditional covariances of some patterns after the other."""

    rows: Array
    starts: Array
    residual: list[Array]

    def spread(self, mass: Array) -> Array:
        per_pattern = np.add.reduceat(mass, self.starts[:-1], axis=1)
        total, first = np.zeros((len(mass), self.residual[0].shape[-1])), 0
        for residual in self.residual:
            total += np.einsum("kp,pkf->kf", per_pattern[:, first : first + len(residual)], residual)
            first += len(residual)
        return total


def incomplete_rows(cells: Cells, table: PatternTable, anchor: Array, shift: Array) -> IncompleteRows:
    """Rows (d, n) with missing cells against components at ``anchor`` + ``shift``; anchor (d,) or (K, d)."""
    patterns = cells.patterns()
    rows = cells if patterns.sorted else cells.take(patterns.order)
    squares: Array
    completed: Completed
    wide = table.twin is None or shift.shape[1] > SWEPT_COLUMNS  # no kernel sweeps so many columns
    if wide and by_precision.suits(patterns) and table.precise:
        squares, completed, half_log_det = by_precision.complete(
            rows, patterns, table.precision, table.whitener, anchor, shift
        )
    else:
        complete = _plainly if table.twin is None else table.twin.complete
        squares, completed, half_log_det = complete(rows, patterns, table.places(patterns), anchor, shift)
    return IncompleteRows(patterns, shift, squares, completed, np.concatenate(half_log_det))


def _plainly(
    cells: Cells, patterns: Patterns, places: Iterable[Places], anchor: Array, shift: Array
) -> tuple[Array, Completed, list[Array]]:
    """Squared distances, rows completed, and half log-determinants of some patterns after the other."""
    observed = np.ones(cells.values.shape) if cells.observed is None else cells.observed.astype(float)
    k, d = shift.shape
    centred = borrow((k, d, len(patterns.order)))
    np.subtract(cells.values, anchor[..., None], out=centred, dtype=float)
    centred -= shift[..., None]
    centred *= observed
    product = borrow(centred.shape)
    residual, half_log_det = [], []
    for first, last, held, where in places:
        for these, at, size in patterns.batches(first, last):
            y, out = by_pattern(centred[..., at], size), by_pattern(product[..., at], size)
            np.matmul(held.matrix[where[these]], y, out=out)
        residual.append(held.residual[where])
        half_log_det.append(held.half_log_det[where])
    innovations = np.multiply(product, observed, out=borrow(centred.shape))
    squares = np.einsum("kdn,kdn->kn", innovations, innovations)
    product -= innovations
    product += centred
    return squares, PlainlyCompleted(product, patterns.starts, residual), half_log_det


def by_pattern(rows: Array, size: int) -> Array:
    """A view (P, K, d, size) of rows (K, d, P size)."""
    return rows.reshape(*rows.shape[:2], -1, size).transpose(2, 0, 1, 3)
