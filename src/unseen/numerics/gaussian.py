"""Log-densities and statistics of Gaussian components over a tile of rows, by the cheapest accurate path."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array
from unseen.numerics import by_moments
from unseen.numerics.compiled import FullGaussian
from unseen.numerics.incomplete import Met, PatternTable, incomplete_rows
from unseen.numerics.linalg import cholesky, inverse_lower
from unseen.numerics.quadratic import features, natural, pack, rounding_bound, unpack
from unseen.numerics.workspace import borrow

LOG_2PI = float(np.log(2 * np.pi))
# largest error in a row's log-density that the fast path may make before the whitened path takes over
DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
TOLERANCE = {DOUBLE: 1e-9, SINGLE: 2e-3}


class Form(ABC):
    """K Gaussians prepared for evaluation, about an anchor (d,) shared by all or (K, d) of their own."""

    def __init__(self, means: Array, anchor: Array) -> None:
        self.means, self.anchor = means, anchor
        self.shift = means - anchor
        self.single = True  # whether float32 data may be computed in single precision at all

    @property
    @abstractmethod
    def bound(self) -> float:
        """Rounding bound of the fast path in units of machine epsilon."""

    @property
    @abstractmethod
    def constants(self) -> Array:
        """What each component's log-density has beside the products with the row, (K,)."""

    @property
    def rounding(self) -> float:
        """About how far rounding moves a row's log-density, in the precision that the products run in."""
        single = self.single and self.anchor.ndim == 1 and self.exact(SINGLE)
        return float(np.finfo(SINGLE if single else DOUBLE).eps) * (self.bound + float(np.abs(self.constants).max()))

    @property
    def accurate(self) -> bool:
        """Whether the fast path keeps its promise in double precision about a shared anchor."""
        return self.anchor.ndim == 1 and self.exact(DOUBLE)

    def exact(self, dtype: np.dtype) -> bool:
        return bool(np.finfo(dtype).eps * self.bound <= TOLERANCE[dtype])

    def precision_for(self, values: Array) -> np.dtype:
        """float32 only for float32 data, and only where the bound allows."""
        return SINGLE if self.single and values.dtype == SINGLE and self.exact(SINGLE) else DOUBLE

    @abstractmethod
    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        """Log-density (K, n) and the collector of moments about the anchor."""

    @abstractmethod
    def log_densities(self, moments: Array) -> Array:
        """Log-density of rows given by their moments about the anchor, (K,)."""

    def log_prior(self, prior: Array) -> float:
        """Log-density of pseudo-rows given by their moments."""
        return float(self.log_densities(prior).sum())


def centred(cells: Cells, anchor: Array, dtype: np.dtype) -> Array:
    """Values minus the anchor (in double precision, then rounded), zero where missing."""
    z = np.subtract(cells.values, anchor[:, None], dtype=np.float64).astype(dtype, copy=False)
    if cells.observed is not None:
        z *= cells.observed
    return z


def distances_about(anchors: Array, cells: Cells, whitener: Array, shift: Array) -> Array:
    """Squared distances (K, n) of rows from means = anchors + shift (K, d), in units of whitener (K, d, d)."""
    out = np.empty((len(anchors), cells.values.shape[1]))
    for k, anchor in enumerate(anchors):
        y = whitener[k] @ (centred(cells, anchor, DOUBLE) - shift[k][:, None])
        out[k] = np.einsum("in,in->n", y, y)
    return out


def moments_about(anchors: Array, cells: Cells, weights: Array) -> Array:
    """Packed moments (K, F) of rows about an anchor (K, d) for each component, at weights (K, n)."""
    out = []
    for anchor, w in zip(anchors, weights, strict=True):
        z = centred(cells, anchor, DOUBLE)
        weighted = z * w
        out.append(pack(w.sum(), weighted.sum(1), weighted @ z.T))
    return np.array(out)


class FullForm(Form):
    """Full covariance matrices; ``compiled`` asks for the kernel where it is faster, ``few`` rows keep features."""

    def __init__(
        self,
        means: Array,
        covariances: Array,
        anchor: Array,
        met: Met | None = None,
        compiled: bool = False,
        few: bool = False,
    ) -> None:
        super().__init__(means, anchor)
        self.covariances, self.compiled, self.few = covariances, compiled, few
        self._twins: dict[np.dtype, FullGaussian | None] = {}
        # in units of each component's own deviations: columns may be of any order of magnitude
        sd = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        sound = bool((sd > 0).all() and np.isfinite(sd).all())
        root = cholesky(covariances / (sd[:, :, None] * sd[:, None, :]) if sound else covariances)
        self.lower = sd[:, :, None] * root
        self.whitener = inverse_lower(root) / sd[:, None, :]
        self.precision = np.swapaxes(self.whitener, 1, 2) @ self.whitener
        half_log_det = np.log(np.diagonal(self.lower, axis1=1, axis2=2)).sum(-1)
        self.constant = -half_log_det - 0.5 * means.shape[1] * LOG_2PI
        self.natural = natural(self.shift, self.precision)
        self.natural[:, 0] += self.constant
        self.patterns = PatternTable(covariances, self.precision, met, compiled)

    @cached_property
    def bound(self) -> float:
        return rounding_bound(self.shift, self.precision)

    @property
    def constants(self) -> Array:
        return self.natural[:, 0]

    @cached_property
    def natural32(self) -> Array:
        return self.natural.astype(np.float32)

    def twin(self, dtype: np.dtype) -> FullGaussian | None:
        """The compiled kernel at these parameters, made once, or None: take the plain path."""
        if self.compiled and dtype not in self._twins:
            self._twins[dtype] = FullGaussian.where_faster(self.whitener, self.shift, self.constant, dtype)
        return self._twins.get(dtype)

    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        dtype = self.precision_for(cells.values)
        if cells.observed is not None and not cells.observed.all():
            return self._incomplete(cells)
        if self.anchor.ndim == 2 or not self.exact(dtype):
            return self._whitened(cells)
        if twin := self.twin(dtype):
            return twin.evaluate(cells.values, self.anchor)
        phi = features(cells.values, self.anchor, None, dtype)
        coefficients = self.natural if dtype == np.float64 else self.natural32
        density = np.matmul(coefficients, phi, out=borrow((len(coefficients), phi.shape[1]), dtype))
        return density, lambda r: r @ phi.T

    def _whitened(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        """Each component about its own anchor and through its Cholesky factor: slower, exact to rounding."""
        anchors = np.broadcast_to(self.anchor, self.means.shape)
        density = self.constant[:, None] - 0.5 * distances_about(anchors, cells, self.whitener, self.shift)
        return density, lambda r: moments_about(anchors, cells, r)

    def _incomplete(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        """Each pattern is a Gaussian over its observed columns."""
        patterns = cells.patterns()
        if self.few and self.patterns.holds(patterns) and by_moments.suits(patterns) and self.accurate:
            held, where = self.patterns.find(patterns.keys, patterns.masks)
            return by_moments.evaluate(cells, patterns, held, where, self.anchor, self.shift)
        rows = incomplete_rows(cells, self.patterns, self.anchor, self.shift)
        density = -0.5 * rows.distances - rows.half_log_dets - 0.5 * LOG_2PI * rows.seen
        return density, rows.moments

    def log_densities(self, moments: Array) -> Array:
        return np.asarray((self.natural * moments).sum(axis=1))


class DiagonalForm(Form):
    """Diagonal covariances, given as variances (K, d); missing cells cost a mask, nothing more."""

    def __init__(self, means: Array, variances: Array, anchor: Array) -> None:
        super().__init__(means, anchor)
        p = 1 / variances
        self.normaliser = -0.5 * (np.log(variances) + LOG_2PI + self.shift**2 * p)  # (K, d), one per observed cell
        self.linear, self.square = self.shift * p, -0.5 * p
        self.complete = np.concatenate([self.normaliser.sum(1)[:, None], self.linear, self.square], axis=1)
        self.masked = np.concatenate([self.normaliser, self.linear, self.square], axis=1)

    @cached_property
    def bound(self) -> float:
        return float((-2 * self.square * (np.abs(self.shift) + 4 / np.sqrt(-2 * self.square)) ** 2).sum(1).max())

    @property
    def constants(self) -> Array:
        return self.complete[:, 0]

    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        dtype = self.precision_for(cells.values)
        if self.anchor.ndim == 2 or not self.exact(dtype):
            return self._whitened(cells)
        phi, coefficients = self._features(cells, self.anchor, dtype), self.complete
        if cells.observed is not None:
            coefficients = self.masked
        density = np.matmul(
            coefficients.astype(dtype, copy=False), phi, out=borrow((len(coefficients), phi.shape[1]), dtype)
        )
        return density, lambda r: self._moments(r @ phi.T)

    def _features(self, cells: Cells, anchor: Array, dtype: np.dtype) -> Array:
        """(1, z, z^2) for complete cells, (mask, z, z^2) for incomplete ones."""
        d, n = cells.values.shape
        head = 1 if cells.observed is None else d
        phi = borrow((head + 2 * d, n), dtype)
        phi[:head] = 1 if cells.observed is None else cells.observed
        z = phi[head : head + d]
        np.subtract(cells.values, anchor[:, None], out=z, dtype=np.float64, casting="same_kind")
        if cells.observed is not None:
            z *= cells.observed
        with np.errstate(over="ignore"):  # a number without a square is impossible under every component
            np.multiply(z, z, out=phi[head + d :])
        return phi

    def _moments(self, m: Array) -> Array:
        """(K, 3d): mass, first and second moment of every column."""
        d = self.means.shape[1]
        return m if m.shape[1] == 3 * d else np.concatenate([np.repeat(m[:, :1], d, 1), m[:, 1:]], axis=1)

    def _whitened(self, cells: Cells) -> tuple[Array, Callable[[Array], Array]]:
        n = cells.values.shape[1]
        density = np.empty((len(self.means), n))
        anchors = np.broadcast_to(self.anchor, self.means.shape)
        seen = np.ones((1, n)) if cells.observed is None else cells.observed
        for k, anchor in enumerate(anchors):
            y = centred(cells, anchor, DOUBLE) - self.shift[k][:, None]
            level = self.normaliser[k] + 0.5 * self.shift[k] ** 2 * -2 * self.square[k]
            density[k] = ((self.square[k][:, None] * y * y + level[:, None]) * seen).sum(0)

        def collect(r: Array) -> Array:
            return np.concatenate(
                [self._moments(r[[k]] @ self._features(cells, a, DOUBLE).T) for k, a in enumerate(anchors)]
            )

        return density, collect

    def log_densities(self, moments: Array) -> Array:
        return np.asarray((self.masked * moments).sum(axis=1))


def full_moments(sums: Array) -> tuple[Array, Array, Array]:
    """Mass (K,), mean about the anchor (K, d) and covariance (K, d, d) from packed sums (K, F)."""
    d = int((np.sqrt(8 * sums.shape[1] + 1) - 3) / 2)
    mass, first, second = unpack(sums, d)
    safe = np.maximum(mass, 1e-300)
    mean = first / safe[:, None]
    return mass, mean, second / safe[:, None, None] - mean[:, :, None] * mean[:, None, :]


def diagonal_moments(sums: Array, d: int) -> tuple[Array, Array, Array]:
    """Mass, mean about the anchor and variance of every column, each (K, d)."""
    mass, first, second = sums[:, :d], sums[:, d : 2 * d], sums[:, 2 * d :]
    safe = np.maximum(mass, 1e-300)
    mean = first / safe
    return mass, mean, np.maximum(second / safe - mean**2, 0)


def prior_moments(offset: Array, scale: Array, full: bool) -> Array:
    """Moments of one pseudo-row per component at ``offset`` (K, d) from the anchor, with variances scale^2."""
    if full:
        second: Array = offset[:, :, None] * offset[:, None, :] + np.diag(scale**2)
        return pack(np.ones(len(offset)), offset, second)
    return np.concatenate([np.ones_like(offset), offset, offset**2 + scale**2], axis=1)
