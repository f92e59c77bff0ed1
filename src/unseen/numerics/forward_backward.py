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
from unseen.kernels.chains import PEAK, SMALL, TINY
from unseen.numerics import chain_logs, chain_walks
from unseen.numerics.chain_logs import Smoothed
from unseen.numerics.chain_pieces import Pieces
from unseen.numerics.workspace import room, taken, transposed

FLOOR = -690.0  # log b of a state that is possible: what this adds, and what underflows, is below 1e-290


@dataclass(frozen=True, slots=True)
class Scaled:
    """alpha and gamma (n, K), c (n,), xi summed over the sequences that are ``fine`` (S,), and b beta / c of the first
    row (K,): what it and the rows after it say of its state, given those before."""

    alpha: Array
    gamma: Array
    c: Array
    counts: Array
    fine: Array
    onward: Array


def forward_backward(
    density: Array,
    start: Array,
    transitions: Array,
    offsets: Array,
    compiled: bool = False,
    weights: Array | None = None,
) -> Smoothed:
    """Posterior of the hidden states; density (K, n), start (K,) and transitions (K, K) as logarithms.

    A sequence of weight w (S,) counts w times in the expected first states and transitions.

    A row that no state can explain has a predictive density of zero, and is passed over as if it was not observed.
    """
    states, top = relative(density)
    scaled = recursions(states, np.exp(start), np.exp(transitions), offsets, compiled, weights=weights)
    np.copyto(states, scaled.gamma.T)
    with np.errstate(all="ignore"):
        predictive = np.log(scaled.c) + top
    counts, lost = scaled.counts, rows_of(~scaled.fine, offsets)
    dead = int((top[~lost] == -np.inf).sum())
    if len(some := np.flatnonzero(~scaled.fine)):
        logs = chain_logs.forward_backward(
            density[:, lost], start, transitions, joined(offsets, some), None if weights is None else weights[some]
        )
        states[:, lost], predictive[lost] = logs.states, logs.predictive
        counts, dead = counts + logs.transitions, dead + logs.dead
    return Smoothed(states, predictive, chain_logs.firsts(states.T, offsets, weights), counts, dead)


def relative(density: Array) -> tuple[Array, Array]:
    """Densities (K, n) over the largest of their row, and that largest one's logarithm (n,), -inf at a row of none."""
    top = density.max(axis=0)
    none = top == -np.inf
    b = room(density.shape)
    np.subtract(density, np.where(none, 0.0, top), out=b)
    if b.min(initial=0.0) < FLOOR:
        np.maximum(b, FLOOR, out=b, where=b != -np.inf)
    np.exp(b, out=b)
    b[:, none] = 1.0
    return b, top


def recursions(
    b: Array,
    start: Array,
    transitions: Array,
    offsets: Array,
    compiled: bool = False,
    keep: bool = False,
    weights: Array | None = None,
    onward: Array | None = None,
) -> Scaled:
    """The scaled recursions over densities b (K, n); alpha is only there if ``keep``.

    Where there is one sequence and it goes on, ``onward`` (K,) is what rows after the last say of the next one's state.
    """
    forward, backward = (chains.forward.compiled(), chains.backward.compiled()) if compiled else (None, None)
    if forward is None or backward is None:
        with np.errstate(all="ignore"):
            return _in_pieces(b, start, transitions, offsets, keep, weights, onward)
    b = transposed(b)
    k, offsets = len(start), np.ascontiguousarray(offsets, np.int64)
    alpha, c, counts = room(b.shape), np.empty(len(b)), np.zeros((k, k))
    fine = np.ones(len(offsets) - 1, np.int64)
    forward(b, start, np.ascontiguousarray(transitions.T), offsets, alpha, c)
    gamma = alpha.copy() if keep else alpha
    w = np.ones(len(fine)) if weights is None else np.ascontiguousarray(weights, float)
    last = np.ones(k) if onward is None else transitions @ onward + TINY
    moves, beta, xi = np.ascontiguousarray(transitions), np.empty(k), np.empty((k, k))
    backward(b, moves, offsets, gamma, c, last, beta, xi, counts, fine, w)
    return Scaled(alpha, gamma, c, counts, fine == 1, b[:1].sum(axis=0))


def filtered(b: Array, start: Array, transitions: Array, compiled: bool = False) -> tuple[Array, Array]:
    """alpha (n, K) and c (n,) of one sequence from densities b (K, n): `recursions` without the way back."""
    forward = chains.forward.compiled() if compiled else None
    whole = np.array([0, b.shape[1]], np.int64)
    if forward is not None:
        b = transposed(b)
        alpha, c = room(b.shape), np.empty(len(b))
        forward(b, np.ascontiguousarray(start), np.ascontiguousarray(transitions.T), whole, alpha, c)
        return alpha, c
    pieces = Pieces.of(whole)
    rows = pieces.rows()
    place = np.empty_like(rows)
    place[rows] = np.arange(len(rows))
    with np.errstate(all="ignore"):
        alpha, c, _ = chain_walks.forward(taken(transposed(b), rows), start, transitions, pieces)
    return taken(alpha, place), c[place]


def _in_pieces(
    b: Array, start: Array, transitions: Array, offsets: Array, keep: bool, weights: Array | None, onward: Array | None
) -> Scaled:
    pieces = Pieces.of(offsets)
    rows = pieces.rows()
    place = np.empty_like(rows)
    place[rows] = np.arange(len(rows))
    b = taken(transposed(b), rows)
    alpha, c, guess = chain_walks.forward(b, start, transitions, pieces, onward)
    b /= c[:, None]
    beta = chain_walks.backward(b, transitions, pieces, guess)
    fine = np.ones(len(offsets) - 1, bool)
    suspect = not (c.min(initial=SMALL) >= SMALL and beta.max(initial=0.0) <= PEAK)
    if suspect:
        lost = rows[~((c >= SMALL) & (beta.max(axis=1) <= PEAK))]
        fine[np.searchsorted(offsets, lost, side="right") - 1] = False
    b *= beta
    said = b[place[:1]].sum(axis=0)
    beta *= alpha
    if suspect:
        here = rows_of(~fine, offsets)[rows]
        alpha[here] = b[here] = 0.0
    if weights is not None:
        b *= rows_of(weights, offsets)[rows][:, None]
    counts = transitions * chain_walks.pairs(alpha, b, pieces)
    np.take(beta, place, axis=0, out=b, mode="clip")
    return Scaled(taken(alpha, place) if keep else alpha, b, c[place], counts, fine, said)


def rows_of(chosen: Array, offsets: Array) -> Array:
    """What is said of sequences (S,), said of each of their rows (n,)."""
    rows: Array = np.repeat(chosen, np.diff(offsets))
    return rows


def joined(offsets: Array, some: Array) -> Array:
    """Offsets of some sequences, one after the other."""
    return np.append(0, np.cumsum(np.diff(offsets)[some]))
