"""The sequences of a block, walked in bounded memory: short ones together, each long one in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.numerics import chain_checkpoints, chain_paths
from unseen.numerics.chain_checkpoints import LONG, Evaluate, cuts
from unseen.numerics.chain_logs import Smoothed
from unseen.numerics.forward_backward import forward_backward


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences that begin at offsets (S + 1,), and the chain they come from; start (K,) and transitions (K, K) as
    logarithms. ``evaluate`` gives the log-densities (K, m) of rows from one to another, and what else is known of them.

    >>> walk = Sequences(lambda a, z: (np.zeros((1, z - a)), None), np.array([0, 2, 5]), np.zeros(1), np.zeros((1, 1)))
    >>> [(a, z, float(s.transitions[0, 0])) for a, z, s, _ in walk.smoothed()]
    [(0, 5, 3.0)]
    """

    evaluate: Evaluate
    offsets: Array
    start: Array
    transitions: Array
    compiled: bool = False

    def _groups(self) -> Iterator[tuple[int, int, bool]]:
        """First sequence and the one after the last of those that are walked together, and whether it is a long one."""
        first, most = 0, LONG // len(self.start)
        count = len(self.offsets) - 1
        if not count:
            yield 0, 0, False
        while first < count:
            last = int(np.searchsorted(self.offsets, self.offsets[first] + most, side="right")) - 1
            yield first, max(last, first + 1), last <= first
            first = max(last, first + 1)

    def _part(self, a: int) -> Evaluate:
        return lambda begin, end: self.evaluate(a + begin, a + end)

    def smoothed(self, weights: Array | None = None) -> Iterator[tuple[int, int, Smoothed, Any]]:
        """Forward-backward, where a sequence of weight w (S,) counts w times in expected first states and transitions.

        Yields parts that cover all rows, in any order: a first row and the one after the last, what is known of their
        states, and what ``evaluate`` said of them.
        """
        chain = self.start, self.transitions
        for first, last, long in self._groups():
            a, z = int(self.offsets[first]), int(self.offsets[last])
            if not long:
                density, known = self.evaluate(a, z)
                of = None if weights is None else weights[first:last]
                s = forward_backward(density, *chain, self.offsets[first : last + 1] - a, self.compiled, of)
                yield a, z, s, known
                continue
            for begin, end, s, known in chain_checkpoints.smoothed(self._part(a), z - a, *chain, self.compiled):
                yield a + begin, a + end, s if weights is None else s.weighted(float(weights[first])), known

    def viterbi(self) -> tuple[Array, Array]:
        """The most probable path of each sequence: states (n,), and its joint log-probability with the data (S,)."""
        path, scores = np.empty(self.offsets[-1], np.int64), np.zeros(len(self.offsets) - 1)
        chain = self.start, self.transitions
        for first, last, long in self._groups():
            a, z = int(self.offsets[first]), int(self.offsets[last])
            if long:
                path[a:z], scores[first] = chain_checkpoints.viterbi(self._part(a), z - a, *chain, self.compiled)
            else:
                offsets = self.offsets[first : last + 1] - a
                density = self.evaluate(a, z)[0]
                path[a:z], scores[first:last] = chain_paths.viterbi(density, *chain, offsets, self.compiled)
        return path, scores

    def draw_states(self, rng: np.random.Generator) -> Array:
        """One path of each sequence, (n,), from the posterior of its states."""
        path, chain = np.empty(self.offsets[-1], np.int64), (self.start, self.transitions)
        for first, last, long in self._groups():
            a, z = int(self.offsets[first]), int(self.offsets[last])
            if long:
                path[a:z] = chain_checkpoints.draw_states(self._part(a), z - a, *chain, rng, self.compiled)
            else:
                offsets = self.offsets[first : last + 1] - a
                path[a:z] = chain_paths.draw_states(self.evaluate(a, z)[0], *chain, offsets, rng, self.compiled)
        return path


def independent_steps(r: Array, offsets: Array, weights: Array | None, blur: float) -> tuple[Array, Array]:
    """Expected first states (K,) and transitions (K, K), were neighbours independent, at state probabilities (K, n).

    weights : (n,) of the rows, or None
    blur : share of what a step leads to that is spread evenly
    """
    states, n = r.shape
    firsts = offsets[:-1][np.diff(offsets) > 0]
    inner = np.ones(n, bool)
    inner[firsts] = False

    def spread(of: Array) -> Array:
        out: Array = (1 - blur) * of + blur * of.sum(axis=0) / states
        return out

    moves = np.zeros((states, states))
    for a, z in cuts(n, states):
        a = max(a, 1)
        later = inner[a:z]
        before = r[:, a - 1 : z - 1] if weights is None else r[:, a - 1 : z - 1] * weights[a - 1 : z - 1]
        moves += before[:, later] @ spread(r[:, a:z])[:, later].T
    begun = spread(r[:, firsts])
    return (begun if weights is None else begun * weights[firsts]).sum(axis=1), moves
