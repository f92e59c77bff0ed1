r"""Scaled forward-backward in NumPy, a step in all pieces of all sequences at once.

A piece begins with what the piece before ends with, which is not known yet. Hidden chains forget: all pieces are
entered with a guess, then with what the piece before said, and left again where nothing changes any more. That is the
answer of one walk from end to end, to rounding, since a step never drives two directions apart (Birkhoff 1957). A chain
that has not forgotten after three passes gets its entries from `chain_transfers`. Arrays are in the order of visits.
"""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.kernels.chains import TINY
from unseen.numerics.chain_pieces import Pieces
from unseen.numerics.chain_transfers import entries
from unseen.numerics.workspace import room

SAME = 3e-13  # relative change of an entry that rounding may make ...
NOTHING = 1e-200  # ... and what is too small to matter (`kernels.chains.PEAK`)
CHECK = 16  # rows after which it is asked whether an entry is forgotten
PATIENCE = 3  # passes


def forward(
    b: Array, start: Array, transitions: Array, pieces: Pieces, onward: Array | None = None
) -> tuple[Array, Array, Array]:
    """alpha (n, K) and the scale c (n,) from densities b (n, K); and a guess at beta where pieces end, (P, K)."""
    alpha, c, ones = room(b.shape), np.full(len(b), np.nan), np.ones(b.shape[1])
    alpha[:] = np.nan  # never what a first pass says
    late = pieces.at(pieces.lengths - 1)
    inner = pieces.before >= 0
    entry = np.tile(start, (len(inner), 1))
    guess = np.ones_like(entry)
    if onward is not None:
        guess[pieces.after < 0] = transitions @ onward + TINY
    times, passes = pieces.times(), 0
    while True:
        ahead, passes = entry, passes + 1
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
            return alpha, c, guess
        entry[inner] = following
        if passes == PATIENCE:
            first, guess = entries(b, start, transitions, pieces, onward)
            entry[inner] = first[inner]


def backward(b: Array, transitions: Array, pieces: Pieces, guess: Array) -> Array:
    """beta (n, K) from b / c (n, K)."""
    beta, moves = room(b.shape), np.ascontiguousarray(transitions.T)
    beta[:] = np.nan
    first, inner = slice(0, len(pieces.starts)), pieces.after >= 0
    entry, times = guess.copy(), list(enumerate(pieces.times()))[::-1]
    least = pieces.lengths[inner].min(initial=len(times))  # until then, pieces are still to be entered
    while True:
        behind = entry[:0]
        for t, here in times:
            now = beta[here]
            old = now.copy() if t % CHECK == 0 and t < least else None
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
    """Sum over neighbours t - 1, t in a sequence of alpha_{t-1} w_t', (K, K)."""
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
