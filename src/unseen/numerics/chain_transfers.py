"""What pieces of a slowly forgetting chain are entered with: through each from each state, then piece after piece.

That is K times the work of a pass (`chain_walks`), once.
"""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.kernels.chains import TINY
from unseen.numerics.chain_pieces import Pieces


def entries(
    b: Array, start: Array, transitions: Array, pieces: Pieces, onward: Array | None = None
) -> tuple[Array, Array]:
    """The distribution of each piece's first state given what came before it, and beta of its last row; (P, K) each.

    onward (K,) is what is said of the state after the end of a sequence that goes on.
    """
    ahead, level = transfers(b, transitions, pieces)
    weight = np.exp(level - level.max(axis=1, keepdims=True))
    order = np.argsort(pieces.starts).tolist()
    before, after = pieces.before.tolist(), pieces.after.tolist()
    first = np.tile(start, (len(order), 1))
    last, onwards = (
        np.ones_like(first),
        np.ones_like(first),
    )  # what rows after a piece say of its last state, of the next
    for p in order:
        if (q := before[p]) >= 0:
            here = (first[q] * weight[q]) @ ahead[q]
            first[p] = here / here.sum()
    for p in reversed(order):
        if after[p] < 0 and onward is not None:
            onwards[p] = onward
            last[p] = transitions @ onward + TINY
        if (q := after[p]) >= 0:
            behind = weight[q] * (ahead[q] @ onwards[q])
            onwards[p] = behind / (first[q] @ behind)
            last[p] = transitions @ onwards[p] + TINY
    return first, last


def transfers(b: Array, transitions: Array, pieces: Pieces) -> tuple[Array, Array]:
    """Given each first state of each piece, the distribution of the state after it, (P, K, K), and the log-density of
    the piece, (P, K)."""
    k = len(transitions)
    ahead = np.tile(np.eye(k), (len(pieces.starts), 1, 1))
    level = np.zeros(ahead.shape[:2])
    for here in pieces.times():
        running = here.stop - here.start
        joint = ahead[:running]
        joint *= b[here, None, :]
        total = joint.sum(axis=2)
        level[:running] += np.log(total)
        joint /= np.where(total > 0, total, 1.0)[:, :, None]
        np.matmul(joint, transitions, out=joint)
    return ahead, level
