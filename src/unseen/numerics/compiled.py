"""Compiled twins of plain NumPy paths, and where they are worth it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import numpy as np

from unseen.core.stats import Array
from unseen.kernels import forced, load
from unseen.kernels.layout import COLUMNS, ROWS, STRIP, VECTORS, padded, unit
from unseen.numerics.workspace import borrow

if TYPE_CHECKING:
    from unseen.kernels.host import Compiled

# multiply-adds of one pass from which a fit of some tens of passes wins back the quarter of a second that loading takes
WORTHWHILE = 2e8
EXPONENTIAL = 70  # multiply-adds that take as long as one exponential
# with fewer columns NumPy's product is as fast, on vectors of 256 bits and of 512 alike (benchmarks/README.md)
LEAST_COLUMNS = {np.dtype(np.float64): 12, np.dtype(np.float32): 12}


def worthwhile(multiply_adds: float) -> bool:
    """Whether a fit with so much work in every pass should have its inner loops compiled.

    It is asked about a whole data set and never about a part of it, so that every engine does the same.
    """
    return forced() or multiply_adds >= WORTHWHILE


def full_gaussian_kernel(columns: int, dtype: np.dtype) -> Compiled | None:
    """The kernel that `FullGaussian` calls, where it is there and faster."""
    return load("full_gaussian", dtype) if forced() or columns >= LEAST_COLUMNS[dtype] else None


class FullGaussian:
    r"""Log-densities and moments of K full-covariance Gaussians over complete rows, about one shared anchor.

    whitener (K, d, d) lower triangular, shift (K, d) = mean - anchor, constant (K,): those of `FullForm`. Answers
    what ``natural @ features`` and ``r @ features.T`` answer, to rounding.
    """

    @classmethod
    def where_faster(cls, whitener: Array, shift: Array, constant: Array, dtype: np.dtype) -> Self | None:
        """The twin for these parameters, or None: take the plain path."""
        kernel = full_gaussian_kernel(shift.shape[1], dtype)
        return None if kernel is None else cls(kernel, whitener, shift, constant)

    def __init__(self, kernel: Compiled, whitener: Array, shift: Array, constant: Array) -> None:
        self.kernel, self.dtype = kernel, kernel.dtype
        self.components, self.columns = shift.shape
        self.width = padded(self.columns, kernel.lanes)
        self.constant = constant.astype(self.dtype)
        self.offset = np.zeros((self.components, self.width), self.dtype)
        self.offset[:, : self.columns] = -(whitener @ shift[..., None])[..., 0]
        square = np.zeros((self.components, self.width, self.width), self.dtype)
        square[:, : self.columns, : self.columns] = whitener
        # the lines of W in blocks, column by column, each block up to its diagonal
        blocks = [square[:, i : i + ROWS, : i + ROWS].swapaxes(1, 2) for i in range(0, self.width, ROWS)]
        self.blocks = np.concatenate([block.reshape(self.components, -1) for block in blocks], axis=1)

    def evaluate(self, values: Array, anchor: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Log-density (K, n) of values (d, n), and the collector of moments about the anchor."""
        strips, rows = self._pack(values, np.ascontiguousarray(anchor, float))
        density = borrow((self.components, len(rows)), self.dtype)
        self.kernel(
            "density", strips, self.blocks, self.offset, self.constant, density,
            len(rows), self.width, self.components,
        )  # fmt: skip
        return density[:, : values.shape[1]], lambda r: self._moments(rows, r)

    def _pack(self, values: Array, anchor: Array) -> tuple[Array, Array]:
        """Centred values twice, as strips for the densities and as rows for the moments; at least one strip."""
        d, n = values.shape
        batch = VECTORS * self.kernel.lanes
        if values.dtype not in (np.float32, self.dtype) or values.strides[1] != values.itemsize:
            values = np.ascontiguousarray(values, self.dtype)
        if n < batch:
            values, n = np.pad(values, ((0, 0), (0, batch - n))), batch
        strips = borrow((-(-n // batch), self.width, batch), self.dtype)
        rows = borrow((n, self.width), self.dtype)
        self.kernel(
            f"pack{8 * values.itemsize}", values, anchor, strips, rows,
            values.strides[0] // values.itemsize, n, d, self.width,
        )  # fmt: skip
        return strips, rows

    def _moments(self, rows: Array, r: Array) -> Array:
        """Packed moments (K, F) of the rows at responsibilities r (K, n)."""
        d, n, k = self.columns, r.shape[1], self.components
        r = np.ascontiguousarray(r, self.dtype)
        out = np.empty((k, d * (d + 3) // 2), self.dtype)
        sums = borrow((self.width + 1, self.width), self.dtype)
        panel = borrow((STRIP * unit(self.kernel.lanes) + n + ROWS,), self.dtype)
        address = borrow((n + ROWS,), np.int64)
        self.kernel("moments", rows, r, out, sums, panel, address, n, d, self.width, k)
        return np.concatenate([r.sum(axis=1)[:, None], out], axis=1)


def softmax_kernel(columns: int, dtype: np.dtype) -> bool:
    """Whether responsibilities of so many columns are worth a compiled softmax, where the work is.

    In single precision NumPy's exponential is vectorised: there it is worth it only where the compiler is there
    already, for the densities.
    """
    return dtype == np.float64 or forced() or columns >= LEAST_COLUMNS[np.dtype(np.float32)]


def softmax(a: Array, top: Array) -> Array | None:
    """Overwrite a (K, n) with exp(a - top) over its column sums, which are returned; None: take the plain path."""
    kernel = load("softmax", a.dtype) if a.strides[1] == a.itemsize else None
    if kernel is None:
        return None
    (k, n), batch = a.shape, COLUMNS * kernel.lanes
    whole, stride = n // batch * batch, a.strides[0] // a.itemsize
    total = np.empty_like(top)
    kernel("softmax", a, top, total, whole, stride, k)
    if whole < n:  # the last columns, filled up with any numbers
        rest, end, sums = np.zeros((k, batch), a.dtype), np.zeros(batch, a.dtype), np.empty(batch, a.dtype)
        rest[:, : n - whole], end[: n - whole] = a[:, whole:], top[whole:]
        kernel("softmax", rest, end, sums, batch, batch, k)
        a[:, whole:], total[whole:] = rest[:, : n - whole], sums[: n - whole]
    return total
