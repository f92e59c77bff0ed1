"""The compiled twin of what is done pattern by pattern for rows with missing cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from unseen.core.block import Cells
from unseen.core.patterns import Patterns
from unseen.core.stats import Array
from unseen.kernels import load
from unseen.kernels.layout import SPARE, padded
from unseen.numerics.quadratic import pairs
from unseen.numerics.workspace import borrow

if TYPE_CHECKING:
    from unseen.kernels.host import Compiled

# multiply-adds that take as long as what else the plain path does for a cell: small products, passes over memory
CELL = 400


class PatternKernel:
    """Matrices of patterns, and the rows that they complete."""

    @classmethod
    def where_there(cls) -> Self | None:
        """The twin, or None: take the plain path."""
        kernel = load("incomplete", np.dtype(np.float64))
        return None if kernel is None else cls(kernel)

    def __init__(self, kernel: Compiled) -> None:
        self.kernel = kernel

    def sweep(self, covariance: Array, masks: Array, columns: Array, residual: Array) -> Array:
        """Fill columns (P, K, d, d) and residual (P, K, d(d+1)/2), parts of larger tables; the pivots (P, K, d)."""
        (count, d), k = masks.shape, len(covariance)
        width = padded(d, self.kernel.lanes)
        stack = borrow((k, d + 1, d, width))
        stack[:, 0] = 0
        stack[:, 0, :, :d] = covariance
        fresh = np.zeros(count, np.int64)
        fresh[1:] = (masks[1:] != masks[:-1]).argmax(axis=1)
        pivots = np.empty((count, k, d))
        self.kernel(
            "sweep", stack, np.ascontiguousarray(masks), fresh, columns, residual, pivots, np.empty((k, d)),
            count, d, width, k,
        )  # fmt: skip
        return pivots

    def complete(
        self, cells: Cells, patterns: Patterns, places: Iterable[Any], anchor: Array, shift: Array
    ) -> tuple[Array, CompiledRows, list[Array]]:
        """Squared distances (K, n) of rows in the order of their patterns, the rows completed, and half
        log-determinants of some patterns after the other."""
        values, (d, n), k = cells.values, cells.values.shape, len(shift)
        if values.dtype != np.float64 or values.strides[1] != values.itemsize:
            values = np.ascontiguousarray(values, np.float64)
        width = padded(d, self.kernel.lanes)
        rows, squares = borrow((k, n, width)), np.empty((k, n))
        anchor, shift = np.ascontiguousarray(np.broadcast_to(anchor, shift.shape), float), np.ascontiguousarray(shift)
        masks, starts = np.ascontiguousarray(patterns.masks), patterns.starts.astype(np.int64)
        kind, which = np.empty(width), np.empty(d, np.int64)
        parts, half_log_det = [], []
        for first, last, held, where in places:
            part, begin = last - first, starts[first:]
            self.kernel(
                "complete", values, anchor, shift, masks[first:], where, begin, held.columns, rows, squares,
                kind, which, values.strides[0] // values.itemsize, n, part, d, width, k,
            )  # fmt: skip
            half_log_det.append(held.half_log_det[where])
            if part < len(masks):  # the table begins anew for the next ones
                parts.append((part, begin, with_spare(held.residual[where]), np.arange(part)))
            else:
                parts.append((part, begin, held.residual, where))
        return squares, CompiledRows(self.kernel, rows, parts, d), half_log_det


@dataclass(frozen=True, slots=True)
class CompiledRows:
    """Rows (K, n, width) less the means, expectations where missing, in the order of their patterns, and parts of the
    patterns: how many, where their rows begin, a table of conditional covariances, where they are in it."""

    kernel: Compiled
    rows: Array
    parts: list[tuple[int, Array, Array, Array]]
    columns: int

    def average(self, responsibilities: Array) -> Array:
        """Over components, (d, n), at responsibilities (K, n)."""
        mean = np.einsum("kn,knd->nd", responsibilities, self.rows)
        return np.ascontiguousarray(mean[:, : self.columns].T)

    def moments(self, weights: Array) -> tuple[Array, Array]:
        """Weighted first (K, d) and packed second moments (K, d(d+1)/2) about the means."""
        (k, n, width), d = self.rows.shape, self.columns
        sums = np.zeros((k, d + 1, width))
        self.kernel("moments", self.rows, np.ascontiguousarray(weights, float), sums, n, d, width, k)
        i, j = pairs(d)
        return sums[:, 0, :d], sums[:, i + 1, j]

    def spread(self, mass: Array) -> Array:
        """Conditional covariances of all rows, (K, d(d+1)/2), weighed by mass (K, n)."""
        (k, n), size, lanes = mass.shape, self.columns * (self.columns + 1) // 2, self.kernel.lanes
        mass, sums = np.ascontiguousarray(mass, float), np.zeros((k, -(-size // lanes) * lanes))
        for patterns, starts, residual, places in self.parts:
            self.kernel("spread", mass, residual, places, starts, sums, n, patterns, size, k)
        return sums[:, :size]


def with_spare(table: Array) -> Array:
    """A copy with numbers to spare behind it."""
    out = np.empty(table.size + SPARE)[:-SPARE].reshape(table.shape)
    out[:] = table
    return out
