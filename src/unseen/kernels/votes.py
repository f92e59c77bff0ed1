"""Sums over the votes on items, which lie one after the other; ``offsets`` (U + 1,) says where those of an item begin.

n votes, each a row of a table of R rows; U items, C classes.
"""

from __future__ import annotations

from unseen.kernels.loops import Integers, Matrix, loop


@loop
def gather(keys: Integers, offsets: Integers, logs: Matrix, sums: Matrix) -> None:
    """sums (U, C): of the rows of logs (R, C) that the votes (n,) on each item are."""
    classes = logs.shape[1]
    for u in range(len(offsets) - 1):
        for c in range(classes):
            total = 0.0
            for t in range(offsets[u], offsets[u + 1]):
                total += logs[keys[t], c]
            sums[u, c] = total


@loop
def scatter(keys: Integers, offsets: Integers, r: Matrix, counts: Matrix) -> None:
    """r (U, C) of its item is added to the row of counts (R, C) that a vote (n,) is."""
    classes = counts.shape[1]
    for u in range(len(offsets) - 1):
        for t in range(offsets[u], offsets[u + 1]):
            key = keys[t]
            for c in range(classes):
                counts[key, c] += r[u, c]
