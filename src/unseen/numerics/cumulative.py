r"""Cumulative logits: probabilities of ordered categories, and the parameters that fit expected counts.

K components share the C - 1 thresholds of a column and have a location each:
:math:`P(x \le c \mid k) = F(\tau_c - \eta_k)` with the logistic F. Since
:math:`F(b) - F(a) = F(b) F(-a) (1 - e^{a - b})`, the log-likelihood of counts is a sum of log F over thresholds and of
:math:`\log(1 - e^{-\text{gap}})` over gaps: concave (Pratt 1981, JASA 76, 103-106), and free of cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array

EMPTY = 1e-8
# thresholds of a category that never occurs lie so close together, or so far from all locations
CLOSE, FAR = 1e-9, 20.0
ROUNDS, HALVINGS = 50, 40
# a gain below this share of the log-likelihood is rounding
GAIN = 1e-13


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


def fit(counts: Array, thresholds: Array, locations: Array) -> tuple[Array, Array]:
    """Thresholds (C - 1,) and locations (K,), on average 0, no less likely for counts (K, C) than those given.

    Newton's method with halving. A category without any count gets a probability near 0, a component without any keeps
    its location; a location stays within 20 of the outer thresholds, where a component is as good as constant.
    """
    kept = np.flatnonzero(counts.sum(axis=0) > EMPTY)
    live = counts.sum(axis=1) > EMPTY
    inner = thresholds[kept[:-1]]
    eta = locations.copy()
    if len(kept) > 1:
        inner, eta[live] = _climb(Counts(counts[np.ix_(live, kept)]), inner, locations[live])
    tau = _expanded(inner, kept, counts.shape[1], eta)
    centre = eta.mean()
    return tau - centre, eta - centre


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
class Counts:
    """Expected counts (K, m) of categories that all occur."""

    counts: Array

    def value(self, tau: Array, eta: Array) -> float:
        """The log-likelihood; -inf where thresholds are out of order."""
        gaps = np.diff(tau)
        if not (gaps > 0).all():
            return -np.inf
        u = tau - eta[:, None]
        inside = self.counts[:, 1:-1].sum(axis=0) @ np.log(-np.expm1(-gaps))
        return float((self.counts[:, :-1] * log_logistic(u) + self.counts[:, 1:] * log_logistic(-u)).sum() + inside)

    def newton(self, tau: Array, eta: Array) -> tuple[Array, Array]:
        """The step of thresholds and locations that leaves their common shift alone."""
        u = tau - eta[:, None]
        f = np.exp(log_logistic(u))
        pull = self.counts[:, :-1] * (1 - f) - self.counts[:, 1:] * f
        bend = (self.counts[:, :-1] + self.counts[:, 1:]) * f * (1 - f)
        q = 1 / np.expm1(np.diff(tau))
        inside = self.counts[:, 1:-1].sum(axis=0)
        push, stiff = inside * q, inside * q * (1 + q)
        m, k = len(tau), len(eta)
        gradient = np.concatenate([pull.sum(axis=0), -pull.sum(axis=1)])
        gradient[1:m] += push
        gradient[: m - 1] -= push
        h = np.zeros((m + k, m + k))
        h[:m, m:] = -bend.T
        h[m:, :m] = -bend
        h[np.arange(m), np.arange(m)] = bend.sum(axis=0)
        h[np.arange(m, m + k), np.arange(m, m + k)] = bend.sum(axis=1)
        i = np.arange(m - 1)
        h[i, i] += stiff
        h[i + 1, i + 1] += stiff
        h[i, i + 1] -= stiff
        h[i + 1, i] -= stiff
        size = np.diagonal(h).max()
        # the shift of everything is flat: any curvature along it will do
        h += size / len(h)
        h[np.diag_indices(len(h))] += 1e-13 * size
        step = np.linalg.solve(h, gradient)
        return step[:m], step[m:]


def _climb(counts: Counts, tau: Array, eta: Array) -> tuple[Array, Array]:
    value = counts.value(tau, eta)
    for _ in range(ROUNDS):
        d_tau, d_eta = counts.newton(tau, eta)
        for halving in range(HALVINGS):
            new_tau = tau + d_tau / 2**halving
            new_eta = np.clip(eta + d_eta / 2**halving, new_tau[0] - FAR, new_tau[-1] + FAR)
            reached = counts.value(new_tau, new_eta)
            if reached >= value:
                break
        else:
            break
        gain, value, tau, eta = reached - value, reached, new_tau, new_eta
        if gain <= GAIN * (1 + abs(value)):
            break
    return tau, eta
