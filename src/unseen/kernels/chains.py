"""Recursions along the rows of sequences that lie one after the other; ``offsets`` (S + 1,) says where they begin.

alpha, beta, gamma and the scale c are those of Rabiner (1989), Proc. IEEE 77, sections III and V. K states, n rows.
"""

from __future__ import annotations

from unseen.kernels.loops import Integers, Matrix, Vector, loop

TINY = 1e-290  # added to every beta: more than what rounding towards zero can take away
# a sequence is fine where c >= SMALL and beta <= PEAK: what is lost or added at a row is below 1e-290, and below
# 1e-200 where a piece of it is entered (`numerics.chain_pieces`); times PEAK / SMALL it is nothing
SMALL, PEAK = 1e-80, 1e100


@loop
def forward(b: Matrix, start: Vector, moves: Matrix, offsets: Integers, alpha: Matrix, c: Vector) -> None:
    """alpha (n, K) and c (n,) from densities b (n, K), start (K,) and the transposed transitions moves (K, K)."""
    states = b.shape[1]
    for s in range(len(offsets) - 1):
        for t in range(offsets[s], offsets[s + 1]):
            total = 0.0
            if t == offsets[s]:
                for j in range(states):
                    x = start[j] * b[t, j]
                    alpha[t, j] = x
                    total += x
            else:
                for j in range(states):
                    x = 0.0
                    for i in range(states):
                        x += alpha[t - 1, i] * moves[j, i]
                    x *= b[t, j]
                    alpha[t, j] = x
                    total += x
            c[t] = total
            scale = 1.0 / total
            for j in range(states):
                alpha[t, j] *= scale


@loop
def backward(
    b: Matrix, transitions: Matrix, offsets: Integers, alpha: Matrix, c: Vector,
    last: Vector, beta: Vector, xi: Matrix, counts: Matrix, fine: Integers, weights: Vector,
) -> None:  # fmt: skip
    """alpha becomes gamma, b becomes b beta / c; xi is added to counts (K, K) where a sequence is fine (S,), 1 or 0,
    times its weight (S,).

    last (K,) is beta where sequences end. beta (K,) and xi (K, K) are work space.
    """
    states = b.shape[1]
    for s in range(len(offsets) - 1):
        good = 1
        for i in range(states):
            beta[i] = last[i]
            for j in range(states):
                xi[i, j] = 0.0
        for back in range(offsets[s + 1] - offsets[s]):
            t = offsets[s + 1] - 1 - back
            good = good if c[t] >= SMALL else 0
            scale = 1.0 / c[t]
            for j in range(states):
                b[t, j] *= beta[j] * scale
                alpha[t, j] *= beta[j]
            if t > offsets[s]:
                for i in range(states):
                    x = TINY
                    for j in range(states):
                        x += transitions[i, j] * b[t, j]
                    beta[i] = x
                    good = good if x <= PEAK else 0
                    before = alpha[t - 1, i]
                    for j in range(states):
                        xi[i, j] += before * b[t, j]
        fine[s] = good
        if good == 1:
            for i in range(states):
                for j in range(states):
                    counts[i, j] += weights[s] * transitions[i, j] * xi[i, j]


@loop
def maximum(density: Matrix, start: Vector, transitions: Matrix, offsets: Integers, best: Matrix) -> None:
    """best (n, K): log-probability of the most probable path to each state of each row, all arguments as logarithms."""
    states = density.shape[1]
    for s in range(len(offsets) - 1):
        for t in range(offsets[s], offsets[s + 1]):
            if t == offsets[s]:
                for j in range(states):
                    best[t, j] = start[j] + density[t, j]
            else:
                for j in range(states):
                    best[t, j] = best[t - 1, 0] + transitions[0, j]
                for i in range(1, states):
                    before = best[t - 1, i]
                    for j in range(states):
                        x = before + transitions[i, j]
                        best[t, j] = x if x > best[t, j] else best[t, j]
                for j in range(states):
                    best[t, j] += density[t, j]


@loop
def trace(best: Matrix, moves: Matrix, offsets: Integers, path: Integers) -> None:
    """path (n,): the state with the largest best at the end of each sequence, then back, each step to the state i with
    the largest best[t, i] + log transition from i to where the path goes on; moves (K, K) is transposed."""
    states = best.shape[1]
    for s in range(len(offsets) - 1):
        for back in range(offsets[s + 1] - offsets[s]):
            t = offsets[s + 1] - 1 - back
            at = 0
            if back == 0:
                for i in range(1, states):
                    if best[t, i] > best[t, at]:
                        at = i
            else:
                following = path[t + 1]
                most = best[t, 0] + moves[following, 0]
                for i in range(1, states):
                    x = best[t, i] + moves[following, i]
                    if x > most:
                        at = i
                        most = x
            path[t] = at
