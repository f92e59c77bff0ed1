"""Paths of hidden Markov chains: the most probable one, and one drawn from the posterior; many sequences at once."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.kernels import chains
from unseen.numerics import chain_logs
from unseen.numerics.chain_logs import Schedule
from unseen.numerics.forward_backward import joined, recursions, relative, rows_of


def viterbi(
    density: Array, start: Array, transitions: Array, offsets: Array, compiled: bool = False
) -> tuple[Array, Array]:
    """The most probable path of each sequence: states (n,), and its joint log-probability with the data (S,).

    density (K, n), start (K,) and transitions (K, K) as logarithms.
    """
    best = best_paths(np.ascontiguousarray(density.T, float), start, transitions, compiled, offsets)
    some = np.diff(offsets) > 0
    scores = np.zeros(len(offsets) - 1)
    scores[some] = best[offsets[1:][some] - 1].max(axis=1)
    return trace(best, transitions, offsets, compiled), scores


def best_paths(
    density: Array, start: Array, transitions: Array, compiled: bool = False, offsets: Array | None = None
) -> Array:
    """Log-probability of the most probable path to each state of each row, (n, K); density (n, K), one sequence unless
    offsets say more."""
    offsets = np.array([0, len(density)]) if offsets is None else offsets
    maximum = chains.maximum.compiled() if compiled else None
    if maximum is None:
        return _maximum(density, start, transitions, offsets)
    best = np.empty_like(density)
    maximum(density, start, np.ascontiguousarray(transitions), np.ascontiguousarray(offsets, np.int64), best)
    return best


def draw_states(
    density: Array, start: Array, transitions: Array, offsets: Array, rng: np.random.Generator, compiled: bool = False
) -> Array:
    """One path (n,) from the posterior of the hidden states: forward filtering, backward sampling."""
    scaled = recursions(relative(density)[0], np.exp(start), np.exp(transitions), offsets, compiled, keep=True)
    with np.errstate(all="ignore"):
        noisy = np.log(scaled.alpha)
    if len(some := np.flatnonzero(~scaled.fine)):
        lost = rows_of(~scaled.fine, offsets)
        logs = np.array(density[:, lost].T, dtype=float, order="C")
        noisy[lost] = chain_logs.forward(logs, start, transitions, Schedule.of(joined(offsets, some)))[0]
    # adding Gumbel noise to log-probabilities and taking the largest draws from the distribution
    noisy += rng.gumbel(size=noisy.shape)
    return trace(noisy, transitions, offsets, compiled)


def _maximum(density: Array, start: Array, transitions: Array, offsets: Array) -> Array:
    plan, best = Schedule.of(offsets), np.empty_like(density)
    for t in range(len(plan)):
        rows = plan.rows(t)
        best[rows] = start if t == 0 else (best[rows - 1][:, :, None] + transitions).max(axis=1)
        best[rows] += density[rows]
    return best


def trace(best: Array, transitions: Array, offsets: Array, compiled: bool) -> Array:
    """The state with the largest best (n, K) at the end of each sequence, then back to where it came from."""
    walk, moves = chains.trace.compiled() if compiled else None, np.ascontiguousarray(transitions.T)
    if walk is not None:
        path = np.empty(len(best), np.int64)
        walk(best, moves, np.ascontiguousarray(offsets, np.int64), path)
        return path
    path, plan = best.argmax(axis=1), Schedule.of(offsets)
    for t in range(len(plan) - 1, 0, -1):
        rows = plan.rows(t)
        path[rows - 1] = (best[rows - 1] + moves[path[rows]]).argmax(axis=1)
    return path
