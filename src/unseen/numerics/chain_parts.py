"""Forward-backward over a part of one hidden Markov chain, from what is known at both of its ends."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from unseen.core.stats import Array
from unseen.kernels.chains import PEAK, SMALL
from unseen.numerics import chain_logs
from unseen.numerics.chain_logs import Schedule, Smoothed, logsumexp
from unseen.numerics.forward_backward import filtered, recursions, relative


class Lost(ArithmeticError):
    """What scaling lost to underflow may have counted."""


class Walk(Protocol):
    """Steps over a part; ``before`` is the filter at the row before it, ``onward`` what the part after says of its
    first state, both (K,), None where there is nothing. ``bounded`` says that only `filter` can find it lost."""

    bounded: bool

    def filter(self, density: Array, before: Array | None) -> Array:
        """Distribution of the state of each row given the rows up to it, (m, K)."""

    def smooth(self, density: Array, before: Array | None, onward: Array | None) -> Smoothed:
        """The part's share of forward-backward, the step into its first row included."""


class Scaled:
    """Steps scaled at every row, as in `forward_backward`."""

    def __init__(self, start: Array, transitions: Array, compiled: bool) -> None:
        self.start, self.transitions, self.compiled = np.exp(start), np.exp(transitions), compiled
        # one over the least transition bounds beta: one state's over another's, of which some state's is at most 1
        self.bounded = bool(self.transitions.min() * PEAK >= 2.0)

    def _ahead(self, before: Array | None) -> Array:
        return self.start if before is None else before @ self.transitions

    def filter(self, density: Array, before: Array | None) -> Array:
        alpha, c = filtered(relative(density)[0], self._ahead(before), self.transitions, self.compiled)
        if not c.min() >= SMALL:
            raise Lost
        return alpha

    def smooth(self, density: Array, before: Array | None, onward: Array | None) -> Smoothed:
        b, top = relative(density)
        whole = np.array([0, len(top)])
        s = recursions(b, self._ahead(before), self.transitions, whole, self.compiled, onward=onward)
        if not s.fine.all() or (onward is not None and not (self.transitions @ onward).max() <= PEAK):
            raise Lost
        counts = s.counts if before is None else s.counts + self.transitions * np.outer(before, s.onward)
        np.copyto(b, s.gamma.T)
        with np.errstate(all="ignore"):
            predictive = np.log(s.c) + top
        return Smoothed(b, predictive, _first(b, before), counts, int((top == -np.inf).sum()), s.onward)


class Logs:
    """The same in logs, for chains that scaling would lose to underflow; filters and ``onward`` are logs, too."""

    bounded = True

    def __init__(self, start: Array, transitions: Array) -> None:
        self.start, self.transitions = start, transitions

    def _ahead(self, before: Array | None) -> Array:
        return self.start if before is None else logsumexp(before[:, None] + self.transitions, 0)

    def filter(self, density: Array, before: Array | None) -> Array:
        rows = np.array(density.T, float, order="C")
        return chain_logs.forward(rows, self._ahead(before), self.transitions, Schedule.of(np.array([0, len(rows)])))[0]

    def smooth(self, density: Array, before: Array | None, onward: Array | None) -> Smoothed:
        whole = np.array([0, density.shape[1]])
        s = chain_logs.forward_backward(density, self._ahead(before), self.transitions, whole, onward=onward)
        assert s.onward is not None
        counts = s.transitions
        if before is not None:
            counts = counts + np.exp(before[:, None] + self.transitions + s.onward)
        return Smoothed(s.states, s.predictive, _first(s.states, before), counts, s.dead, s.onward)


def _first(states: Array, before: Array | None) -> Array:
    first: Array = states[:, 0] if before is None else np.zeros(len(states))
    return first.copy()
