r"""Forward-backward over many hidden Markov chains at once.

Rows of all sequences lie one after the other; ``offsets`` (S + 1,) says where sequences begin. The recursions are
scaled at every row (Rabiner 1989, Proc. IEEE 77, section V): with b_t(k) the density over its largest among the states,

.. math:: c_t \alpha_t(k) = b_t(k) \sum_i \alpha_{t-1}(i) A_{ik}, \qquad
          \beta_t(i) = \sum_k A_{ik} b_{t+1}(k) \beta_{t+1}(k) / c_{t+1},

and log c_t is the predictive log-density of a row given its past, up to that largest one. What underflows at row t is
lost, and would have counted with beta_t: where no beta is large and no c is small, it was nothing. The few sequences
for which this cannot be said are walked in logs (`chain_logs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.kernels import chains
from unseen.kernels.chains import PEAK, SMALL
from unseen.numerics import chain_logs, chain_pieces
from unseen.numerics.chain_logs import Smoothed

FLOOR = -690.0  # log b of a state that is possible: what this adds, and what underflows, is below 1e-290
TILE = 8192  # rows whose expected transitions are summed in one product


@dataclass(frozen=True, slots=True)
class Scaled:
    """alpha and gamma (n, K), c (n,), xi summed over the sequences that are ``fine`` (S,)."""

    alpha: Array
    gamma: Array
    c: Array
    counts: Array
    fine: Array


def forward_backward(
    density: Array, start: Array, transitions: Array, offsets: Array, compiled: bool = False
) -> Smoothed:
    """Posterior of the hidden states; density (K, n), start (K,) and transitions (K, K) as logarithms.

    A row that no state can explain has a predictive density of zero, and is passed over as if it was not observed.
    """
    b, top = relative(density)
    scaled = recursions(b, np.exp(start), np.exp(transitions), offsets, compiled)
    states = np.ascontiguousarray(scaled.gamma.T)
    with np.errstate(all="ignore"):
        predictive = np.log(scaled.c) + top
    counts, lost = scaled.counts, rows_of(~scaled.fine, offsets)
    dead = int((top[~lost] == -np.inf).sum())
    if len(some := np.flatnonzero(~scaled.fine)):
        logs = chain_logs.forward_backward(density[:, lost], start, transitions, joined(offsets, some))
        states[:, lost], predictive[lost] = logs.states, logs.predictive
        counts, dead = counts + logs.transitions, dead + logs.dead
    first = offsets[:-1][np.diff(offsets) > 0]
    return Smoothed(states, predictive, states[:, first].sum(axis=1), counts, dead)


def relative(density: Array) -> tuple[Array, Array]:
    """Densities (n, K) over the largest of their row, and that largest one's logarithm (n,), -inf at a row of none."""
    top = density.max(axis=0)
    none = top == -np.inf
    shifted = density - np.where(none, 0.0, top)
    if shifted.min(initial=0.0) < FLOOR:
        np.maximum(shifted, FLOOR, out=shifted, where=shifted != -np.inf)
    np.exp(shifted, out=shifted)
    shifted[:, none] = 1.0
    return np.ascontiguousarray(shifted.T), top


def recursions(
    b: Array, start: Array, transitions: Array, offsets: Array, compiled: bool = False, keep: bool = False
) -> Scaled:
    """The scaled recursions over densities b (n, K), which are overwritten; alpha is only there if ``keep``."""
    forward, backward = (chains.forward.compiled(), chains.backward.compiled()) if compiled else (None, None)
    with np.errstate(all="ignore"):
        if forward is None or backward is None:
            return _in_pieces(b, start, transitions, offsets)
    (n, k), offsets = b.shape, np.ascontiguousarray(offsets, np.int64)
    alpha, c, counts = np.empty((n, k)), np.empty(n), np.zeros((k, k))
    fine = np.ones(len(offsets) - 1, np.int64)
    forward(b, start, np.ascontiguousarray(transitions.T), offsets, alpha, c)
    gamma = alpha.copy() if keep else alpha
    backward(b, np.ascontiguousarray(transitions), offsets, gamma, c, np.empty(k), np.empty((k, k)), counts, fine)
    return Scaled(alpha, gamma, c, counts, fine == 1)


def _in_pieces(b: Array, start: Array, transitions: Array, offsets: Array) -> Scaled:
    pieces = chain_pieces.Pieces.of(offsets)
    rows = pieces.rows()
    place = np.empty_like(rows)
    place[rows] = np.arange(len(rows))
    b = b[rows]
    alpha, c = chain_pieces.forward(b, start, transitions, pieces)
    b /= c[:, None]
    beta = chain_pieces.backward(b, transitions, pieces)
    fine = np.ones(len(offsets) - 1, bool)
    lost = rows[~((c >= SMALL) & (beta.max(axis=1) <= PEAK))]
    fine[np.searchsorted(offsets, lost, side="right") - 1] = False
    b *= beta
    later = rows_of(fine, offsets)
    later[offsets[:-1][np.diff(offsets) > 0]] = False
    counts = transitions * _pairs(alpha, b, place, np.flatnonzero(later))
    beta *= alpha
    return Scaled(alpha[place], beta[place], c[place], counts, fine)


def _pairs(alpha: Array, w: Array, place: Array, later: Array) -> Array:
    """Sum over rows t of alpha_{t-1} w_t', (K, K); rows are found at their places."""
    total = np.zeros((alpha.shape[1], alpha.shape[1]))
    for at in range(0, len(later), TILE):
        some = later[at : at + TILE]
        total += alpha[place[some - 1]].T @ w[place[some]]
    return total


def rows_of(chosen: Array, offsets: Array) -> Array:
    """Which rows (n,) belong to the sequences chosen (S,)."""
    rows: Array = np.repeat(chosen, np.diff(offsets))
    return rows


def joined(offsets: Array, some: Array) -> Array:
    """Offsets of some sequences, one after the other."""
    return np.append(0, np.cumsum(np.diff(offsets)[some]))
