r"""Student-t components: Mahalanobis distances of observed cells, and the weights they imply.

With :math:`\delta` the squared distance of a row's o observed cells, a row's latent precision factor u has
:math:`E[u] = (\nu + o) / (\nu + \delta)` and
:math:`E[\log u] = \psi((\nu + o)/2) - \log((\nu + \delta)/2)` (Lange, Little & Taylor 1989).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array, Sums
from unseen.numerics.completion import conditional_draw as gaussian_draw
from unseen.numerics.gaussian import DOUBLE, LOG_2PI, Form, distances_about, moments_about
from unseen.numerics.incomplete import Met, PatternTable, incomplete_rows
from unseen.numerics.linalg import cholesky, inverse_lower
from unseen.numerics.quadratic import features, natural, rounding_bound
from unseen.numerics.special import digamma, gammaln


@dataclass(frozen=True, slots=True)
class Distances:
    """Squared distances (K, n), half log-determinants of the observed cells' scale matrices (K, 1) or (K, n), how
    many cells each row has (n,) or None if all, and (R u, R) -> moments of the completed rows about the anchor."""

    delta: Array
    half_log_det: Array
    seen: Array | None
    moments: Callable[[Array, Array], Array]


class StudentForm(Form):
    """K multivariate t distributions with full scale matrices (K, d, d) and degrees of freedom (K,)."""

    def __init__(
        self,
        means: Array,
        scales: Array,
        df: Array,
        anchor: Array,
        met: Met | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__(means, anchor)
        self.single = False
        self.scales, self.df = scales, df[:, None]
        lower = cholesky(scales)
        self.whitener = inverse_lower(lower)
        self.precision = np.swapaxes(self.whitener, 1, 2) @ self.whitener
        self.half_log_det = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(-1)[:, None]
        self.natural = natural(self.shift, self.precision)
        self.quadratic = -2 * self.natural
        self.patterns = PatternTable(scales, self.precision, met, compiled)
        # per number of observed cells 0 ... d: what the density has beside the distance, and psi((nu + o) / 2)
        cells = np.arange(means.shape[1] + 1)
        half = 0.5 * (self.df + cells)
        self.level = gammaln(half) - gammaln(0.5 * self.df) - 0.5 * cells * np.log(np.pi * self.df)
        self.level += half * np.log(self.df)
        self.psi = digamma(half)

    @cached_property
    def bound(self) -> float:
        return rounding_bound(self.shift, self.precision)

    @property
    def constants(self) -> Array:
        found: Array = self.level[:, -1] - self.half_log_det[:, 0]
        return found

    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], Any]]:
        """Log-density (K, n), and the collector of mass, moments weighted by u, and expected log u."""
        found = self.distances(cells)
        seen = self.means.shape[1] if found.seen is None else found.seen
        at = slice(-1, None) if found.seen is None else found.seen
        spread = found.delta + self.df
        logs = np.log(spread)
        density = self.level[:, at] - found.half_log_det - 0.5 * (self.df + seen) * logs

        def collect(r: Array) -> Sums:
            if found.seen is not None:  # a row without any cell says nothing
                r = r * (found.seen > 0)
            moments = found.moments(r * ((self.df + seen) / spread), r)
            expected = self.psi[:, at] + np.log(2.0) - logs
            return {"mass": r.sum(axis=1), "moments": moments, "logs": np.einsum("kn,kn->k", r, expected)}

        return density, collect

    # ---- distances

    def distances(self, cells: Cells) -> Distances:
        """By the cheapest accurate path: one product, component by component, or pattern by pattern."""
        complete = cells.observed is None or bool(cells.observed.all())
        if not complete and self.means.shape[1] > 1:
            return self._incomplete(cells)
        path = self._product if self.anchor.ndim == 1 and self.exact(DOUBLE) else self._whitened
        if complete or cells.observed is None:
            return path(Cells(cells.values))
        found, seen = path(cells), cells.observed[0]
        return Distances(found.delta * seen, self.half_log_det * seen, seen.astype(int), found.moments)

    def _product(self, cells: Cells) -> Distances:
        phi = features(cells.values, self.anchor, cells.observed)
        delta = self.quadratic @ phi
        np.maximum(delta, 0, out=delta)
        return Distances(delta, self.half_log_det, None, lambda ru, r: ru @ phi.T)

    def _whitened(self, cells: Cells) -> Distances:
        anchors = np.broadcast_to(self.anchor, self.means.shape)
        delta = distances_about(anchors, cells, self.whitener, self.shift)
        return Distances(delta, self.half_log_det, None, lambda ru, r: moments_about(anchors, cells, ru))

    def _incomplete(self, cells: Cells) -> Distances:
        """Each missing pattern is a t distribution over its observed columns."""
        rows = incomplete_rows(cells, self.patterns, self.anchor, self.shift)
        return Distances(rows.distances, rows.half_log_dets, rows.seen, rows.moments)

    def log_densities(self, moments: Array) -> Array:
        """Those of normal rows with these locations and scales: what pseudo-rows are."""
        gaussian = self.natural.copy()
        gaussian[:, 0] -= self.half_log_det[:, 0] + 0.5 * self.means.shape[1] * LOG_2PI
        return np.asarray((gaussian * moments).sum(axis=1))


def conditional_draw(form: StudentForm, cells: Cells, states: Array, rng: np.random.Generator) -> Array:
    """Cells with the missing ones drawn given each row's state and observed cells: first u, then a Gaussian."""
    if cells.observed is None:
        return cells.values.astype(float)
    delta = form.distances(cells).delta[states, np.arange(len(states))]
    df, seen = form.df[states, 0], cells.observed.sum(axis=0)
    u = rng.standard_gamma(0.5 * (df + seen)) / (0.5 * (df + delta))
    noise = rng.standard_normal(cells.values.shape) / np.sqrt(u)
    return gaussian_draw(form.means, form.scales, cells, states, noise)
