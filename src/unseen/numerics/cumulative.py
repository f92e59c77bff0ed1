r"""Cumulative logits: probabilities of ordered categories, and the parameters that fit expected counts.

K components share the C - 1 thresholds of a column and have a location each:
:math:`P(x \le c \mid k) = F(\tau_c - \eta_k)` with the logistic F. Since
:math:`F(b) - F(a) = F(b) F(-a) (1 - e^{a - b})`, the log-likelihood of counts is a sum of log F over thresholds and of
:math:`\log(1 - e^{-\text{gap}})` over gaps: concave (Pratt 1981, JASA 76, 103-106), and free of cancellation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from unseen.core.stats import Array

EMPTY = 1e-8
# thresholds of a category that never occurs lie so close together, or so far from all locations
CLOSE, FAR = 1e-9, 20.0
HALVINGS = 40
# a loss below this share of the log-likelihood is none
ROUNDING = 1e-15


def log_logistic(u: Array) -> Array:
    """log F(u), without overflow."""
    out: Array = np.minimum(u, 0) - np.log1p(np.exp(-np.abs(u)))
    return out


def log_probabilities(thresholds: Array, locations: Array) -> Array:
    """Log-probabilities (K, C) of the categories."""
    u = thresholds - locations[:, None]
    edge = np.zeros((len(u), 1))
    out = np.hstack([log_logistic(u), edge]) + np.hstack([edge, log_logistic(-u)])
    out[:, 1:-1] += np.log(-np.expm1(-np.diff(thresholds)))
    return out


def thresholds_of(shares: Array) -> Array:
    """Thresholds (C - 1,) at which a location of 0 has these shares (C,)."""
    kept = np.flatnonzero(shares > 0)
    below = shares[kept].cumsum()[:-1] / shares.sum()
    return _expanded(np.log(below) - np.log1p(-below), kept, len(shares), np.zeros(1))


def climb(counts: Sequence[Array], thresholds: Sequence[Array], locations: Array) -> tuple[list[Array], Array]:
    """Thresholds and locations of d columns, more likely for the counts than those given unless these are the best.

    counts : d arrays (K, categories)    thresholds : d arrays (categories - 1,)    locations : (K, d)

    One step of Newton's method for all columns at once, halved where it does not raise the likelihood. A category
    without any count gets a probability near 0, a component without any keeps its location; a location stays within 20
    of the outer thresholds, where a component is as good as constant. Locations are 0 on average.
    """
    kept = [np.flatnonzero(n.sum(axis=0) > EMPTY) for n in counts]
    ladders = Ladders.of(counts, kept)
    widths = [max(len(k) - 1, 0) for k in kept]
    tau = np.zeros((len(counts), ladders.lower.shape[2]))
    for row, column, k, width in zip(tau, thresholds, kept, widths, strict=True):
        row[:width] = column[k[:-1]]
    tau, eta = _step(ladders, tau, np.ascontiguousarray(locations.T))
    out = []
    for j, (n, k, width) in enumerate(zip(counts, kept, widths, strict=True)):
        column = tau[j, :width] if width == n.shape[1] - 1 else _expanded(tau[j, :width], k, n.shape[1], eta[j])
        centre = eta[j].mean()
        out.append(column - centre)
        eta[j] -= centre
    return out, eta.T


def _expanded(inner: Array, kept: Array, categories: int, locations: Array) -> Array:
    """Thresholds between all categories, from those between the ones that occur."""
    low, high = min(locations.min(), inner.min(initial=np.inf)), max(locations.max(), inner.max(initial=-np.inf))
    tau = np.empty(categories - 1)
    place = np.searchsorted(kept, np.arange(categories - 1), side="right")  # categories at or below each threshold
    for i in range(len(kept) + 1):
        mine = np.flatnonzero(place == i)
        steps = np.arange(len(mine))
        if i == 0:
            tau[mine] = low - FAR - steps[::-1]
        elif i == len(kept):
            tau[mine] = high + FAR + steps
        else:
            tau[mine] = inner[i - 1] + CLOSE * steps
    return tau


@dataclass(frozen=True, slots=True)
class Ladders:
    """Expected counts of d columns on either side of m thresholds each; columns with fewer are filled up with zeros.

    lower, upper : (d, K, m) counts of the categories next to each threshold    inside : (d, m - 1) those between two
    free : (d, m + K) which thresholds and locations there are to find
    """

    lower: Array
    upper: Array
    inside: Array
    free: Array

    @classmethod
    def of(cls, counts: Sequence[Array], kept: Sequence[Array]) -> Self:
        """From counts (K, categories) of each column, and the categories of each that occur."""
        d, k, m = len(counts), len(counts[0]), max(1, *(len(c) - 1 for c in kept))
        lower, upper = np.zeros((2, d, k, m))
        inside, free = np.zeros((d, m - 1)), np.zeros((d, m + k), bool)
        for j, (n, c) in enumerate(zip(counts, kept, strict=True)):
            live, width = n.sum(axis=1) > EMPTY, len(c) - 1
            if width > 0:
                n = (n if width + 1 == n.shape[1] else n[:, c]) * live[:, None]
                lower[j, :, :width], upper[j, :, :width] = n[:, :-1], n[:, 1:]
                inside[j, : width - 1] = n[:, 1:-1].sum(axis=0)
                free[j, :width], free[j, m:] = True, live
        return cls(lower, upper, inside, free)

    def gaps(self, tau: Array) -> Array:
        """Differences of thresholds (d, m - 1), 1 behind a column's last."""
        return np.where(self.free[:, 1 : tau.shape[1]], np.diff(tau), 1.0)

    def value(self, tau: Array, eta: Array) -> Array:
        """The log-likelihoods (d,) at thresholds (d, m), locations (d, K); -inf where thresholds are out of order."""
        gaps, u = self.gaps(tau), tau[:, None] - eta[:, :, None]
        ordered = gaps > 0
        inside = (self.inside * np.log(-np.expm1(-np.where(ordered, gaps, 1)))).sum(axis=1)
        # log F(-u) = log F(u) - u
        outside = ((self.lower + self.upper) * log_logistic(u) - self.upper * u).sum(axis=(1, 2))
        return np.where(ordered.all(axis=1), inside + outside, -np.inf)

    def newton(self, tau: Array, eta: Array) -> tuple[Array, Array]:
        """The steps of thresholds and locations that leave their common shift alone."""
        f = np.exp(log_logistic(tau[:, None] - eta[:, :, None]))
        both = self.lower + self.upper
        pull = self.lower - both * f
        bend = both * f * (1 - f)
        q = 1 / np.expm1(np.minimum(self.gaps(tau), 700.0))  # e^700 is as good as infinite, and a number
        push = self.inside * q
        stiff = push * (1 + q)
        m = tau.shape[1]
        size = self.free.shape[1]
        gradient = np.concatenate([pull.sum(axis=1), -pull.sum(axis=2)], axis=1)
        gradient[:, 1:m] += push
        gradient[:, : m - 1] -= push
        h = np.zeros((len(tau), size, size))
        h[:, :m, m:] = -bend.transpose(0, 2, 1)
        h[:, m:, :m] = -bend
        every, i = np.arange(size), np.arange(m - 1)
        h[:, every, every] = np.concatenate([bend.sum(axis=1), bend.sum(axis=2)], axis=1)
        h[:, i, i] += stiff
        h[:, i + 1, i + 1] += stiff
        h[:, i, i + 1] -= stiff
        h[:, i + 1, i] -= stiff
        largest = np.maximum(h[:, every, every].max(axis=1), EMPTY)[:, None]
        # the shift of everything is flat: any curvature along it will do
        h += (largest / size)[..., None] * (self.free[:, :, None] & self.free[:, None, :])
        h[:, every, every] += np.where(self.free, 1e-13, 1) * largest
        step = np.linalg.solve(h, gradient[..., None])[..., 0]
        return step[:, :m], step[:, m:]


def _step(ladders: Ladders, tau: Array, eta: Array) -> tuple[Array, Array]:
    """Newton's step of each column, or the longest half of a half of it that does not lower the likelihood."""
    m = tau.shape[1]
    least = ladders.value(tau, eta)
    least -= ROUNDING * (1 + np.abs(least))
    d_tau, d_eta = ladders.newton(tau, eta)
    last = np.maximum(ladders.free[:, :m].sum(axis=1) - 1, 0)[:, None]
    size = np.ones((len(tau), 1))
    for _ in range(HALVINGS):
        new_tau, new_eta = tau + d_tau * size, eta + d_eta * size
        upper = np.take_along_axis(new_tau, last, axis=1) + FAR
        new_eta = np.where(ladders.free[:, m:], np.clip(new_eta, new_tau[:, :1] - FAR, upper), eta)
        fallen = ~(ladders.value(new_tau, new_eta) >= least)[:, None]
        if not fallen.any():
            break
        size = np.where(fallen, size / 2, size)
    return np.where(fallen, tau, new_tau), np.where(fallen, eta, new_eta)
