r"""Stationary distributions of Markov chains, and transition matrices that begin in theirs."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array


def stationary(transitions: Array) -> Array:
    r"""The solution of :math:`\pi A = \pi,\ \sum \pi = 1`, (K,); NaN where it is not unique."""
    k = len(transitions)
    try:
        solved: Array = np.linalg.solve((np.eye(k) - transitions + 1).T, np.ones(k))
    except np.linalg.LinAlgError:
        return np.full(k, np.nan)
    return solved


def fit_stationary(start: Array, counts: Array, begin: Array, rounds: int = 100) -> Array:
    r"""Transitions (K, K) that raise :math:`Q(A) = \sum_k s_k \log \pi_k(A) + \sum_{ij} T_{ij} \log A_{ij}`.

    Natural-gradient steps :math:`A \leftarrow A + \tau E_{ij} / T_{i\cdot}`, halved until Q rises, from the better
    of ``begin`` and the maximiser of the second term; :math:`E_{ij} = A_{ij}(g_{ij} - \sum_l A_{il} g_{il})` with
    :math:`g = \partial Q / \partial A`. Q never falls below its value at ``begin``.

    Source: :math:`d\pi = \pi\, dA\, Z`, :math:`Z = (I - A + 1\pi)^{-1}` (Schweitzer 1968, J. Appl. Probab. 5).
    """
    mass = counts.sum(axis=1, keepdims=True)
    free = np.divide(counts, mass, out=begin.copy(), where=mass > 0)
    best, value = max(((a, objective(start, counts, a)) for a in (begin, free)), key=lambda pair: pair[1])
    for _ in range(rounds):
        step = _ascent(start, counts, best) / np.maximum(mass, 1e-300) * (mass > 0)
        size = 1.0
        while size > 1e-6:
            moved = best + size * step
            raised = objective(start, counts, moved) if (moved >= 0).all() else -np.inf
            if raised > value:
                break
            size /= 2
        else:
            break
        gain, best, value = raised - value, moved / moved.sum(axis=1, keepdims=True), raised
        if gain <= 1e-13 * (1 + abs(value)):
            break
    return best


def objective(start: Array, counts: Array, transitions: Array) -> float:
    """Expected complete-data log-likelihood of a chain that begins in its stationary distribution."""
    pi = stationary(transitions)
    if not (pi > -1e-12).all():  # also when NaN
        return -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(start > 0, start * np.log(np.maximum(pi, 0)), 0.0).sum()
        return float(first + np.where(counts > 0, counts * np.log(transitions), 0.0).sum())


def _ascent(start: Array, counts: Array, transitions: Array) -> Array:
    """E of `fit_stationary`: the gradient in softmax coordinates."""
    pi = np.maximum(stationary(transitions), 1e-300)
    pull = np.linalg.solve(np.eye(len(pi)) - transitions + pi, start / pi)  # Z (s / pi)
    leaning = transitions * pi[:, None] * (pull - (transitions @ pull)[:, None])
    total: Array = counts - counts.sum(axis=1, keepdims=True) * transitions + leaning
    return total
