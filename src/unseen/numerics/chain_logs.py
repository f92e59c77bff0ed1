r"""Forward-backward in the log domain, over many sequences at once: for those that scaling would lose to underflow.

Rows of all sequences lie one after the other; ``offsets`` (S + 1,) says where sequences begin. At each time the
sequences still running are one array (S_t, K), so the Python loop runs over time only. The filter is normalised
at every row: :math:`\log \hat\alpha_t(k) = \log p(z_t = k \mid x_{1..t})`, and the normaliser is the one-step
predictive density :math:`c_t = \log p(x_t \mid x_{1..t-1})`, whose sum is the log-likelihood.

Source: Rabiner (1989), Proc. IEEE 77.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unseen.core.stats import Array


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Smoothed states (K, n), predictive log-density of each row (n,), expected first states (K,), expected
    transitions (K, K), and how many rows had density zero given their past.

    ``onward`` (K,), where it is there, is what the first row and those after it say of its state given those before.
    """

    states: Array
    predictive: Array
    start: Array
    transitions: Array
    dead: int
    onward: Array | None = None

    def weighted(self, weight: float) -> Smoothed:
        """The same of a sequence that counts so many times."""
        return replace(self, start=weight * self.start, transitions=weight * self.transitions)


@dataclass(frozen=True, slots=True)
class Schedule:
    """First rows of the sequences, longest first, and how many of them still run at each time."""

    starts: Array
    running: Array

    @classmethod
    def of(cls, offsets: Array) -> Schedule:
        lengths = np.diff(offsets)
        order = np.argsort(-lengths, kind="stable")
        longest = int(lengths.max(initial=0))
        return cls(offsets[:-1][order], np.searchsorted(-lengths[order], -np.arange(longest), side="left"))

    def rows(self, time: int) -> Array:
        """The row of each running sequence at a time."""
        rows: Array = self.starts[: self.running[time]] + time
        return rows

    def __len__(self) -> int:
        return len(self.running)


def logsumexp(a: Array, axis: int) -> Array:
    """Log of the sum of exponentials; -inf where all terms are. One call: what counts for arrays this small."""
    out: Array = np.logaddexp.reduce(a, axis=axis)
    return out


def forward(density: Array, start: Array, transitions: Array, plan: Schedule) -> tuple[Array, Array, Array]:
    """Log filter (n, K), predictive log-density (n,), and rows of density zero, from log arrays; density (n, K).

    A row that no state can explain counts as -inf, and the recursion goes on as if it had not been observed;
    ``density`` is overwritten there with zeros.
    """
    filtered, predictive = np.empty_like(density), np.empty(len(density))
    dead: list[Array] = []
    for t in range(len(plan)):
        rows = plan.rows(t)
        ahead = start[None] if t == 0 else logsumexp(filtered[rows - 1][:, :, None] + transitions, 1)
        joint = ahead + density[rows]
        total = logsumexp(joint, 1)
        if total.min() == -np.inf:
            lost = total == -np.inf
            dead.append(rows[lost])
            density[rows[lost]] = 0.0
            joint[lost] = np.broadcast_to(ahead, joint.shape)[lost]
            total[lost] = 0.0
        filtered[rows] = joint - total[:, None]
        predictive[rows] = total
    return filtered, predictive, np.concatenate(dead) if dead else np.empty(0, int)


def forward_backward(
    density: Array,
    start: Array,
    transitions: Array,
    offsets: Array,
    weights: Array | None = None,
    onward: Array | None = None,
) -> Smoothed:
    """Posterior of the hidden states; density (K, n), start (K,) and transitions (K, K) as logarithms, weights (S,).

    Where there is one sequence and it goes on, ``onward`` (K,) is what rows after the last say of the next one's state.
    """
    density = np.array(density.T, dtype=float, order="C")
    plan = Schedule.of(offsets)
    filtered, predictive, dead = forward(density, start, transitions, plan)
    density -= predictive[:, None]
    behind = np.zeros_like(density)  # log p(rows after t | state at t) - log p(rows after t | rows up to t)
    if onward is not None:
        behind[-1] = logsumexp(transitions + onward, 1)
    for t in range(len(plan) - 1, 0, -1):
        rows = plan.rows(t)
        behind[rows - 1] = logsumexp(transitions + (density[rows] + behind[rows])[:, None, :], 2)
    states = np.exp(filtered + behind)
    predictive[dead] = -np.inf
    first = offsets[:-1][np.diff(offsets) > 0]
    each = None if weights is None else np.repeat(weights, np.diff(offsets))
    density += behind
    return Smoothed(
        np.ascontiguousarray(states.T),
        predictive,
        firsts(states, offsets, weights),
        _transitions(filtered, transitions, density, first, each),
        len(dead),
        density[0] if len(density) else None,
    )


def firsts(states: Array, offsets: Array, weights: Array | None) -> Array:
    """Expected first states (K,) of sequences of some weights (S,), from smoothed states (n, K)."""
    some = np.diff(offsets) > 0
    first = states[offsets[:-1][some]]
    out: Array = first.sum(axis=0) if weights is None else weights[some] @ first
    return out


def _transitions(
    filtered: Array, transitions: Array, ahead: Array, first: Array, weights: Array | None, tile: int = 4096
) -> Array:
    """Expected number of moves from each state to each, (K, K), summed over all pairs of neighbours."""
    inner = np.ones(len(filtered), bool)
    inner[first] = False
    later = np.flatnonzero(inner)
    counts = np.zeros_like(transitions)
    for at in range(0, len(later), tile):
        rows = later[at : at + tile]
        pairs = filtered[rows - 1][:, :, None] + transitions + ahead[rows][:, None, :]
        np.exp(pairs, out=pairs)
        counts += pairs.sum(axis=0) if weights is None else np.tensordot(weights[rows], pairs, 1)
    return counts
