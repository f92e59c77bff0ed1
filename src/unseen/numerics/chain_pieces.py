r"""Scaled forward-backward in NumPy: sequences are cut into pieces, and a step is taken in all pieces at once.

A piece begins with what the piece before ends with, which is not known yet. Hidden chains forget: all pieces are
entered with a guess, then with what the piece before said, and left again where nothing changes any more. That is the
answer of one walk from end to end, to rounding, since a step never drives two directions apart (Birkhoff 1957); a chain
that does not forget takes as many passes as it has pieces.

Rows are kept in the order in which they are visited, first rows of all pieces, second rows, ..., longest piece first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from unseen.core.stats import Array
from unseen.kernels.chains import TINY
from unseen.numerics.workspace import room

SHORTEST = 64  # rows of a piece: a step in Python should be shared by many, but what is forgotten takes rows, too
SAME = 1e-13  # relative change of an entry that rounding may make ...
CHECK = 16  # rows after which it is asked whether an entry is forgotten
NOTHING = 1e-200  # ... and what is too small to matter (`kernels.chains.PEAK`)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of sequences, longest first: first rows, lengths, and which piece comes before and after (-1: none).

    ``bounds`` (longest + 1,) says where the rows of each time begin in the order of visits.
    """

    starts: Array
    lengths: Array
    before: Array
    after: Array
    bounds: Array

    @classmethod
    def of(cls, offsets: Array) -> Pieces:
        """All sequences that have a row, cut into pieces of about equal lengths."""
        spans = np.diff(offsets)
        count = np.maximum(spans // max(SHORTEST, isqrt(int(offsets[-1])) // 2), 1)
        count[spans == 0] = 0
        sequence = np.repeat(np.arange(len(spans)), count)
        part = np.arange(len(sequence)) - np.repeat(np.cumsum(count) - count, count)
        starts = offsets[sequence] + part * spans[sequence] // count[sequence]
        lengths = np.diff(np.append(starts, offsets[-1]))
        order = np.argsort(-lengths, kind="stable")
        place = np.append(np.argsort(order), -1)  # of each piece among those sorted; of none, -1
        here = np.arange(len(order))
        before = place[np.where(part > 0, here - 1, -1)]
        after = place[np.where(part < count[sequence] - 1, here + 1, -1)]
        return cls(starts[order], lengths[order], before[order], after[order], _bounds(lengths[order]))

    def rows(self) -> Array:
        """The rows in the order of visits."""
        running = np.diff(self.bounds)
        parts = [self.starts[:r] + t for t, r in enumerate(running)]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def times(self) -> list[slice]:
        """The rows of each time, in the order of visits."""
        bounds = self.bounds.tolist()
        return [slice(a, z) for a, z in zip(bounds[:-1], bounds[1:], strict=True)]

    def at(self, time: Array) -> Array:
        """Places in the order of visits of a row of each piece."""
        places: Array = self.bounds[time] + np.arange(len(self.starts))
        return places


def _bounds(lengths: Array) -> Array:
    longest = int(lengths.max(initial=0))
    return np.append(0, np.cumsum(np.searchsorted(-lengths, -np.arange(longest), side="left")))


def forward(b: Array, start: Array, transitions: Array, pieces: Pieces) -> tuple[Array, Array]:
    """alpha (n, K) and the scale c (n,), in the order of visits like the densities b (n, K)."""
    alpha, c, ones = room(b.shape), np.full(len(b), np.nan), np.ones(b.shape[1])
    alpha[:] = np.nan  # never what a first pass says
    late = pieces.at(pieces.lengths - 1)
    inner = pieces.before >= 0
    entry = np.tile(start, (len(inner), 1))
    times = pieces.times()
    while True:
        ahead = entry
        for t, here in enumerate(times):
            joint, total = alpha[here], c[here]
            old = joint.copy() if t % CHECK == 0 else None
            np.multiply(ahead[: len(joint)], b[here], out=joint)
            np.matmul(joint, ones, out=total)
            joint /= total[:, None]
            if old is not None and same(joint, old):
                break  # the entry is forgotten: what follows is what it was
            ahead = joint @ transitions
        following = (alpha[late] @ transitions)[pieces.before[inner]]
        if same(following, entry[inner]):
            return alpha, c
        entry[inner] = following


def backward(b: Array, transitions: Array, pieces: Pieces) -> Array:
    """beta (n, K) from b / c (n, K), both in the order of visits."""
    beta, moves = room(b.shape), np.ascontiguousarray(transitions.T)
    beta[:] = np.nan
    first, inner = slice(0, len(pieces.starts)), pieces.after >= 0
    entry = np.ones((len(inner), b.shape[1]))
    times = list(enumerate(pieces.times()))[::-1]
    while True:
        behind = entry[:0]
        for t, here in times:
            now = beta[here]
            old = now.copy() if t % CHECK == 0 else None
            now[: len(behind)] = behind
            now[len(behind) :] = entry[len(behind) : len(now)]  # pieces that end here
            if old is not None and same(now, old):
                break
            behind = (b[here] * now) @ moves
            behind += TINY
        following = ((b[first] * beta[first]) @ moves + TINY)[pieces.after[inner]]
        if same(following, entry[inner]):
            return beta
        entry[inner] = following


def pairs(alpha: Array, w: Array, pieces: Pieces) -> Array:
    """Sum over neighbours t - 1, t in a sequence of alpha_{t-1} w_t', (K, K), both in the order of visits."""
    first, inner = slice(0, len(pieces.starts)), pieces.before >= 0
    total: Array = alpha[pieces.at(pieces.lengths - 1)][pieces.before[inner]].T @ w[first][inner]
    bounds = pieces.bounds
    changes = np.flatnonzero(np.diff(np.diff(bounds), prepend=0, append=0))
    for begin, end in zip(changes[:-1], changes[1:], strict=True):
        # from begin on equally many pieces run until end: a row's neighbour is that many rows away
        far, near = w[bounds[begin] : bounds[begin + 1]], w[bounds[begin + 1] : bounds[end]]
        if begin > 0:
            total += alpha[bounds[begin - 1] :][: len(far)].T @ far
        total += alpha[bounds[begin] :][: len(near)].T @ near
    return total


def same(new: Array, old: Array) -> bool:
    """Whether all entries are what they were; one that is not finite counts as such: its sequence goes another way."""
    return bool((~np.isfinite(new) | (np.abs(new - old) <= SAME * old + NOTHING)).all())
