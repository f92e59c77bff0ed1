r"""Evidence that new rows come from another distribution than the reference, valid however often one looks.

Rows fall into B bins. The reference has counts c (n rows) from unknown probabilities p; without drift the new rows
x come from the same p. For every p, every share s and any predictive distribution Q that was chosen from c alone,

.. math:: M_t(p) = (1-s)^{a (B-1)} \; e^{s n \, \mathrm{KL}(c/n \,\|\, p)} \; Q(x_1..x_t) / p(x_1..x_t)

is a non-negative martingale that begins with an expectation of at most 1; the first two factors are the price of not
knowing p. So :math:`E_t = \min_p M_t(p)` ever reaches 1/alpha with probability at most alpha (Ville's inequality),
whatever p is and however many rows the reference has. The minimum lies at :math:`p \propto m + s c`, with m the new
counts: it is as if the reference had s n rows. E here is the mean of two of them, a small s for a cheap start and a
large one for the long run.

Fractional counts (responsibilities) are averages of whole ones, and E is convex in them: the promise stays.

Source: Ramdas, Grünwald, Vovk & Shafer (2023), Statist. Sci. 38, 576-601; the minimum over p: Wasserman, Ramdas &
Balakrishnan (2020), PNAS 117, 16880-16890; the exponential of an empirical divergence, and its chain rule: Agrawal
(2020), IEEE Trans. Inf. Theory 66, 6297-6302; mixtures as Q: Robbins (1970), Ann. Math. Statist. 41, 1397-1409.
"""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.special import gammaln

# the small s is 1/2 up to so many rows and falls with the root of n beyond: what is not needed is not paid for
SMALL, ROWS = 0.5, 10_000
LARGE = 0.8
# E exp(s n KL) of a binomial is at most (1 - s)^-a for every n and p: found by going through them, as the tests do;
# the chain rule of KL gives one such factor for each of the B - 1 free bins
EXPONENT, LARGE_EXPONENT = 0.7, 0.58
# Dirichlet alternatives by their concentration: shifts in any direction, from large to small
CONCENTRATIONS = (8.0, 32.0, 128.0, 512.0)
# exponential tilts of bins that have an order, in standard deviations of the rank, and of its square
SHIFTS, SHIFT_SHARE = (0.08, 0.15, 0.3, 0.6, 1.2), 0.5
SPREADS, SPREAD_SHARE = (0.15, 0.3, 0.6), 0.2
TINY = 1e-300


def log_evidence(reference: Array, counts: Array, ordered: Array) -> Array:
    """log E of R tests for S sets of new counts: (S, R) from reference (R, B), counts (S, R, B), ordered (R,) bool.

    A test with fewer than B bins has -1 in the reference, and 0 in the counts, where it has none.

    >>> reference, ordered = np.array([[500.0, 500.0]]), np.array([False])
    >>> log_evidence(reference, np.array([[[50.0, 50.0]], [[90.0, 10.0]]]), ordered).round(1).tolist()
    [[-1.2], [25.9]]
    """
    used = reference >= 0
    c = np.where(used, reference, 0.0)
    n = c.sum(axis=1, keepdims=True)
    free = used.sum(axis=1) - 1
    small = SMALL * np.minimum(1.0, np.sqrt(ROWS / np.maximum(n, 1.0)))
    cheap = _log_null(c, n, small, counts) - EXPONENT * free * np.log1p(-small[:, 0])
    long = _log_null(c, n, np.full_like(n, LARGE), counts) - LARGE_EXPONENT * free * np.log1p(-LARGE)
    out: Array = _log_alternative(c, n, used, counts, ordered) + np.logaddexp(-cheap, -long) - np.log(2)
    return out


def _log_null(c: Array, n: Array, s: Array, counts: Array) -> Array:
    """max over p of log p(x) - s n KL(c/n || p)."""
    pooled = counts + s * c
    most = _xlogy(pooled, pooled / np.maximum(pooled.sum(axis=-1, keepdims=True), TINY))
    out: Array = most.sum(axis=-1) - _xlogy(s * c, c / np.maximum(n, TINY)).sum(axis=-1)
    return out


def _log_alternative(c: Array, n: Array, used: Array, counts: Array, ordered: Array) -> Array:
    """log Q: Dirichlet-multinomials around the reference and, where bins have an order, tilts of it."""
    centre = np.where(used, (c + 0.5) / (n + 0.5 * used.sum(axis=1, keepdims=True)), 0.0)
    rest = np.log(np.where(ordered, 1 - SHIFT_SHARE - SPREAD_SHARE, 1.0) / len(CONCENTRATIONS))
    parts = np.full((len(CONCENTRATIONS) + 2 * len(SHIFTS + SPREADS), *counts.shape[:2]), -np.inf)
    for i, a in enumerate(CONCENTRATIONS):
        parts[i] = _log_dirichlet(np.where(used, a * centre, 1.0), a, counts) + rest
    if ordered.any():
        tilts, share = _tilts(centre[ordered], used[ordered])
        parts[len(CONCENTRATIONS) :, :, ordered] = np.einsum("srb,jrb->jsr", counts[:, ordered], tilts) + share
    top = parts.max(axis=0)
    out: Array = top + np.log(np.exp(parts - top).sum(axis=0))
    return out


def _log_dirichlet(alpha: Array, a: float, counts: Array) -> Array:
    """Log-probability of a sequence with these counts when its probabilities are Dirichlet(alpha)."""
    inside = (gammaln(alpha + counts) - gammaln(alpha)).sum(axis=-1)
    out: Array = inside + gammaln(np.array(a)) - gammaln(a + counts.sum(axis=-1))
    return out


def _tilts(centre: Array, used: Array) -> tuple[Array, Array]:
    """Log-probabilities of the tilted references (J, R, B), and the log of each one's share of Q (J, 1, 1)."""
    shift = _standard(np.cumsum(centre, axis=1) - centre / 2, centre)
    spread = _standard(shift**2, centre)
    scores = [(shift, x, SHIFT_SHARE / len(SHIFTS)) for x in SHIFTS]
    scores += [(spread, x, SPREAD_SHARE / len(SPREADS)) for x in SPREADS]
    raw = np.stack([centre * np.exp(sign * x * score) for score, x, _ in scores for sign in (1, -1)])
    share = np.array([weight / 2 for *_, weight in scores for _ in (1, -1)])
    return np.log(np.where(used, raw / raw.sum(axis=-1, keepdims=True), 1.0)), np.log(share)[:, None, None]


def _standard(score: Array, weights: Array) -> Array:
    """The score with mean 0 and variance 1 under the weights; 0 where it does not vary."""
    centred = score - (weights * score).sum(axis=1, keepdims=True)
    variance = (weights * centred**2).sum(axis=1, keepdims=True)
    out: Array = np.clip(centred / np.sqrt(np.maximum(variance, 1e-9)), -8.0, 8.0)
    return out


def _xlogy(x: Array, y: Array) -> Array:
    out: Array = x * np.log(np.where(x > 0, y, 1.0))
    return out


def effects(reference: Array, counts: Array) -> Array:
    """Total variation between new counts and the reference, less what sampling alone would show, (S, R)."""
    c = np.maximum(reference, 0.0)
    n, m = c.sum(axis=-1, keepdims=True), counts.sum(axis=-1, keepdims=True)
    apart = 0.5 * np.abs(counts / np.maximum(m, TINY) - c / np.maximum(n, TINY)).sum(axis=-1)
    p = (c + counts) / np.maximum(n + m, TINY)
    variance = p * (1 - p) * (1 / np.maximum(n, TINY) + 1 / np.maximum(m, TINY))
    noise = 0.5 * np.sqrt(2 / np.pi * variance).sum(axis=-1)
    known = ((n > 0) & (m > 0))[..., 0]
    return np.where(known, np.sqrt(np.maximum(apart**2 - np.where(known, noise, 0.0) ** 2, 0.0)), 0.0)
