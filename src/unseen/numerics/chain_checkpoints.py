r"""One long hidden Markov chain in little memory: a walk in parts, of which only the ends are kept.

A first walk keeps the filter :math:`\alpha` where parts end, K numbers each. Then parts are walked from the last to the
first, each forwards once more from the end of the part before, and backwards from what the part after says. Beside the
K numbers for each part there are only the arrays of one part; densities are made twice. The answers are those of the
walk from end to end, to rounding.

Source: Grice, Hughey & Speck (1997), CABIOS 13, 45-53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.chain_logs import Smoothed
from unseen.numerics.chain_parts import Logs, Lost, Scaled, Walk
from unseen.numerics.chain_paths import best_paths, trace

PART = 2**19  # numbers in an array of a part: less time is lost to fresh memory than the second walk takes
LONG = 2**22  # numbers in an array of a sequence from which it is walked in parts

#: log-densities (K, m) of rows from one to another, and what else is known of them
Evaluate = Callable[[int, int], tuple[Array, Any]]


def cuts(length: int, states: int) -> list[tuple[int, int]]:
    """First row of each part and the one after its last, in even parts.

    >>> cuts(10, PART // 4)
    [(0, 3), (3, 6), (6, 10)]
    """
    count = max(1, -(-length * states // PART))
    ends = [length * i // count for i in range(count + 1)]
    return list(zip(ends[:-1], ends[1:], strict=True))


def smoothed(
    evaluate: Evaluate, length: int, start: Array, transitions: Array, compiled: bool = False
) -> Iterator[tuple[int, int, Smoothed, Any]]:
    """Forward-backward of one sequence, part by part from the last to the first.

    start (K,) and transitions (K, K) as logarithms. Yields the part's first row and the one after its last, what is
    known of its states, and what ``evaluate`` said of it. Their sums are those of the sequence.
    """
    parts = cuts(length, len(start))
    walk, marks = _marked(evaluate, parts, start, transitions, compiled)
    yield from _backwards(walk, evaluate, parts, marks)


def _marked(
    evaluate: Evaluate, parts: list[tuple[int, int]], start: Array, transitions: Array, compiled: bool
) -> tuple[Walk, list[Array | None]]:
    """A walk that loses nothing, and the filter before each part."""
    scaled = Scaled(start, transitions, compiled)
    try:
        marks = _forwards(scaled, evaluate, parts)
        if not scaled.bounded:  # whether it is lost shows on the way back: nothing may be told before
            for _ in _backwards(scaled, evaluate, parts, marks):
                pass
    except Lost:
        logs = Logs(start, transitions)
        return logs, _forwards(logs, evaluate, parts)
    return scaled, marks


def _forwards(walk: Walk, evaluate: Evaluate, parts: list[tuple[int, int]]) -> list[Array | None]:
    marks: list[Array | None] = [None]
    for a, z in parts[:-1]:
        marks.append(walk.filter(evaluate(a, z)[0], marks[-1])[-1].copy())
    return marks


def _backwards(
    walk: Walk, evaluate: Evaluate, parts: list[tuple[int, int]], marks: list[Array | None]
) -> Iterator[tuple[int, int, Smoothed, Any]]:
    onward = None
    for (a, z), before in zip(parts[::-1], marks[::-1], strict=True):
        density, known = evaluate(a, z)
        told = walk.smooth(density, before, onward)
        onward = told.onward
        yield a, z, told, known


def viterbi(
    evaluate: Evaluate, length: int, start: Array, transitions: Array, compiled: bool = False
) -> tuple[Array, float]:
    """The most probable path of one sequence, (length,), and its joint log-probability with the data."""
    parts, ahead, entries = cuts(length, len(start)), start, [start]

    def best(a: int, z: int, ahead: Array) -> Array:
        return best_paths(np.ascontiguousarray(evaluate(a, z)[0].T, float), ahead, transitions, compiled)

    for a, z in parts[:-1]:
        ahead = (best(a, z, ahead)[-1][:, None] + transitions).max(axis=0)
        entries.append(ahead)
    path, score = np.empty(length, np.int64), None
    for (a, z), ahead in zip(parts[::-1], entries[::-1], strict=True):
        paths = best(a, z, ahead)
        score = float(paths[-1].max()) if score is None else score
        _trace_into(path, a, z, paths, transitions, compiled)
    return path, score or 0.0


def draw_states(
    evaluate: Evaluate,
    length: int,
    start: Array,
    transitions: Array,
    rng: np.random.Generator,
    compiled: bool = False,
) -> Array:
    """One path of one sequence, (length,), from the posterior of its states; the draws are those of a walk in one."""
    parts, bits = cuts(length, len(start)), rng.bit_generator
    walk, marks = _marked(evaluate, parts, start, transitions, compiled)
    begins = []
    for a, z in parts:
        begins.append(bits.state)
        rng.gumbel(size=(z - a, len(start)))
    ended, path = bits.state, np.empty(length, np.int64)
    for (a, z), before, begun in zip(parts[::-1], marks[::-1], begins[::-1], strict=True):
        noisy = walk.filter(evaluate(a, z)[0], before)
        if isinstance(walk, Scaled):
            with np.errstate(divide="ignore"):
                noisy = np.log(noisy)
        bits.state = begun
        noisy += rng.gumbel(size=noisy.shape)
        _trace_into(path, a, z, noisy, transitions, compiled)
    bits.state = ended
    return path


def _trace_into(path: Array, a: int, z: int, best: Array, transitions: Array, compiled: bool) -> None:
    """Trace a part back from where the path goes on after it, if it does."""
    if z < len(path):
        best[-1] += transitions[:, path[z]]
    path[a:z] = trace(best, transitions, np.array([0, z - a]), compiled)
